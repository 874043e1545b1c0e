"""Replay guards remember which events were handled, so that a repeated delivery is not handled again.

guard.py     the protocol, for a guard of your own
memory.py    one process
sqlite.py    the processes of one machine, and across restarts
redis.py     any number of machines
"""
