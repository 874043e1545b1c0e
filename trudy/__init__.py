"""The Python SDK for Truedy: AI voice agents that call real people."""
