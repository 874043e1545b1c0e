"""The `trudy` command: the whole API from a shell.

Commands are thin: they read arguments, call the library, and show what comes. Each loads when it is run.

main.py          the entry: runs the command line and turns errors into exit codes
app.py           the root command, its global options, and where each command's module is
groups.py        command groups whose commands load when they are used
options.py       options that commands of several groups take
shell.py         what each command is given: global options, and the terminal
wrapping.py      lines for a terminal, wrapped between words
output.py        tables on a terminal, JSON elsewhere, ids alone
cells.py         one value as a cell of a table
asking.py        asks before anything rings, buys or deletes
connection.py    a client with the key of the environment or of a profile
profiles.py      names and base URLs in a file, their keys in the system keyring
dry_run.py       shows the request that a command would send
failures.py      errors in two lines: what happened, what to do
exit_codes.py    exit codes, in one table
request.py       `trudy request`: any endpoint
operations/      the commands of the API, made of tables
calls/           `trudy call`, `trudy calls transcript` and `trudy calls download`
dial/            `trudy dial`: campaigns
listen/          `trudy listen`: signed events for a receiver on this machine
trigger.py       `trudy trigger`: one event of one's own making
events.py        `trudy events`: the log of the events made on this machine
webhooks.py      `trudy webhooks check`: does a receiver verify what it gets?
times.py         `1h30m`, `1d` and `2026-06-01` as durations and times
login.py         keys kept by a name: `trudy login`, `logout`, `profiles`
doctor/          `trudy doctor`: everything that a call needs, looked at
demo/            `trudy demo`: a call and a campaign on a sandbox
mcp/             `trudy mcp`: the API as tools for an agent
sandbox.py       `trudy sandbox`, with the options of `python -m trudy.sandbox`

A new command is a module that offers `app`, a `typer.Typer` (of `groups.group` where it has commands of its own), and a
line in `app.SECTIONS`, or in `app.BESIDE` where it stands in a group of the API. It asks `shell_of(context)` for the
global options, `open_client` for a client, `confirm` for a yes, and `show` or `show_list` to print; it raises
`CommandError` to end with a code of its own, or returns the code.

.. include:: README.md
"""
