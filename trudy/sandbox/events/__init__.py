"""Signed webhook events.

of_things.py    the events of calls, batches and voices, and their bodies
outbox.py       when each event is sent, and how often
sender.py       sends them to URLs and routers
"""
