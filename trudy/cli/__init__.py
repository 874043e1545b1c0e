"""The `trudy` command.

profiles           names and base URLs in a file, their keys in the system keyring
"""
