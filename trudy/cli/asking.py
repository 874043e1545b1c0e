"""Asks before anything rings, buys or deletes."""

from __future__ import annotations

from trudy.cli.shell import Shell


class NotConfirmedError(Exception):
    """Nobody said yes; nothing was sent."""


def confirm(shell: Shell, what: str) -> None:
    """Say what will be done and wait for a yes. `--yes` says it ahead; a dry run does nothing that needs one.

    Args:
        shell: where to ask.
        what: a sentence, such as `Call +14155550123.`

    Raises:
        NotConfirmedError: the answer was no, or there is nobody to ask.
    """
    if shell.dry_run:
        return
    if shell.yes:
        return
    if not shell.terminal.can_ask:
        raise NotConfirmedError(f"not confirmed: {what}", "There is nobody to ask here; if it is meant, add --yes.")
    shell.say(what)
    shell.terminal.err.write("Go on? [y/N] ")
    shell.terminal.err.flush()
    answer = shell.terminal.input.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise NotConfirmedError("not confirmed", "Nothing was done.")
