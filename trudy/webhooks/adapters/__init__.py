"""Answers deliveries in a web framework: a file each."""
