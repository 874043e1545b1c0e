"""What has happened between two sweeps: the rows of lists in, events out. Pure.

A call goes through stages, and never back: an older row that a lagging list shows again changes nothing. A batch may go
back, from paused to active; the time of its last change tells its rows apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from attrs import evolve, field, frozen

from trudy.cli.listen.bodies import batch_body, call_body
from trudy.models import BatchCall, BatchStatus, Call, CallDirection, CallEnding, CallStatus
from trudy.webhooks.sample_events import IdNames

LAG: Final = 60.0
"""Seconds by which a list may be behind the server. Longer finds more rows that are old, and tells some changes later.
"""
KEPT_CALLS: Final = 2000
"""Calls that are over and still remembered, the newest: many pages of a list, and some hundred kilobytes."""

_STARTED: Final = 1
_JOINED: Final = 2
_OVER: Final = 3
_BILLED: Final = 4

_UNREACHED: Final = frozenset({CallEnding.NO_ANSWER, CallEnding.BUSY, CallEnding.REFUSED})
"""Endings of calls whose phone rang and that nobody took."""


@frozen(kw_only=True)
class SimulatedEvent:
    """An event as the server would send it. `moment` is in Unix seconds of the server's clock."""

    name: str
    about: str
    """The id of the call or batch in the API."""
    moment: float
    body: Mapping[str, Any] = field(repr=False, hash=False)


@frozen(kw_only=True)
class SeenCall:
    """How far a call was when it was last seen, and what its events call it."""

    stage: int
    event_id: str
    created_at: float | None
    moment: float
    """Of its last event, so that no later one is dated before it."""

    @property
    def is_over(self) -> bool:
        return self.stage >= _OVER


@frozen(kw_only=True)
class SeenBatch:
    """The status of a batch when it was last seen."""

    status: BatchStatus
    changed_at: float | None
    """When the server last changed the row; None where rows do not say."""
    known: tuple[BatchStatus, ...]
    """The statuses it had at that time: rows of one second cannot be told apart by it."""
    moment: float
    """Of its last event."""
    seen_at: float
    """When that status was seen first."""


@frozen(kw_only=True)
class WatchState:
    """All that a watch has to remember.

    Attributes:
        since: nothing that happened before is told; Unix seconds of the server's clock, as all times here.
        swept_at: when the reading of the calls last began; None before the first time.
        has_batches: whether the batches have been read.
        forgotten_until: calls created up to then may have been forgotten, and count as told.
    """

    since: float
    swept_at: float | None = None
    has_batches: bool = False
    forgotten_until: float | None = None
    calls: Mapping[str, SeenCall] = field(factory=dict[str, SeenCall], hash=False, repr=False)
    batches: Mapping[str, SeenBatch] = field(factory=dict[str, SeenBatch], hash=False, repr=False)


def sweep(
    state: WatchState,
    *,
    calls: Iterable[Call] | None = None,
    batches: Iterable[BatchCall] | None = None,
    now: float,
    began: float | None = None,
    ids: IdNames = "provider",
) -> tuple[WatchState, list[SimulatedEvent]]:
    """The state after a sweep, and the events of all that has changed since the one before, in the order of time.

    Args:
        state: what was known.
        calls: rows in any order; one may come twice. None if they were not read.
        batches: likewise.
        now: the server's time when they were read, in Unix seconds.
        began: when the reading began; `now` if left out.
        ids: whose ids the events name calls by: the voice provider's where rows show it, or those of the API.
    """
    seen_calls, seen_batches = dict(state.calls), dict(state.batches)
    events: list[SimulatedEvent] = []
    for call in calls or ():
        found = _call(state, seen_calls.get(call.id), call, now, ids)
        if found is not None:
            seen_calls[call.id] = found[0]
            events += found[1]
    for batch in batches or ():
        changed = _batch(state, seen_batches.get(batch.id), batch, now)
        if changed is not None:
            seen_batches[batch.id] = changed[0]
            events += changed[1]
    after = evolve(
        state,
        swept_at=state.swept_at if calls is None else now if began is None else began,
        has_batches=state.has_batches or batches is not None,
        calls=seen_calls,
        batches=seen_batches,
    )
    return _forget(after), sorted(events, key=lambda event: event.moment)


def _call(
    state: WatchState, seen: SeenCall | None, call: Call, now: float, ids: IdNames
) -> tuple[SeenCall, list[SimulatedEvent]] | None:
    created_at = _seconds(call.created_at)
    if seen is None:
        if created_at is not None and state.forgotten_until is not None and created_at <= state.forgotten_until:
            return None
        event_id = (call.provider_id if ids == "provider" else None) or call.id
        before = SeenCall(stage=0, event_id=event_id, created_at=created_at, moment=float("-inf"))
    else:
        before = seen
    after, events = before, list[SimulatedEvent]()
    for stage, name, told in _dated(_reached(call)):
        if stage <= after.stage:
            continue
        if stage == _BILLED and before.is_over:
            told = None  # its cost was not known when it ended
        moment = max(now if told is None else told.timestamp(), after.moment)
        is_first = state.swept_at is None
        if seen is not None or _is_news(state.since, created_at, None if told is None else moment, is_first=is_first):
            body = call_body(name, call, call_id=after.event_id, moment=_aware(moment))
            events.append(SimulatedEvent(name=name, about=call.id, moment=moment, body=body))
        after = evolve(after, stage=stage, moment=moment)
    return after, events


