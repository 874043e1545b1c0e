"""The operations of the API as commands: `trudy agents list`, `trudy calls get ID`.

What there is stands in tables, which `python -m trudy.codegen` writes from the sync client's signatures and docstrings.
A page of help loads one table and nothing of the client.

tables/          GENERATED: each operation with its arguments, a file a resource
api_command.py   what a table says of an operation and its arguments
commands.py      makes commands of a table: arguments, options, help
arguments.py     what stands in a command line as the arguments of a method
values.py        the text of an argument as the value that the method takes
json_values.py   objects and lists: JSON, files, members one by one
effects.py       what rings, buys or deletes, in a sentence
columns.py       what a table shows of each kind of object
run.py           runs one operation: asks, calls the method, shows how far it is and what comes
"""
