"""Sends events once, for `trudy trigger` and `trudy events resend`."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from trudy.cli.exit_codes import ExitCode
from trudy.cli.listen.changes import SimulatedEvent
from trudy.cli.listen.forwarding import post, receiver_client
from trudy.cli.listen.journal import ForwardAttempt, Journal, LoggedEvent
from trudy.cli.listen.screen import EventLines
from trudy.cli.listen.state_files import listen_secret, receiver_secret
from trudy.cli.shell import Shell
from trudy.clock import SystemClock
from trudy.webhooks.receiver_url import ReceiverURL


def send_once(shell: Shell, receivers: Sequence[ReceiverURL], made: Sequence[SimulatedEvent]) -> int:
    """Log events, send each to each receiver, and show how they answer. Returns the exit code."""
    with Journal() as journal:
        return send_logged(shell, journal, [(event, receivers) for event in journal.add(made, source="trigger")])


def send_logged(shell: Shell, journal: Journal, events: Sequence[tuple[LoggedEvent, Sequence[ReceiverURL]]]) -> int:
    """Send events of the log, each to its receivers, and show how they answer. Returns the exit code.

    `REFUSED` if any receiver did not accept one; `NO_ANSWER` if none of those even answered.
    """
    # With one event and one receiver it is clear which is meant, and the line has room for the advice instead.
    names_receivers = len(events) > 1 or any(len(receivers) > 1 for _, receivers in events)
    lines = EventLines(shell, names_receivers=names_receivers, retries=False)
    failed = list[ForwardAttempt]()

    async def main() -> None:
        for event, receivers in events:
            lines.event(event)
            for receiver in receivers:
                async with receiver_client(receiver) as http:
                    attempt = await post(http, receiver, event.body, secret=_secret_for(event), clock=SystemClock())
                journal.record(event.id, attempt)
                lines.attempt(event, attempt, number=1, is_last=True)
                if not attempt.is_accepted:
                    failed.append(attempt)

    anyio.run(main)
    if not failed:
        return ExitCode.DONE
    return ExitCode.NO_ANSWER if all(attempt.status is None for attempt in failed) else ExitCode.REFUSED


def _secret_for(event: LoggedEvent) -> str:
    """The secret that an event was signed with before: its receiver knows that one."""
    return receiver_secret() if event.source == "trigger" else listen_secret()
