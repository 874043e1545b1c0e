"""Where a campaign stands while a person watches it: one value, its lines for a terminal, and its JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import shorten
from typing import Final

from attrs import field, frozen

from trudy.dialer.audit import reason_told

_CALLED_OR_TO_CALL: Final = ("waiting", "claimed", "live", "unresolved", "done")
_IN_TURN: Final = frozenset(("", "retry"))
"""Reasons of rows that wait for nothing but their turn."""
_LABEL: Final = 13
"""Columns of a label: as in the summary of a plan."""
_NARROW: Final = 50
"""Columns below which labels are not padded, so that the values have room."""
_SHORTEST: Final = 10
"""Columns that a value has at least: less would show nothing of it."""


@frozen(kw_only=True)
class RateWindow:
    """How much of the present rate window is used.

    Attributes:
        limit: requests that it admits; None while that is unknown.
        resets_in: seconds until the next one; None while that is unknown.
        waiting: requests that wait for their turn.
    """

    limit: int | None
    used: int
    resets_in: float | None
    waiting: int


@frozen(kw_only=True)
class CampaignProgress:
    """Where a campaign stands.

    Attributes:
        counts: rows by state.
        waits: rows that wait, by what for; the empty word and `retry` are those in their turn.
        answered: calls in which somebody was spoken to.
        opens_at: when the hours open next for a row that waits for them (aware, UTC).
        ends_at: when one attempt for each row is done, about (aware, UTC).
    """

    campaign: str
    state: str
    reason: str | None
    counts: Mapping[str, int]
    waits: Mapping[str, int] = field(factory=dict[str, int])
    dialed: int
    live: int
    answered: int
    window: RateWindow | None = None
    opens_at: datetime | None = None
    ends_at: datetime | None = None
    spent: float = 0.0
    reserved: float = 0.0
    max_spend: float | None = None

    @property
    def total(self) -> int:
        """Rows that were called or are to be."""
        return sum(self.counts.get(state, 0) for state in _CALLED_OR_TO_CALL)

    @property
    def done(self) -> int:
        """Rows that have come to their end."""
        return self.counts.get("done", 0)

    @property
    def share(self) -> float:
        """The share of rows that have come to their end, from 0 to 1."""
        return self.done / self.total if self.total else 1.0

    @property
    def percent(self) -> str:
        """The share in words: 100 % only where nothing is left."""
        return f"{100 if self.done == self.total else min(99, round(100 * self.share))} %"

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        window = self.window
        return {
            "id": self.campaign,
            "state": self.state,
            "reason": self.reason,
            "rows": dict(self.counts),
            "dialed": self.dialed,
            "live": self.live,
            "answered": self.answered,
            "waiting": self.counts.get("waiting", 0),
            "waiting_for_hours": self.waits.get("hours", 0),
            "opens_at": _iso(self.opens_at),
            "rate_window": window
            and {
                "limit": window.limit,
                "used": window.used,
                "resets_in": None if window.resets_in is None else round(window.resets_in, 1),
                "waiting": window.waiting,
            },
            "ends_at": _iso(self.ends_at),
            "spent": round(self.spent, 6),
            "reserved": round(self.reserved, 6),
        }

    def facts(self) -> Sequence[tuple[str, str]]:
        """What a person watches, each with its label."""
        facts = [] if self.reason is None else [("reason", self.reason)]
        facts += [
            ("dialed", f"{self.dialed:,}{f', {self.live:,} on the line' if self.live else ''}"),
            ("answered", f"{self.answered:,}"),
            ("waiting", self._waiting()),
        ]
        if unresolved := self.counts.get("unresolved", 0):
            facts.append(("unresolved", f"{unresolved:,}: nobody knows whether they were called"))
        if self.window is not None:
            facts.append(("rate window", _window(self.window)))
        if self.ends_at is not None:
            facts.append(("ends", f"about {moment(self.ends_at)}"))
        if self.spent or self.reserved or self.max_spend is not None:
            facts.append(("spend", self._spend()))
        return facts

    def _waiting(self) -> str:
        count = self.counts.get("waiting", 0)
        told = [
            f"{each:,} {reason_told(reason)}"
            for reason, each in sorted(self.waits.items(), key=lambda each: -each[1])
            if reason not in _IN_TURN and each
        ]
        text = f"{count:,}: {', '.join(told)}" if told else f"{count:,}"
        if len(told) == 1 and count in self.waits.values():
            text = told[0]  # all wait for one reason, so that its count is the sum
        return f"{text}; opens {moment(self.opens_at)}" if self.opens_at is not None else text

    def _spend(self) -> str:
        reserved = f" and {self.reserved:,.2f} reserved" if self.reserved else ""
        most = "" if self.max_spend is None else f" of at most {self.max_spend:,.2f}"
        return f"{self.spent:,.2f}{reserved}{most}"


def lines_of(facts: Sequence[tuple[str, str]], width: int) -> list[str]:
    """A line for each fact, none longer than the terminal is wide."""
    pad = _LABEL if width >= _NARROW else 0
    shown: list[str] = []
    for label, value in facts:
        start = f"  {label:<{pad}}" if pad else f"{label} "
        shown.append((start + shorten(value, max(_SHORTEST, width - len(start)), placeholder="..."))[:width])
    return shown


def moment(at: datetime) -> str:
    """A time for a person."""
    return f"{at:%a %Y-%m-%d %H:%M} UTC"


def _window(window: RateWindow) -> str:
    limit = "" if window.limit is None else f" of {window.limit:,}"
    text = f"{window.used:,}{limit} requests used"
    if window.waiting:
        text += f", {window.waiting:,} {'waits' if window.waiting == 1 else 'wait'}"
    return text if window.resets_in is None else f"{text}, a new one in {window.resets_in:,.0f} s"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
