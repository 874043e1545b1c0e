"""What real servers were seen to do that no page documents.

`names` lists them all. `answers` changes whole answers, `rows` the objects in them, `list_window` the pages of lists,
and `requests` what comes in: redirects and ids with prefixes. Quirks of events are in `trudy.sandbox.events.of_things`.
"""
