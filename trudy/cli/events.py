"""`trudy events`: the local log of the events that `trudy listen` and `trudy trigger` have made."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from trudy._masking import one_line
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.cli.groups import group
from trudy.cli.options import AllowRemote
from trudy.cli.shell import shell_of

if TYPE_CHECKING:
    from trudy.cli.listen.journal import Journal, LoggedEvent
    from trudy.webhooks.receiver_url import ReceiverURL

app = group("Show the events that trudy listen and trudy trigger have made on this machine, and send them again.")

_SHOWN: Final = 20
"""Events of a list where nobody says how many: about as many as a terminal has lines."""
_COLUMNS: Final = ("id", "time", "event", "answer", "facts", "about")
_ID: Final = re.compile(r"(?:evt_)?([0-9]{1,15})")


@app.command("list")
def list_events(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=2000, help="At most so many, the newest.")] = _SHOWN,
    event: Annotated[str | None, typer.Option(metavar="NAME", help="Only this event, such as call.ended.")] = None,
) -> None:
    """List the newest events, the last one at the end."""
    from trudy.cli.listen.journal import Journal
    from trudy.cli.listen.screen import WIDE, event_id, event_row, facts_of, moment_text
    from trudy.cli.output import show_list

    shell = shell_of(context)
    with Journal() as journal:
        events = journal.newest(limit, name=event)
    if not shell.shows_tables or shell.columns:
        show_list(shell, [[event_row(each) for each in events]])
        return
    rows = [
        {
            "id": event_id(each.id),
            "time": moment_text(each.moment, time.time()),
            "event": each.name,
            "answer": _answers(each),
            "facts": facts_of(each),
            "about": each.about,
        }
        for each in events
    ]
    narrow = shell.terminal.width < WIDE
    show_list(shell, [rows], columns=[name for name in _COLUMNS if not (narrow and name == "facts")])


@app.command("show")
def show_event(
    context: typer.Context,
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event, such as evt_12.")],
) -> None:
    """Show an event: its body as it was sent, and how receivers answered."""
    from trudy.cli.listen.journal import Journal
    from trudy.cli.listen.screen import answer_of, event_row, moment_text
    from trudy.cli.output import show

    shell = shell_of(context)
    with Journal() as journal:
        event = _find(journal, event_id)
    row = event_row(event)
    if not shell.shows_tables or shell.columns:
        show(shell, row)
        return
    answers = [f"{moment_text(one.at, time.time())}  {answer_of(one)}  {one.url}" for one in event.attempts]
    body = row.pop("body")
    show(shell, {**row, "deliveries": "\n".join(answers)})
    # Not in the table, which would break its lines: people copy it.
    text = json.dumps(body, indent=2, ensure_ascii=False)
    shell.terminal.out.write("\n" + "".join(f"{one_line(line)}\n" for line in text.splitlines()))


@app.command("resend")
def resend_events(
    context: typer.Context,
    event_ids: Annotated[list[str], typer.Argument(metavar="ID", help="The events, such as evt_12.")],
    to: Annotated[
        str | None, typer.Option(metavar="URL", help="The receiver; those it was sent to before if left out.")
    ] = None,
    remote: AllowRemote = False,
) -> int:
    """Send events again: the same bodies, signed anew. A receiver that remembers them handles none twice."""
    from trudy.cli.listen.journal import Journal
    from trudy.cli.listen.sending import send_logged
    from trudy.webhooks.receiver_url import receiver_url

    shell = shell_of(context)
    with Journal() as journal:
        chosen: list[tuple[LoggedEvent, list[ReceiverURL]]] = []
        for event_id in event_ids:
            event = _find(journal, event_id)
            urls = [to] if to is not None else list(dict.fromkeys(attempt.url for attempt in event.attempts))
            if not urls:
                raise CommandError(f"{event_id} was never sent", "Say where to with --to URL.")
            if to is None and any("***" in url for url in urls):
                raise CommandError("the log does not keep the values of a URL's query", "Say where to with --to URL.")
            chosen.append((event, [receiver_url(url, remote=remote) for url in urls]))
        return send_logged(shell, journal, chosen)


def _find(journal: Journal, event_id: str) -> LoggedEvent:
    match = _ID.fullmatch(event_id.strip())
    event = journal.get(int(match[1])) if match else None
    if event is None:
        raise CommandError(
            f"the log has no event {event_id!r}", "trudy events list shows which there are.", code=ExitCode.NOT_FOUND
        )
    return event


def _answers(event: LoggedEvent) -> str:
    from trudy.cli.listen.screen import fault_told

    if not event.attempts:
        return "not sent"
    last = {attempt.url: attempt for attempt in event.attempts}
    return ", ".join(str(attempt.status) if attempt.status else fault_told(attempt.fault) for attempt in last.values())
