"""Wakes, time limits, permits, forks and which loop runs, for any event loop."""
