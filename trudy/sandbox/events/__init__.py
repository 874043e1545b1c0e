"""Signed events.

of_things.py    what is told of calls, batches and voices, and how it is written
outbox.py       when, and how often
sender.py       to URLs and routers
"""
