"""The command `trudy listen`."""

from __future__ import annotations

import hmac
import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Final

import typer

from trudy.cli.connection import access_of, open_async_client
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.cli.groups import single
from trudy.cli.options import AllowRemote
from trudy.cli.shell import Shell, shell_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import anyio

    from trudy.cli.listen.journal import Journal
    from trudy.cli.listen.listening import Listening
    from trudy.client import AsyncTrudyClient
    from trudy.webhooks.receiver_url import ReceiverURL
    from trudy.webhooks.sample_events import IdNames

app = single()

_ID_FORMS: Final[dict[str, IdNames]] = {"provider": "provider", "api": "api"}


@app.command()
def listen(
    context: typer.Context,
    forward_to: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Post the events to this receiver; may be repeated.")
    ] = None,
    event: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this event, such as call.ended; may be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Tell what happened since then too: 90m, 1d, or a time.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the last run stopped, and tell what happened in between.")
    ] = False,
    ids: Annotated[
        str,
        typer.Option(
            metavar="provider|api", help="Whose ids events hold: the voice provider's if known, or the API's."
        ),
    ] = "provider",
    remote: AllowRemote = False,
    print_secret: Annotated[
        bool, typer.Option("--print-secret", help="Print the secret that signs the events, and nothing else.")
    ] = False,
) -> int:
    """Turn changes of calls and campaigns into signed events, and forward them to a receiver on this machine."""
    from trudy.cli.listen.state_files import listen_secret
    from trudy.webhooks.events import misspelt
    from trudy.webhooks.receiver_url import receiver_url

    shell = shell_of(context)
    if print_secret:
        shell.terminal.out.write(f"{listen_secret()}\n")
        return ExitCode.DONE
    if resume and since is not None:
        raise CommandError("--resume and --since exclude each other", "A resumed run begins where the last one ended.")
    if ids not in _ID_FORMS:
        raise CommandError("--ids must be provider or api", "Try trudy listen --help")
    for name in event or ():
        if (fault := misspelt(name)) is not None:
            raise CommandError(fault, "Nothing is watched yet: mend --event and run it again.")
    receivers = {each.label: each for each in (receiver_url(url, remote=remote) for url in forward_to or ())}
    return _run(
        shell,
        [*receivers.values()],
        secret=listen_secret(),
        since=since,
        resume=resume,
        ids=_ID_FORMS[ids],
        names=event or (),
    )


def _run(
    shell: Shell,
    receivers: Sequence[ReceiverURL],
    *,
    secret: str,
    since: str | None,
    resume: bool,
    ids: IdNames,
    names: Sequence[str],
) -> int:
    import anyio

    from trudy.cli.listen.journal import Journal
    from trudy.cli.listen.listening import Listening
    from trudy.cli.listen.screen import EventLines
    from trudy.cli.listen.state_files import only_one
    from trudy.cli.times import instant_of

    key = access_of(shell).api_key or os.environ.get("TRUDY_API_KEY") or os.environ.get("TRUEDY_API_KEY") or ""

    async def main() -> None:
        async with open_async_client(shell) as client:
            account = _account(client.base_url, key, secret)
            begin = None
            if since is not None:
                begin = instant_of(since, "--since", client.clock.time()).timestamp()
            with only_one(f"listen-{account}"), Journal() as journal:
                listening = Listening(
                    client=client,
                    journal=journal,
                    screen=EventLines(shell, names_receivers=len(receivers) > 1),
                    account=account,
                    secret=secret,
                    receivers=receivers,
                    since=begin,
                    resume=resume,
                    ids=ids,
                    names=names,
                )
                _say_what_begins(shell, client, receivers, secret)
                await _until_stopped(listening)
                _say_how_it_ended(shell, listening, journal)

    anyio.run(main)
    return ExitCode.DONE


def _account(base_url: str, key: str, secret: str) -> str:
    """A name for the account in the log, from which nobody can read the key."""
    return hmac.digest(secret.encode(), f"{base_url} {key}".encode(), "sha256").hex()[:16]


def _say_what_begins(shell: Shell, client: AsyncTrudyClient, receivers: Sequence[ReceiverURL], secret: str) -> None:
    from trudy.cli.listen.watching import INTERVAL

    shell.say(f"Watching {client.base_url}: a look every {INTERVAL:.0f} s")
    for receiver in receivers:
        shell.say(f"Forwarding to {receiver.label}")
    shell.say(f"The receiver needs this secret, the same at each start:\n  TRUDY_WEBHOOK_SECRET={secret}")
    shell.say("Ctrl-C ends it.\n")


def _say_how_it_ended(shell: Shell, listening: Listening, journal: Journal) -> None:
    waiting = len(journal.waiting(listening.account))
    if shell.terminal.shows_tables:
        shell.say("")  # the terminal has shown ^C
    undelivered = f", with {_counted(waiting, 'delivery', 'deliveries')} still to make" if waiting else ""
    told = _counted(listening.told, "event", "events")
    shell.say(f"Stopped after {told}{undelivered}. trudy listen --resume goes on from here.")


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


async def _until_stopped(listening: Listening) -> None:
    """Listen until Ctrl-C or a request to end. Outside of the main thread nobody waits for those."""
    import anyio

    async def stop(scope: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                scope.cancel()

    failures = list[Exception]()
    async with anyio.create_task_group() as tasks:
        if threading.current_thread() is threading.main_thread():
            tasks.start_soon(stop, tasks.cancel_scope)
        try:
            await listening.run()
        except Exception as error:  # a group would wrap it, and the shell could not tell what failed
            failures.append(error)
        tasks.cancel_scope.cancel()
    if failures:
        raise failures[0]
