"""An index of the calls that the API lists, by agent, direction, status and time.

A call's status follows from the clock, so the index would go stale by itself. Each call therefore waits in a queue for
its next change of status; before a list is read, the calls whose time has come are moved.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import product

from trudy.sandbox.domain.lifecycle import PlacedCall, next_change, status_at

_Facets = tuple[str | None, str | None, str | None]
"""Agent, direction and status; None stands for any."""

_ALL: _Facets = (None, None, None)
_FEW_MOVES = 32
"""The most moves for which a list is changed in place, which costs a copy of its tail for each; with more, building it
anew is faster."""


class CallLog:
    """Calls by id, in order of their creation. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._sequences: dict[str, int] = {}
        self._calls: dict[int, PlacedCall] = {}
        self._statuses: dict[int, str] = {}
        self._lists: defaultdict[_Facets, list[int]] = defaultdict(list)
        self._changes: list[tuple[float, int]] = []
        self._next = 0

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[PlacedCall]:
        """All calls, newest first."""
        return (self._calls[sequence] for sequence in reversed(self._lists[_ALL]))

    def get(self, call_id: str) -> PlacedCall | None:
        """The call with that id, or None."""
        sequence = self._sequences.get(call_id)
        return None if sequence is None else self._calls[sequence]

    def put(self, call: PlacedCall) -> None:
        """Add a call that is not older than those here, or replace the one with its id."""
        sequence = self._sequences.get(call.id)
        if sequence is None:
            sequence = self._sequences[call.id] = self._next
            self._next += 1
            status = self._statuses[sequence] = status_at(call.timeline, call.created_at)
            for facets in _facets_of(call, status):
                self._lists[facets].append(sequence)
            self._calls[sequence] = call
            self._await_change(sequence, call.created_at)
        else:
            self._calls[sequence] = call
            # Its stages may have changed: have its status read again.
            heappush(self._changes, (call.created_at, sequence))

    def remove(self, call_id: str) -> bool:
        """Remove a call; False if there is none."""
        sequence = self._sequences.pop(call_id, None)
        if sequence is None:
            return False
        call = self._calls.pop(sequence)
        for facets in _facets_of(call, self._statuses.pop(sequence)):
            members = self._lists[facets]
            del members[bisect_left(members, sequence)]
        return True

    def page(
        self,
        limit: int,
        offset: int,
        *,
        now: float,
        agent_id: str | None = None,
        direction: str | None = None,
        status: str | None = None,
        after: float | None = None,
        before: float | None = None,
    ) -> tuple[list[PlacedCall], int]:
        """A page of the matching calls, newest first, and how many match in all. Both bounds of time are exclusive."""
        if status is not None:
            self._advance(now)
        order = self._lists.get((agent_id, direction, status), [])
        first = 0 if after is None else bisect_right(order, after, key=self._created_at)
        last = len(order) if before is None else bisect_left(order, before, key=self._created_at)
        total = max(last - first, 0)
        end = max(last - offset, first)
        newest_first = reversed(order[max(end - limit, first) : end])
        return [self._calls[sequence] for sequence in newest_first], total

    def _created_at(self, sequence: int) -> float:
        return self._calls[sequence].created_at

    def _await_change(self, sequence: int, now: float) -> None:
        moment = next_change(self._calls[sequence].timeline, now)
        if moment is not None:
            heappush(self._changes, (moment, sequence))

    def _advance(self, now: float) -> None:
        gone: defaultdict[_Facets, set[int]] = defaultdict(set)
        come: defaultdict[_Facets, list[int]] = defaultdict(list)
        while self._changes and self._changes[0][0] <= now:
            _, sequence = heappop(self._changes)
            call = self._calls.get(sequence)
            if call is None:
                continue
            old, new = self._statuses[sequence], status_at(call.timeline, now)
            self._await_change(sequence, now)
            if old == new:
                continue
            self._statuses[sequence] = new
            for leaves, joins in zip(_facets_of(call, old), _facets_of(call, new), strict=True):
                if leaves != joins:
                    gone[leaves].add(sequence)
                    come[joins].append(sequence)
        for facets in gone.keys() | come.keys():
            self._move(self._lists[facets], gone[facets], come[facets])

    def _move(self, members: list[int], gone: set[int], come: list[int]) -> None:
        if len(gone) + len(come) <= _FEW_MOVES:
            for sequence in gone:
                del members[bisect_left(members, sequence)]
            for sequence in come:
                insort(members, sequence)
            return
        if gone:
            members[:] = [sequence for sequence in members if sequence not in gone]
        members += come
        members.sort()


def _facets_of(call: PlacedCall, status: str) -> list[_Facets]:
    return list(product((None, call.agent_id), (None, call.direction), (None, status)))
