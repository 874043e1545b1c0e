"""`trudy calls transcript`: what was said, as lines for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from trudy.cli.calls.watching import transcript_lines
from trudy.cli.connection import open_client
from trudy.cli.groups import single
from trudy.cli.output import show
from trudy.cli.shell import shell_of
from trudy.cli.times import seconds_of
from trudy.options import MAX_WAIT

app = single()


@app.command()
def transcript(
    context: typer.Context,
    call_id: Annotated[str, typer.Argument(metavar="ID", help="The call.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is there, some seconds after the end.")] = False,
    max_wait: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait, such as 10m.")
    ] = f"{MAX_WAIT:g}s",
) -> None:
    """Show what was said in a call."""
    shell = shell_of(context)
    longest = seconds_of(max_wait, "--max-wait", least=1)
    with open_client(shell) as client:
        calls = client.calls
        found = calls.wait_for_transcript(call_id, max_wait=longest) if wait else calls.get_transcript(call_id)
    if not shell.shows_tables:
        show(shell, {"call_id": call_id, **found.to_dict()})
    elif found.text:
        shell.terminal.out.write("\n".join(transcript_lines(found, shell.terminal.width)) + "\n")
    else:
        shell.say("nothing was said, or it is not there yet: add --wait")
