"""Faults that a test switches on."""
