"""Signed events: what is told, when it is sent, and by whom."""
