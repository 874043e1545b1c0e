"""What real servers were seen to do that no page documents.

    names.py          all of them
    answers.py        those that change whole answers
    rows.py           the objects in them
    list_window.py    the pages of lists
    requests.py       what comes in: redirects and ids with prefixes

Quirks of events are in `trudy.sandbox.events.of_things`.
"""
