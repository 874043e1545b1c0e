"""`trudy listen`, and what it shares with `trudy trigger` and `trudy events`.

The way of an event through the files:

command.py        reads the arguments, and ends at Ctrl-C
listening.py      runs the watch and the forwarding side by side
watching.py       reads the lists, at most six requests a minute
changes.py        two sweeps in, events out; pure
bodies.py         the bodies of events, made from rows
journal.py        the local log: events, how they were delivered, how far the watch had come
forwarding.py     posts signed events to receivers, and tries again
sending.py        the same once, for trigger and resend
screen.py         shows events and answers
saved_state.py    the state of a watch as JSON, for `--resume`
state_files.py    the user's state directory: the secret, and one watch at a time
"""
