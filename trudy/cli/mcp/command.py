"""The command `trudy mcp`."""

from __future__ import annotations

import secrets
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from trudy.cli.connection import open_async_client
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.cli.groups import single
from trudy.cli.options import CountryCode, ShowNumbers
from trudy.cli.shell import shell_of

if TYPE_CHECKING:
    from anyio import AsyncFile

    from trudy import AsyncTrudyClient
    from trudy.cli.mcp.server import McpSettings

app = single()


@app.command()
def mcp(
    context: typer.Context,
    allow_call: Annotated[bool, typer.Option("--allow-call", help="Let the agent place calls, in two steps.")] = False,
    only_to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The numbers that may be called, one a line.")
    ] = None,
    max_calls: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="The most calls while this server runs.")
    ] = None,
    region: CountryCode = None,
    show_numbers: ShowNumbers = False,
) -> None:
    """Serve the API as tools for an AI assistant (MCP) over standard input and output; it only reads unless told."""
    if find_spec("mcp") is None:
        raise CommandError(
            "trudy mcp needs the package mcp, which is not installed",
            "Install it: pip install 'trudy-python-sdk[cli,mcp]'",
            code=ExitCode.EXTRA_MISSING,
        )
    if allow_call and (only_to is None or max_calls is None):
        raise CommandError(
            "--allow-call needs --only-to FILE and --max-calls N",
            "Write the numbers that may be called into the file, one a line.",
        )
    if not allow_call and (only_to is not None or max_calls is not None):
        raise CommandError("--only-to and --max-calls allow no call by themselves", "Add --allow-call if it is meant.")
    from trudy.cli.mcp.guard import CallGuard
    from trudy.cli.mcp.numbers import numbers_in
    from trudy.cli.mcp.server import McpSettings

    shell = shell_of(context)
    if shell.dry_run:
        raise CommandError("trudy mcp has no dry run", "Without --allow-call it places no call.")
    guard = None
    if only_to is not None and max_calls is not None:
        guard = CallGuard(
            numbers=numbers_in(only_to, region),
            most=max_calls,
            secret=secrets.token_bytes(32),
            monotonic=time.monotonic,
        )
    client = open_async_client(shell)
    allowed = "it only reads" if guard is None else guard.allowance
    shell.say(f"MCP server of {client.base_url} on standard input and output: {allowed}.")
    _serve(client, McpSettings(guard=guard, region=region, show_numbers=show_numbers))


def _serve(client: AsyncTrudyClient, settings: McpSettings) -> None:
    import asyncio

    from mcp.server.stdio import stdio_server

    from trudy.cli.mcp.server import make_server
    from trudy.cli.mcp.standard_input import StandardInput

    async def serve() -> None:
        lines = cast("AsyncFile[str]", StandardInput())  # only iterated over
        async with client, stdio_server(stdin=lines) as (incoming, outgoing):
            server = make_server(client, settings)
            await server.run(incoming, outgoing, server.create_initialization_options())

    asyncio.run(serve())
