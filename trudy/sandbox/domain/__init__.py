"""What a Truedy does, without HTTP: calls, campaigns, contacts, numbers, sources and voices."""
