"""One round of a process with the shared limit: what is noted and asked for, and what comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from trudy.clock import monotonic
from trudy.rate_limit.fleet import Closed, Fleet, TakenPlace

if TYPE_CHECKING:
    from trudy.errors import TrudyError
    from trudy.options import AdmissionLane
    from trudy.rate_limit.protocol import RateLimitFacts


@define(eq=False)
class Waiter:
    """A request that waits for a place."""

    place: int
    lane: AdmissionLane
    wake: Callable[[], None] = field(repr=False)
    taken: TakenPlace | None = None
    taken_at: float = 0.0
    failure: TrudyError | None = None


@define(eq=False)
class Note:
    """Something to be written that somebody waits for: a refusal, or a place to give back."""

    taken: TakenPlace
    facts: RateLimitFacts | None
    """None: nothing was sent."""
    wake: Callable[[], None] = field(repr=False)
    is_done: bool = False
    failure: TrudyError | None = None


@frozen(kw_only=True)
class Answered:
    """What one transaction brought: a place or None for each of the batch, and when the lanes that are closed open."""

    at: float
    taken: list[TakenPlace | None]
    opens: dict[AdmissionLane, float]
    full: int
    learns: bool
    reset_at: float


def answer_round(fleet: Fleet, notes: list[Note], ended: Counter[tuple[float, ...]], batch: list[Waiter]) -> Answered:
    """Write what is noted, then give places to the batch, in its order."""
    at = monotonic()
    for starts, number in ended.items():
        fleet.answered(starts, number)
    for note in notes:
        if note.facts is None:
            fleet.give_back(note.taken)
        else:
            fleet.refused(note.taken, note.facts)
    taken: list[TakenPlace | None] = []
    opens: dict[AdmissionLane, float] = {}
    for waiter in batch:
        place = None if waiter.lane in opens else fleet.take(bulk=waiter.lane == "bulk")
        if isinstance(place, Closed):
            opens[waiter.lane] = at + place.opens - fleet.now
        taken.append(place if isinstance(place, TakenPlace) else None)
    return Answered(at=at, taken=taken, opens=opens, full=fleet.full, learns=fleet.learns, reset_at=fleet.reset_at)
