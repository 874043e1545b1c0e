"""Assertions about the calls that a sandbox placed, for requests and for batches, and about the requests that it got.

Each may raise `AssertionError`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, time
from zoneinfo import ZoneInfo

from trudy._hours import WorkingHours
from trudy._masking import mask_phone
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.http.records import Arrival

_SHOWN = 10
"""Offences that a message lists, so that it stays readable; it also says how many there are."""


def no_number_dialed_twice(calls: Iterable[PlacedCall]) -> None:
    """No number was called more than once. The attempts of a batch to reach one contact count as one call."""
    intended: defaultdict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for call in calls:
        if call.was_dialed:
            intention = (call.id, None) if call.campaign_id is None else (call.campaign_id, call.contact_id)
            intended[call.to].add(intention)
    twice = [f"{mask_phone(number)} {len(found)} times" for number, found in intended.items() if len(found) > 1]
    _none(twice, "dialed more than once")


def no_ref_placed_twice(calls: Iterable[PlacedCall], name: str) -> None:
    """No two calls have the same value of that variable."""
    counts = Counter(call.variables[name] for call in calls if name in call.variables)
    _none([f"{ref} {times} times" for ref, times in counts.items() if times > 1], f"{name} placed more than once")


def no_overlapping_calls(calls: Iterable[PlacedCall]) -> None:
    """No number was called while another call to it was not over."""
    by_number: defaultdict[str, list[PlacedCall]] = defaultdict(list)
    for call in calls:
        if call.was_dialed:
            by_number[call.to].append(call)
    faults: list[str] = []
    for number, found in by_number.items():
        found.sort(key=lambda call: call.created_at)
        over_at = float("-inf")
        for call in found:
            if call.created_at < over_at:
                faults.append(f"{mask_phone(number)} {over_at - call.created_at:.1f} s before an earlier call ended")
            over_at = max(over_at, call.timeline.ended_at)
    _none(faults, "called during another call")


def called_only_within(
    calls: Iterable[PlacedCall],
    start: time,
    end: time | None,
    *,
    timezone: str | Callable[[str], str | Iterable[str]],
    days: frozenset[int],
) -> None:
    """Each call began to ring inside the calling hours of every zone that its number may lie in."""
    faults: list[str] = []
    for call in calls:
        rang_at = call.timeline.ringing_at
        if rang_at is None:
            continue
        for zone in _zones_of(timezone, call.to):
            hours = WorkingHours(zone=zone, days=days, start=start, end=end)
            if hours.opens(rang_at) != rang_at:
                local = datetime.fromtimestamp(rang_at, zone)
                faults.append(f"{mask_phone(call.to)} {local:%A %H:%M:%S} in {zone}")
    _none(faults, "called out of hours")


def no_key_sent(arrivals: Iterable[Arrival], keys: Collection[bytes]) -> None:
    """No request to the recordings' origin has a key or token anywhere in it."""
    for arrival in arrivals:
        everything = b"\n".join((arrival.query, arrival.body, *(value for _, value in arrival.raw_headers)))
        if "authorization" in arrival.headers() or any(key in everything for key in keys):
            raise AssertionError(f"a credential was sent to the recordings' origin: {arrival.method} {arrival.path}")


def _zones_of(timezone: str | Callable[[str], str | Iterable[str]], number: str) -> list[ZoneInfo]:
    """The zones that a number may lie in, from the test's own function."""
    named = timezone if isinstance(timezone, str) else timezone(number)
    return [ZoneInfo(name) for name in ([named] if isinstance(named, str) else named)]


def _none(faults: list[str], what: str) -> None:
    if faults:
        more = f", and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise AssertionError(f"{what}: {', '.join(faults[:_SHOWN])}{more}")
