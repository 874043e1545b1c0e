"""Faults that a test switches on: errors, delays and broken connections.

rules.py      which requests a fault hits, and what it does to the answer
options.py    the options of a fault, and their checks
file.py       reads faults from a TOML file and from the control endpoint
"""
