"""What the commands about events show: lines for eyes on a terminal, JSON lines elsewhere, ids alone with `-q`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from trudy._masking import one_line
from trudy.cli.listen.forwarding import TRIES
from trudy.cli.listen.journal import ForwardAttempt, LoggedEvent
from trudy.webhooks.parse import parse_event

if TYPE_CHECKING:
    from rich.console import Console

    from trudy.cli.shell import Shell

_NAME_WIDTH: Final = len("call.started")
_FACTS_WIDTH: Final = len("hangup 24s")
"""With these an event of a call, its id included, takes 80 columns."""
_LONGEST_NAME: Final = len("batch.status.changed")
WIDE: Final = 100
"""Columns from which on there is room for the longest name too."""
_STYLES: Final = {
    "call.failed": "red",
    "voice.training.failed": "red",
    "call.ended": "green",
    "batch.completed": "green",
}
"""Events with a colour of their own; the names of the terminal's palette are readable on light and dark."""
_FAULTS: Final = {
    "ConnectError": "nobody listens",
    "ConnectTimeout": "no connection",
    "ReadTimeout": "no answer",
    "TimeoutError": "no answer",
    "RemoteProtocolError": "no answer, connection closed",
    "ReadError": "no answer, connection closed",
}
"""What the faults of an HTTP client mean for a receiver; others are told by their names."""


def event_id(number: int) -> str:
    """What the log calls an event, such as `evt_12`."""
    return f"evt_{number}"


def event_row(event: LoggedEvent) -> dict[str, object]:
    """An event of the log as JSON members."""
    return {
        "id": event_id(event.id),
        "event": event.name,
        "about": event.about,
        "timestamp": _iso(event.moment),
        "source": event.source,
        "deliveries": [attempt_row(attempt) for attempt in event.attempts],
        "body": json.loads(event.body),
    }


def attempt_row(attempt: ForwardAttempt) -> dict[str, object]:
    """An attempt as JSON members."""
    return {
        "url": attempt.url,
        "at": _iso(attempt.at),
        "status": attempt.status,
        "fault": attempt.fault or None,
        "seconds": attempt.seconds,
    }


def facts_of(event: LoggedEvent) -> str:
    """The few words of an event's body that people look for."""
    parsed = parse_event(json.loads(event.body))
    seconds = getattr(parsed, "duration_seconds", None)
    cost = getattr(parsed, "cost_usd", None) if event.name == "call.billed" else None
    words = [
        getattr(parsed, "end_reason", None) if event.name != "call.billed" else None,
        parsed.data.get("status") if event.name.startswith("batch.") else None,
        None if seconds is None or cost is not None else f"{seconds:g}s",
        None if cost is None else f"{cost:g} USD",
    ]
    return one_line(" ".join(str(word) for word in words if word))


def moment_text(moment: float, now: float) -> str:
    """A time of this machine's zone: of today without the date. Both are in Unix seconds."""
    at, today = (datetime.fromtimestamp(one).astimezone() for one in (moment, now))
    return f"{at:%H:%M:%S}" if at.date() == today.date() else f"{at:%Y-%m-%d %H:%M}"


def answer_of(attempt: ForwardAttempt) -> str:
    """How a receiver answered, such as `204 in 12 ms`."""
    if attempt.fault == "ConnectError":
        return fault_told(attempt.fault)  # how long that took tells nothing
    answered = fault_told(attempt.fault) if attempt.status is None else str(attempt.status)
    return f"{answered} in {attempt.seconds * 1000:.0f} ms"


def fault_told(fault: str) -> str:
    """Why no answer came, in words."""
    return _FAULTS.get(fault, f"no answer ({fault})")


@define
class EventLines:
    """Shows events and attempts as they come."""

    shell: Shell
    names_receivers: bool = False
    """Whether each attempt says to whom; needless where there is one receiver."""
    retries: bool = True
    """Whether an event that was not accepted is sent again."""
    now: Callable[[], float] = time.time
    _console: Console | None = field(init=False, default=None)

    def event(self, event: LoggedEvent) -> None:
        """Show an event that has just been made."""
        if self.shell.ids_only:
            self._write(event_id(event.id))
        elif not self.shell.shows_tables:
            self._write_json({"type": "event", **event_row(event)}, leave_out="deliveries")
        else:
            style = _STYLES.get(event.name, "bold")
            width = _NAME_WIDTH if self.shell.terminal.width < WIDE else _LONGEST_NAME
            name, facts = f"{event.name:<{width}}", f"  {facts_of(event):<{_FACTS_WIDTH}}"
            self._line(event, (name, style), (facts, ""), one_line(event.about))

    def attempt(self, event: LoggedEvent, attempt: ForwardAttempt, *, number: int, is_last: bool) -> None:
        """Show how a receiver answered."""
        if self.shell.ids_only:
            return
        if not self.shell.shows_tables:
            row = {"type": "delivery", "id": event_id(event.id), "event": event.name, "attempt": number}
            self._write_json({**row, **attempt_row(attempt), "is_last": is_last})
            return
        style = "green" if attempt.is_accepted else "red"
        remark = "" if attempt.is_accepted else self._remark(event, attempt, number, is_last=is_last)
        receiver = attempt.url if self.names_receivers else ""
        self._line(event, (f"  -> {answer_of(attempt)}", style), remark, receiver, at=attempt.at)

    def notice(self, text: str) -> None:
        """Show a line for the person."""
        self.shell.say(one_line(text))

    def _remark(self, event: LoggedEvent, attempt: ForwardAttempt, number: int, *, is_last: bool) -> str:
        if attempt.status == 401 and number == 1:
            return "does the receiver have this secret?"
        if not self.retries:
            return ""
        if is_last:
            return f"given up; trudy events resend {event_id(event.id)}"
        return f"try {number} of {TRIES}"

    def _line(self, event: LoggedEvent, *parts: tuple[str, str] | str, at: float | None = None) -> None:
        from rich.text import Text

        moment = moment_text(event.moment if at is None else at, self.now())
        text = Text.assemble((f"{moment}  {event_id(event.id):<6}  ", "dim"))
        for part in parts:
            words, style = (f"  {part}" if part else "", "") if isinstance(part, str) else part
            text.append(words, style=style)
        console = self._on_console()
        text.truncate(console.width, overflow="ellipsis")
        console.print(text, soft_wrap=True)

    def _on_console(self) -> Console:
        from trudy.cli.output import console_of

        self._console = self._console or console_of(self.shell)
        return self._console

    def _write_json(self, row: Mapping[str, Any], *, leave_out: str = "") -> None:
        self._write(json.dumps({name: value for name, value in row.items() if name != leave_out}))

    def _write(self, text: str) -> None:
        self.shell.terminal.out.write(f"{text}\n")
        self.shell.terminal.out.flush()


def _iso(moment: float) -> str:
    from datetime import UTC

    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
