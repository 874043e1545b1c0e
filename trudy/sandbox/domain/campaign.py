"""One batch: its contacts, its status, and when it dials. The time is given by the caller.

Contacts are called in waves of `max_concurrent_calls`, `PACE_SECONDS` apart, within the calling hours and the limit of
a day, and never more at one time. A call that failed is tried again `RETRY_SECONDS` after its end.

A campaign is a series of events: the start, each dial, each end of a call. `next_event` says when the next one is due,
and `step` carries it out. Before changing a campaign, carry out all events that are due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from heapq import heappop, heappush
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen

from trudy._hours import WorkingHours
from trudy._masking import mask_phone
from trudy.sandbox.domain.lifecycle import PlacedCall

Status = Literal["draft", "scheduled", "active", "paused", "completed", "failed", "cancelled"]
MemberStatus = Literal["pending", "scheduled", "in_progress", "completed", "failed"]

PACE_SECONDS = 30.0
"""Seconds between two waves of calls; a wave has as many as may run at one time. As long as a usual call takes."""
RETRY_SECONDS = 900.0
"""Seconds from the end of a failed call until its contact may be called again."""

_LONGER_THAN_ANY_DAY = 100_000.0
"""Seconds; the longest day has 25 hours."""


@define(eq=False, kw_only=True)
class Member:
    """A contact of a campaign.

    Attributes:
        position: its place among the contacts of its campaign, from 0.
        due: the time for which a call is planned, in Unix seconds; None if none is.
        rests_until: Unix seconds before which it is not called.
        calls: how many calls it has got.
    """

    contact_id: str
    phone_number: str = field(repr=mask_phone)
    first_name: str | None = field(default=None, repr=False)
    last_name: str | None = field(default=None, repr=False)
    variables: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)
    position: int = 0
    status: MemberStatus = "pending"
    due: float | None = None
    rests_until: float = 0.0
    calls: int = 0
    last_call: PlacedCall | None = field(default=None, repr=False)


@frozen(kw_only=True)
class CampaignSettings:
    """How a campaign dials.

    Attributes:
        hours: the calling hours, in the campaign's time zone.
        attempts: the most calls to one contact.
    """

    hours: WorkingHours
    max_concurrent_calls: int
    max_calls_per_day: int | None
    attempts: int


@frozen
class Refused:
    """The number is refused: its contact fails without a call."""


@frozen
class DialLater:
    """The number cannot be dialed before a later time, in Unix seconds."""

    until: float


@frozen
class Impossible:
    """The campaign cannot dial at all, so it fails."""


Dialed: TypeAlias = PlacedCall | Refused | DialLater | Impossible
DialMember = Callable[["Campaign", Member, float], Dialed]


@define(eq=False, kw_only=True)
class Campaign:
    """A batch.

    Attributes:
        order: its number among the batches of this sandbox, from 0.
        described: the members of its request that dialing does not use.
        start_at: Unix seconds; None before it is scheduled.
        history: every status it has had, with its time; the last is the present one.
    """

    id: str
    order: int
    agent_id: str
    created_at: float
    updated_at: float
    settings: CampaignSettings
    described: dict[str, Any] = field(repr=False)
    start_at: float | None = None
    members: list[Member] = field(factory=list[Member], repr=False)
    history: list[tuple[float, Status]] = field(factory=list[tuple[float, Status]], repr=False)
    dials: int = 0
    _numbers: set[str] = field(factory=set[str], repr=False)
    _counts: Counter[MemberStatus] = field(factory=Counter[MemberStatus], repr=False)
    _called: int = 0
    _queue: list[tuple[float, int]] = field(factory=list[tuple[float, int]], repr=False)
    _in_flight: list[tuple[float, int]] = field(factory=list[tuple[float, int]], repr=False)
    _placed_on: Counter[date] = field(factory=Counter[date], repr=False)
    _reached: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._become("draft", self.created_at)

    @property
    def status(self) -> Status:
        """The present status."""
        return self.history[-1][1]

    @property
    def counts(self) -> dict[str, int]:
        """The documented counts of its contacts."""
        completed, failed = self._counts["completed"], self._counts["failed"]
        return {
            "total_contacts": len(self.members),
            "called": self._called,
            "completed": completed,
            "failed": failed,
            "pending": len(self.members) - completed - failed,
        }

    # What the user does

    def add(self, members: Iterable[Member], now: float) -> int:
        """Add contacts, one for each number; returns how many were left out because their number is there already."""
        first, known = len(self.members), 0
        for member in members:
            if member.phone_number in self._numbers:
                known += 1
                continue
            self._numbers.add(member.phone_number)
            self._counts[member.status] += 1
            member.position = len(self.members)
            self.members.append(member)
        if self.status != "draft":
            last = max((due for due, _ in self._queue), default=now)
            self._plan(range(first, len(self.members)), max(now, last))
        self.updated_at = now
        return known

    def schedule(self, start_at: float, now: float) -> None:
        """Start at that time, or now if it is past."""
        self.start_at = max(start_at, now)
        self._become("scheduled", now)
        self.plan_anew(now)

    def pause(self, now: float) -> None:
        """Stop dialing; running calls go on."""
        self._become("paused", now)

    def resume(self, now: float) -> None:
        """Go on dialing, with a new plan for the contacts that are left."""
        self._become("scheduled" if self.start_at is not None and now < self.start_at else "active", now)
        self.plan_anew(now)

    def end(self, status: Literal["failed", "cancelled"], now: float) -> None:
        """Stop for good; running calls go on."""
        for _, index in self._queue:
            self._set(self.members[index], "pending")
            self.members[index].due = None
        self._queue.clear()
        self._become(status, now)

    def plan_anew(self, now: float) -> None:
        """Plan the calls of the contacts that are left, from now on or from the start if that is later."""
        self._reached = now
        self.updated_at = now
        if self.start_at is None:
            return
        left = [index for index, member in enumerate(self.members) if member.status in ("pending", "scheduled")]
        self._queue.clear()
        self._plan(left, max(now, self.start_at))

    # What happens by itself

    def next_event(self) -> float | None:
        """The time of the next event, in Unix seconds; None if there is none."""
        ends = self._in_flight[0][0] if self._in_flight else None
        starts_or_dials: float | None = None
        if self.status == "scheduled":
            starts_or_dials = self.start_at
        elif self.status == "active":
            starts_or_dials = self._next_dial() if self._queue else (self._reached if ends is None else None)
        return min((moment for moment in (ends, starts_or_dials) if moment is not None), default=None)

    def step(self, dial: DialMember) -> None:
        """Carry out the next event."""
        moment = self.next_event()
        if moment is None:
            return
        self._reached = moment
        if self._in_flight and self._in_flight[0][0] <= moment:
            self._hang_up(heappop(self._in_flight)[1], moment)
        elif self.status == "scheduled":
            self._become("active", moment)
        elif self._queue:
            self._dial(dial, moment)
        if self.status == "active" and not self._queue and not self._in_flight:
            self._become("completed", moment)

    def _dial(self, dial: DialMember, moment: float) -> None:
        _, index = heappop(self._queue)
        member = self.members[index]
        match dial(self, member, moment):
            case PlacedCall() as call:
                self.dials += 1
                self._called += not member.calls
                member.calls += 1
                member.last_call, member.due = call, None
                self._placed_on[self.settings.hours.day_of(moment)] += 1
                self._set(member, "in_progress")
                heappush(self._in_flight, (call.timeline.ended_at, index))
            case DialLater(until):
                self._enqueue(index, max(until, moment))
            case Refused():
                member.due = None
                self._set(member, "failed")
            case Impossible():
                self._enqueue(index, moment)
                self.end("failed", moment)
        self.updated_at = moment

    def _hang_up(self, index: int, moment: float) -> None:
        self.updated_at = moment
        member = self.members[index]
        call = member.last_call
        if call is None or call.timeline.final == "completed":
            self._set(member, "completed")
        elif member.calls < self.settings.attempts and self.status in ("scheduled", "active", "paused"):
            member.rests_until = moment + RETRY_SECONDS
            self._enqueue(index, max(member.rests_until, self.start_at or moment))
        else:
            self._set(member, "failed")

    def _next_dial(self) -> float:
        settings, moment = self.settings, max(self._queue[0][0], self._reached)
        if len(self._in_flight) >= settings.max_concurrent_calls:
            moment = max(moment, self._in_flight[0][0])
        return self._allowed(moment, self._placed_on)

    def _allowed(self, moment: float, placed_on: Mapping[date, int]) -> float:
        """The first moment, not before `moment`, that the calling hours and the daily limit allow."""
        hours, a_day = self.settings.hours, self.settings.max_calls_per_day
        moment = hours.opens(moment)
        while a_day is not None and placed_on[hours.day_of(moment)] >= a_day:
            moment = hours.opens(hours.next_day(moment))
        return moment

    def _plan(self, indices: Iterable[int], since: float) -> None:
        for index, moment in zip(indices, self._slots(since), strict=False):
            self._enqueue(index, max(moment, self.members[index].rests_until))

    def _slots(self, since: float) -> Iterator[float]:
        planned_on, moment, in_wave = self._planned_on(since), since, 0
        while True:
            moment, before = self._allowed(moment, planned_on), moment
            if moment != before or in_wave == self.settings.max_concurrent_calls:
                in_wave = 0
            yield moment
            planned_on[self.settings.hours.day_of(moment)] += 1
            in_wave += 1
            if in_wave == self.settings.max_concurrent_calls:
                moment += PACE_SECONDS

    def _planned_on(self, since: float) -> Counter[date]:
        """How many calls each day has already, placed or planned, if nothing is planned after the day of `since`."""
        planned_on, day_of = self._placed_on.copy(), self.settings.hours.day_of
        if self.settings.max_calls_per_day is not None:
            today = day_of(since)
            planned_on[today] += sum(
                day_of(due) == today for due, _ in self._queue if due > since - _LONGER_THAN_ANY_DAY
            )
        return planned_on

    def _enqueue(self, index: int, due: float) -> None:
        member = self.members[index]
        member.due = due
        self._set(member, "scheduled")
        heappush(self._queue, (due, index))

    def _set(self, member: Member, status: MemberStatus) -> None:
        self._counts[member.status] -= 1
        self._counts[status] += 1
        member.status = status

    def _become(self, status: Status, now: float) -> None:
        self.history.append((now, status))
        self.updated_at = now
        self._reached = max(self._reached, now)
