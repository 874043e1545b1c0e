"""Wakes, time limits, permits, forks, first imports and which loop runs, for any event loop."""
