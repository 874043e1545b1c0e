"""Quirks: behaviours of real servers that no page documents.

    names.py          the names of all quirks, and what each does
    answers.py        quirks of whole answers
    rows.py           quirks of the objects in answers
    list_window.py    quirks of the pages of lists
    requests.py       quirks of requests: redirects and ids with prefixes

Quirks of events are in `trudy.sandbox.events.of_things`.
"""
