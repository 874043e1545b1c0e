"""`trudy dial worker`: one of the processes that dial from a store in PostgreSQL."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer
from attrs import evolve

from trudy.cli.connection import access_of
from trudy.cli.dial.options import DEFAULT_STORE, StorePath
from trudy.cli.dial.stores import run_async
from trudy.cli.failures import CommandError
from trudy.cli.options import ShowNumbers
from trudy.cli.output import console_of
from trudy.cli.shell import Shell, shell_of
from trudy.errors import InvalidArgumentError
from trudy.options import RateLimit

if TYPE_CHECKING:
    from trudy.dialer import DialEvent

app = typer.Typer()
_USUAL_LIMIT: Final = RateLimit().limit


@app.command()
def worker(
    context: typer.Context,
    store: StorePath = DEFAULT_STORE,
    hooks: Annotated[
        str | None,
        typer.Option(metavar="MODULE:OBJECT", help="Python hooks of the run; the same for each worker."),
    ] = None,
    rate_limit: Annotated[
        int, typer.Option(metavar="N", help="Requests a minute that the server takes.", min=1)
    ] = _USUAL_LIMIT,
    rate_limit_group: Annotated[
        str, typer.Option(metavar="NAME", help="What all processes with this key share its rate limit under.")
    ] = "default",
    until_done: Annotated[
        bool, typer.Option("--until-done", help="End once no campaign runs and no call is open.")
    ] = False,
    show_numbers: ShowNumbers = False,
) -> None:
    """Dial from a store in PostgreSQL, with other workers."""
    shell = shell_of(context)
    check_is_shared(store)
    access = access_of(evolve(shell, dry_run=False))
    if shell.dry_run:
        shell.say("dry run: nobody was called")
        return

    async def work() -> None:
        from trudy.dialer.fleet import command

        try:
            found = None if hooks is None else command.hooks_named(hooks)
        except ArgumentTypeError as error:
            raise InvalidArgumentError(f"hooks: {error}", argument="hooks") from None
        arguments = Namespace(
            store=store,
            hooks=found,
            rate_limit=rate_limit,
            rate_limit_group=rate_limit_group,
            until_done=until_done,
            api_key=access.api_key,
            base_url=access.base_url,
        )
        with _telling(shell, show_numbers=show_numbers) as tell:
            await command.work(arguments, tell)

    shell.say("a worker of this store; times are UTC; Ctrl-C ends it, and the others go on")
    run_async(work)
    shell.say("the worker has ended; trudy dial status shows how far the campaigns are")


def check_is_shared(store: str) -> None:
    """Whether several processes may dial from a store.

    Raises:
        CommandError: they may not.
    """
    if not store.startswith(("postgresql://", "postgresql+")):
        advice = "Say --store postgresql://user@host/database, or set TRUDY_DIAL_STORE."
        raise CommandError("workers need a store in PostgreSQL", advice)


@contextmanager
def _telling(shell: Shell, *, show_numbers: bool) -> Generator[Callable[[DialEvent], None]]:
    """Shows each event as a line, with the time of this machine."""
    from trudy.cli.dial.screens import INTERRUPTED, JsonScreen, event_line

    if not shell.shows_tables:
        with JsonScreen(shell, show_numbers=show_numbers) as screen:
            yield lambda event: screen.tell(event, datetime.now(UTC))
        return

    console = console_of(shell)

    def tell(event: DialEvent) -> None:
        if event.kind == "interrupted":
            shell.say("\n" + "\n".join(INTERRUPTED))  # the terminal has shown ^C
            return
        line = event_line(event, datetime.now(UTC), show_numbers=show_numbers)
        console.print(line, no_wrap=True, overflow="ellipsis")
        shell.terminal.out.flush()

    yield tell
