"""What calls, campaigns and the other objects do over time, as functions of the clock. No HTTP, except its refusals.

outcome_by_number.py  which phone number forces which outcome
new_call.py           places a call
lifecycle.py          the stages of a call, and what it leaves behind
call_log.py           finds calls by agent, direction, status and time
browser_calls.py      calls from a browser
campaign.py           one batch: its contacts, and when it dials them
campaign_runner.py    runs all batches up to the present
contacts.py           contacts and their folders
contact_import.py     reads contacts from a file, row by row
spreadsheet.py        reads the rows of a CSV or XLSX file
account_numbers.py    the account's phone numbers, and the agents they serve
number_market.py      phone numbers for sale
voices.py             voices and their training
sources.py            documents and web pages of a knowledge base, and their processing
newest_first.py       rows in the order of lists
values.py             reads durations, times and base64
"""
