# Generated from nothing else by `python -m trudy.codegen`; change the source, never this file.
"""The client without an event loop: the async client's namespaces, a file a resource."""