def _is_news(since: float, created_at: float | None, moment: float | None, *, is_first: bool) -> bool:
    """Whether an event of an object that is seen for the first time is one of those to tell.

    Without a moment, it happened at some time between the creation and now.
    """
    if moment is not None:
        return moment >= since
    if created_at is not None:
        return created_at >= since
    return not is_first


def _reached(call: Call) -> Iterable[tuple[int, str, datetime | None]]:
    """The stages that a row shows as reached, with their events and times."""
    outcome, status = call.outcome, call.status
    is_over = outcome is not None
    has_ended = is_over and _has_ended(call)
    if is_over:
        has_joined = has_ended or (outcome not in _UNREACHED and (call.started_at is not None or _talked(call)))
    else:
        has_joined = status is CallStatus.IN_PROGRESS or call.started_at is not None
    has_rung = has_joined or status is CallStatus.RINGING or outcome in _UNREACHED
    # A call from a browser rings nowhere.
    if has_rung and call.direction is not CallDirection.WEBRTC:
        yield _STARTED, "call.started", call.created_at
    if has_joined:
        yield _JOINED, "call.joined", call.started_at
    if is_over:
        yield _OVER, "call.ended" if has_ended else "call.failed", call.ended_at
    if has_ended and (call.cost_usd is not None or call.cost_credits is not None):
        yield _BILLED, "call.billed", call.ended_at


def _dated(stages: Iterable[tuple[int, str, datetime | None]]) -> list[tuple[int, str, datetime | None]]:
    """A stage without a time was reached at that of the next one at the latest."""
    found = list[tuple[int, str, datetime | None]]()
    bound: datetime | None = None
    for stage, name, told in reversed([*stages]):
        bound = told or bound
        found.insert(0, (stage, name, bound))
    return found


def _has_ended(call: Call) -> bool:
    """Whether a call that is over was a conversation: servers report the others as failed."""
    if call.status in (CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.BUSY):
        return False
    if call.started_at is not None:
        return True
    return call.outcome not in _UNREACHED and call.outcome is not CallEnding.FAILED


def _talked(call: Call) -> bool:
    return call.outcome in (CallEnding.ANSWERED, CallEnding.VOICEMAIL)


def _batch(
    state: WatchState, seen: SeenBatch | None, batch: BatchCall, now: float
) -> tuple[SeenBatch, list[SimulatedEvent]] | None:
    status, changed_at = batch.status, _seconds(batch.updated_at)
    if not status or (seen is not None and _is_stale(seen, status, changed_at, now)):
        return None
    floor = float("-inf") if seen is None else seen.moment
    moment = max(now if changed_at is None else changed_at, floor)
    known = (status,) if seen is None or seen.changed_at != changed_at else (*seen.known, status)
    if seen is None:
        ended_at = changed_at if status.is_final else None
        is_news = _is_news(state.since, _seconds(batch.created_at), ended_at, is_first=not state.has_batches)
    elif status == seen.status:
        return evolve(seen, changed_at=changed_at, known=tuple(dict.fromkeys(known))), []
    else:
        is_news = True
    events = list[SimulatedEvent]()
    if is_news and status is not BatchStatus.DRAFT:
        names = ["batch.status.changed", *(["batch.completed"] if status is BatchStatus.COMPLETED else [])]
        previous = None if seen is None else seen.status.value
        for name in names:
            body = batch_body(name, batch, previous=previous, moment=_aware(moment))
            events.append(SimulatedEvent(name=name, about=batch.id, moment=moment, body=body))
    after = SeenBatch(
        status=status, changed_at=changed_at, known=tuple(dict.fromkeys(known)), moment=moment, seen_at=now
    )
    return after, events


def _is_stale(seen: SeenBatch, status: BatchStatus, changed_at: float | None, now: float) -> bool:
    """Whether a row is no newer than what was seen: lists may lag behind the server.

    Where the time of the last change does not tell, a status of before is taken for a change only if it stays.
    """
    if changed_at is not None and seen.changed_at is not None and changed_at != seen.changed_at:
        return changed_at < seen.changed_at
    if status == seen.status:
        return False
    return seen.status.is_final or (status in seen.known and now < seen.seen_at + LAG)


def _forget(state: WatchState) -> WatchState:
    """Forget the oldest of the calls that are over, where they are many."""
    over = [(seen.created_at, call_id) for call_id, seen in state.calls.items() if seen.is_over]
    dated = sorted((created_at, call_id) for created_at, call_id in over if created_at is not None)
    surplus = dated[: max(0, len(over) - KEPT_CALLS)]
    if not surplus:
        return state
    gone = {call_id for _, call_id in surplus}
    until = max(surplus[-1][0], state.forgotten_until or float("-inf"))
    return evolve(
        state,
        forgotten_until=until,
        calls={call_id: seen for call_id, seen in state.calls.items() if call_id not in gone},
    )


def _seconds(when: datetime | None) -> float | None:
    return None if when is None else when.timestamp()


def _aware(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
