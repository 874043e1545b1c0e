"""Faults that a test switches on.

rules.py      which request is met, and how
options.py    their names and kinds, checked
file.py       reads them from TOML and from the control endpoint
"""
