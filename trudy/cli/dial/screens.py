"""What a run is shown on: a live view on a terminal, JSON lines elsewhere."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from trudy.cli.dial.progress import CampaignProgress, lines_of
from trudy.dialer.audit import reason_told

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

    from trudy.cli.shell import Shell
    from trudy.dialer import DialEvent

_PROGRESS_EVERY: Final = 10.0
"""Real seconds between two progress lines of JSON: a log of a day then has 8,640 of them."""
_DRAW_EVERY: Final = 0.1
"""Real seconds between two drawings at least, however many events come: more could not be seen."""
_EVENTS_SHOWN: Final = 6
"""The newest events below the progress: more would push it off a terminal of 24 lines."""
_ROOMY: Final = 12
"""Lines of a terminal from which on one may stay empty, between what is kept and the view."""
_KEPT: Final = frozenset(
    ("unknown", "found", "unresolved", "refused", "lost", "paused", "resumed", "breaker", "interrupted")
)
"""What a person should find after the run too: these events stay above the view."""
_EVENT_STYLES: Final = {
    "answered": "green",
    "found": "green",
    "opted_out": "magenta",
    "failed": "red",
    "refused": "red",
    "unknown": "red",
    "unresolved": "bold red",
    "lost": "red",
    "breaker": "bold red",
    "paused": "bold magenta",
    "interrupted": "bold magenta",
}
_STATE_STYLES: Final = {"planned": "bold", "running": "bold green", "done": "bold green", "halted": "bold red"}
_DETAILS: Final = {
    "unknown": "no answer came; its call is looked for",
    "found": "its call was found",
}
"""What events say to a person in place of a code or of an id that is of no use here."""
_PAUSED: Final = ("Nothing is placed until trudy dial resume; Ctrl-C ends this process.",)
INTERRUPTED: Final = (
    "Ctrl-C: nothing more is placed; what is on the wire gets its answer.",
    "Ctrl-C once more ends at once.",
)
"""What the first Ctrl-C means."""
_CUT_OFF: Final = ("Nobody reads the output any more: nothing more is placed; what is on the wire gets its answer.",)


def event_line(event: DialEvent, at: datetime, *, show_numbers: bool) -> Text:
    """An event as a line: when, what, whom, and what a person needs to know."""
    from rich.text import Text

    number = event.phone_number if show_numbers else event.number
    style = _EVENT_STYLES.get(event.detail if event.kind == "ended" else event.kind, "")
    detail = reason_told(event.detail) if event.kind == "ended" else _DETAILS.get(event.kind, event.detail)
    # An event about no row has no number; what it tells follows at once.
    whom = f"{number:<16} " if number else ""
    return Text.assemble((f"  {at:%H:%M:%S} ", "dim"), (f"{event.kind:<12}", style), whom, (detail, style))


class JsonScreen:
    """A JSON object a line on standard output: each event, and the progress from time to time.

    A reader who goes away interrupts the run as Ctrl-C does: it places nothing more, and the store knows why.
    """

    def __init__(self, shell: Shell, *, show_numbers: bool) -> None:
        self._shell = shell
        self._show_numbers = show_numbers
        self._shown_at = float("-inf")
        self._runs = False
        self.is_cut_off = False

    def __enter__(self) -> Self:
        self._runs = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._runs = False

    def tell(self, event: DialEvent, at: datetime) -> None:
        """One event."""
        number = event.phone_number if self._show_numbers else event.number
        of_a_row = {} if event.row is None else {"row": event.row, "number": number}
        self.write({"event": event.kind, "at": at.isoformat(), **of_a_row, "detail": event.detail})
        if event.kind == "interrupted":
            self._shell.say("\n".join(_CUT_OFF if self.is_cut_off else INTERRUPTED))

    def show(self, progress: CampaignProgress, *, is_last: bool) -> None:
        """The progress, if the last is some time ago."""
        now = time.monotonic()
        if is_last or now - self._shown_at >= _PROGRESS_EVERY:
            self._shown_at = now
            self.write({"event": "progress", **progress.to_dict()})

    def write(self, line: dict[str, object]) -> None:
        """One line, which a reader of a pipe gets at once."""
        if self.is_cut_off:
            return
        try:
            self._shell.terminal.out.write(json.dumps(line) + "\n")
            self._shell.terminal.out.flush()
        except BrokenPipeError:
            if not self._runs:
                raise
            self.is_cut_off = True
            signal.raise_signal(signal.SIGINT)


class LiveScreen:
    """A view that is drawn over itself; what a person should find later stays above it."""

    def __init__(self, shell: Shell, *, show_numbers: bool) -> None:
        from rich.console import Console
        from rich.live import Live

        terminal = shell.terminal
        self._show_numbers = show_numbers
        self._events: deque[Text] = deque(maxlen=_EVENTS_SHOWN)
        self._progress: CampaignProgress | None = None
        self._is_interrupted = False
        self._is_last = False
        self._drawn_at = float("-inf")
        console = Console(
            file=terminal.out,
            # That of the process may be resized while it runs.
            width=None if terminal.out is sys.stdout else terminal.width,
            force_terminal=True,
            no_color=not terminal.has_colour,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._live = Live(self, console=console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def tell(self, event: DialEvent, at: datetime) -> None:
        """One event."""
        line = event_line(event, at, show_numbers=self._show_numbers)
        if event.kind == "interrupted":
            self._is_interrupted = True
        elif event.kind in _KEPT:
            self._live.console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
        self._events.append(line)
        self._draw()

    def show(self, progress: CampaignProgress, *, is_last: bool) -> None:
        """Where the campaign stands now."""
        self._progress = progress
        self._is_last = is_last
        if is_last:
            self._is_interrupted = False
        self._drawn_at = float("-inf")
        self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._drawn_at >= _DRAW_EVERY:
            self._drawn_at = now
            self._live.refresh()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = max(1, console.size.height - 1)
        yield from self._lines(options.max_width, height, is_ascii=options.ascii_only)

    def _lines(self, width: int, height: int, *, is_ascii: bool) -> Sequence[Text]:
        from rich.text import Text

        if self._progress is None:
            return []
        progress = self._progress
        gap = [Text("")] if height >= _ROOMY else []
        head = [*gap, *head_of(progress, width, is_ascii=is_ascii)]
        facts = [Text(line) for line in lines_of(progress.facts(), width)]
        note = [Text(line, style="bold magenta") for line in self._notes(progress)]
        room = max(0, height - len(head) - len(note))
        facts = facts[:room]
        room -= len(facts) + 2
        events = [line.copy() for line in list(self._events)[-room:]] if room > 0 else []
        last = [Text(""), Text("  last events (UTC)", style="dim")] if events else []
        lines = [*head, *facts, *last, *events, *note][-height if height < 2 else 0 :]
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
            line.truncate(width, overflow="ellipsis")
        return lines[:height]

    def _notes(self, progress: CampaignProgress) -> Sequence[str]:
        if self._is_interrupted:
            return INTERRUPTED
        return _PAUSED if progress.state == "paused" and not self._is_last else ()


def head_of(progress: CampaignProgress, width: int, *, is_ascii: bool) -> list[Text]:
    """The state of a campaign, and a bar of what is done."""
    from rich.text import Text

    style = _STATE_STYLES.get(progress.state, "bold magenta")
    title = Text.assemble((f"{progress.state:<9}", style), f"campaign {progress.campaign}")
    return [title, _bar(progress, width, is_ascii=is_ascii)]


def _bar(progress: CampaignProgress, width: int, *, is_ascii: bool) -> Text:
    from rich.text import Text

    told = f" {progress.percent}, {progress.done:,} of {progress.total:,} done"
    room = max(0, min(width - len(told) - 2, 40))
    full = int(progress.share * room)
    filled, empty = ("#", "-") if is_ascii else ("━", "┄")
    return Text.assemble("  ", (filled * full, "green"), (empty * (room - full), "dim"), told)
