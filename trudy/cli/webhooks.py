"""`trudy webhooks`: does a receiver verify what it gets?"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from trudy.cli.groups import group
from trudy.cli.options import AllowRemote
from trudy.cli.shell import shell_of
from trudy.cli.times import seconds_of
from trudy.webhooks.receiver_url import TIMEOUT

app = group("Test a receiver of webhooks.")


@app.callback()
def webhooks() -> None:
    """Without it, typer would take the only command for the group."""


@app.command()
def check(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The receiver.")],
    remote: AllowRemote = False,
    timeout: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait for each answer.")
    ] = f"{TIMEOUT:g}s",
) -> int:
    """Send good and bad deliveries to a receiver; exit with 1 if a bad one was let in, 2 if a good one was refused."""
    from trudy.cli.listen.state_files import receiver_secret
    from trudy.webhooks.check import Finding, check_receiver, line_of
    from trudy.webhooks.receiver_url import receiver_url

    shell = shell_of(context)
    seconds = seconds_of(timeout, "--timeout", least=0.001, most=3600)
    receiver = receiver_url(url, remote=remote)
    secret = receiver_secret()

    def write(line: str, colour: str | None = None) -> None:
        line = typer.style(line, fg=colour) if colour and shell.terminal.has_colour else line
        shell.terminal.out.write(f"{line}\n")
        shell.terminal.out.flush()

    def show(finding: Finding) -> None:
        if shell.json:
            members = {"trial": finding.trial.name, "should_be_accepted": finding.trial.is_good}
            write(json.dumps({**members, "status": finding.status, "fault": finding.fault, "result": finding.reading}))
        else:
            write(line_of(finding), None if finding.reading == "ok" else "red")

    status, verdict = check_receiver(receiver, secret, show, timeout=seconds)
    if shell.json:
        shell.say(verdict)
    else:
        write(verdict, "red" if status else "green")
    return status
