"""Behaviours of real servers that no page documents, each switched on by its name."""
