"""Replay guards: each remembers which events were handled, a file for each store."""
