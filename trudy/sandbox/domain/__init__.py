"""What calls, campaigns and the other things do over time, as functions of the clock; no HTTP but its refusals.

outcomes.py           what a number forces
new_call.py           places a call
lifecycle.py          its course
call_log.py           finds calls by status and time
browser_calls.py      those from a browser
campaign.py           one campaign
campaign_runner.py    runs all of them up to the present
contacts.py           people and their folders
contact_import.py     a file of contacts, row by row
spreadsheet.py        the rows of such a file
numbers.py            numbers that agents have
number_market.py      where they are bought
voices.py             training
sources.py            processing
newest_first.py       rows in the order of lists
values.py             reads durations, times and base64
"""
