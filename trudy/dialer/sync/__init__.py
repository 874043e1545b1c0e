# Generated from nothing else by `python -m trudy.codegen`; change the source, never this file.
"""The dialer without an event loop."""
