"""Faults that a test switches on: `rules` decide which request is met and how; `options` are their names and kinds,
checked; `file` reads them from TOML and from the control endpoint.
"""
