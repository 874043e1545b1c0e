"""What happens to every request, a file a step."""
