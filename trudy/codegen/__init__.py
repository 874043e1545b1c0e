"""Writes `trudy/sync/`, the client without an event loop, from `trudy/client.py` and `trudy/resources/`.

It also writes `trudy/dialer/sync/`, from `trudy/dialer/dialer.py` and `do_not_call.py`, the tables of the `trudy`
command, from the sync client, and `trudy/_exports.py`.

python -m trudy.codegen            write what is stale
python -m trudy.codegen --check    name what is stale, and end with code 1

files.py      which file is made from which; formatting by ruff; what is stale
module.py     one module: its classes, with what they inherit, and imports
methods.py    one method: bridged, paged, passed on, or copied without `await`
words.py      names, annotations and docstrings of the sync client
commands.py   `trudy/cli/operations/tables/`: each operation with its arguments
arguments.py  how each argument is read from a command line
docstrings.py  docstrings as help
exports.py    `trudy/_exports.py`: where the lazily loaded names of each package stand
"""
