"""Wakes, time limits, permits and forks, for any event loop."""
