"""HTTP in and out: the application, its two doors, and what every request goes through."""
