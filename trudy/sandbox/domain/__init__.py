"""What calls, campaigns and the other things do over time, as functions of the clock; no HTTP but its refusals.

Calls: `outcomes` says what a number forces, `new_call` places a call, `lifecycle` is its course, `call_log` finds calls
by status and time, `browser_calls` are those of a browser. Campaigns: `campaign` is one of them, `campaign_runner` runs
all up to the present. Contacts: `contacts`, and `contact_import` over the files that `spreadsheet` reads. Numbers:
`numbers` that agents have, `number_market` where they are bought. `voices` and `sources` train and process.
`newest_first` keeps any rows in the order of lists; `values` reads durations, times and base64.
"""
