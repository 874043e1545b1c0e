"""`trudy call`: one call, placed after a yes and followed if asked for."""

from __future__ import annotations

from typing import Annotated

import typer

from trudy.cli.asking import confirm
from trudy.cli.calls.watching import watch as watch_call
from trudy.cli.connection import open_client
from trudy.cli.exit_codes import ExitCode
from trudy.cli.groups import single
from trudy.cli.output import show
from trudy.cli.shell import shell_of
from trudy.cli.times import seconds_of
from trudy.errors import InvalidArgumentError
from trudy.options import MAX_WAIT, NOT_GIVEN

app = single()


@app.command()
def call(
    context: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Whom to call, such as +14155550123.")],
    agent: Annotated[str, typer.Option(metavar="ID", help="The agent that speaks, of trudy agents list.")],
    from_number: Annotated[
        str | None, typer.Option("--from", metavar="NUMBER", help="One of the agent's numbers; the server picks one.")
    ] = None,
    variable: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A value for the agent's prompt; may be repeated."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it: its status, then what was said.")] = False,
    max_wait: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to watch, such as 10m.")
    ] = f"{MAX_WAIT:g}s",
) -> int:
    """Have an agent call somebody, now."""
    shell = shell_of(context)
    variables = _variables(variable or ())
    longest = seconds_of(max_wait, "--max-wait", least=1)
    confirm(shell, f"A phone rings: agent {agent} calls {number}.")
    with open_client(shell) as client:
        try:
            placed = client.calls.create(
                agent_id=agent,
                phone_number=number,
                from_number=NOT_GIVEN if from_number is None else from_number,
                variables=variables or NOT_GIVEN,
            )
        except KeyboardInterrupt:
            shell.say(
                "\nstopped before the answer came: the call may have been placed. Look before you call again:"
                f" trudy calls list --agent-id {agent} --limit 5"
            )
            return ExitCode.OUTCOME_UNKNOWN
        if not watch:
            show(shell, placed)
            return ExitCode.DONE
        shell.say(f"call {placed.id}; Ctrl-C stops watching, not the call")
        return watch_call(shell, client, placed, max_wait=longest)


def _variables(pairs: list[str] | tuple[()]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise InvalidArgumentError("--variable must be as in --variable name=Ada", argument="variable")
        variables[name.strip()] = value
    return variables
