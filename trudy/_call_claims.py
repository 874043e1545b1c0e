"""Which create a listed call may be returned to: calls that were returned, and creates that may own one. No I/O."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Final

from attrs import define, field

from trudy._call_matching import (
    SERVER_MAY_TAKE,
    SentCall,
    ServerReading,
    latest_made,
    may_be,
    shown_members,
    shows_enough,
)
from trudy._concurrency.fork import reset_in_child
from trudy._hidden import Hidden

if TYPE_CHECKING:
    from trudy.models import Call

_KEPT_SECONDS: Final = 60.0
"""Seconds that a call is remembered longer than clocks that agree would need: those of several servers may differ."""
_LONGEST_CREATE: Final = 300.0
"""Seconds that a create may be under way: the longest wait for the rate limit and the longest answer, as they are by
default. A forked child does not learn how its parent's creates end, and assumes that none takes longer."""


def _hide(sent: SentCall) -> Hidden[SentCall]:
    return Hidden(sent)


@define(kw_only=True, eq=False)
class PendingCall:
    """A create whose call has not been returned to anybody yet. Times are of our monotonic clock.

    Attributes:
        sent: what it asked for.
        opened_at: when it was made; it may wait for the rate limit after that.
        left_at: gives when its first request with an unknown outcome was sent; None without one.
        lost_at: when its answer was lost; its call may be placed for `SERVER_MAY_TAKE` seconds more.
    """

    _sent: Hidden[SentCall] = field(alias="sent", converter=_hide)
    opened_at: float
    left_at: Callable[[], float | None]
    lost_at: float | None = None
    _not_before: float = float("-inf")

    @property
    def sent(self) -> SentCall:
        """What it asked for."""
        return self._sent.reveal()

    def may_own(self, call: Call, reading: ServerReading) -> bool:
        """Whether a row may be this request's: what it shows, and when it was made."""
        left_at, made = self.left_at(), latest_made(call)
        if left_at is None or made is None or call.created_at is None or made < reading.earliest(left_at):
            return False
        if self.lost_at is not None and call.created_at.timestamp() > reading.latest(self.lost_at + SERVER_MAY_TAKE):
            return False
        return may_be(self.sent, call)

    def may_be_given(self, call: Call, reading: ServerReading, *, server_shows: Collection[str]) -> bool:
        """Whether a row may be returned as this request's: as `may_own`, but what is not known counts against it.

        The narrowest bound that any reading has given counts: a slow answer leaves the time more open.
        """
        left_at, made = self.left_at(), latest_made(call)
        if left_at is None or made is None:
            return False
        self._not_before = max(self._not_before, reading.earliest(left_at))
        return (
            made >= self._not_before
            and self.may_own(call, reading)
            and shows_enough(self.sent, call, server_shows=server_shows)
        )


class Claims:
    """Which calls have been returned to somebody, and which requests may still own one. Serves all threads.

    A row that two requests may own is given to neither. A request that ended without its call may own a row for as
    long as the server may go on placing it, so it stays here for some minutes. A returned call is remembered while a
    request that was made before it is under way, and a minute more: about 300 bytes for each create of that time.
    """

    def __init__(self, timeline: object = None) -> None:
        self._timeline = timeline  # held, so that no other clock takes its identity
        self._lock = threading.Lock()
        self._returned: OrderedDict[str, tuple[float, str | None]] = OrderedDict()
        """When each call was returned, and to the request with which idempotency key."""
        self._waited_for: dict[int, PendingCall] = {}
        """In the order in which they were made."""
        self._given_up: deque[PendingCall] = deque()
        """In the order in which they were given up."""
        self._server_shows: frozenset[str] = frozenset()
        reset_in_child(self)

    def __len__(self) -> int:
        """How many calls and requests are remembered."""
        return len(self._returned) + len(self._waited_for) + len(self._given_up)

    def open(self, pending: PendingCall) -> None:
        """Note a request that is about to be made."""
        with self._lock:
            self._forget(pending.opened_at)
            self._waited_for[id(pending)] = pending

    def close(self, pending: PendingCall) -> None:
        """The request was refused, never left, or has its call."""
        with self._lock:
            self._waited_for.pop(id(pending), None)

    def give_up(self, pending: PendingCall, now: float) -> None:
        """Nobody waits for the request any more, and its call may be placed all the same."""
        with self._lock:
            self._waited_for.pop(id(pending), None)
            pending.lost_at = now if pending.lost_at is None else pending.lost_at
            self._given_up.append(pending)

    def is_anothers(self, call_id: str, key: str | None) -> bool:
        """Whether a call has been returned to a request with another key."""
        with self._lock:
            return call_id in self._returned and self._returned[call_id][1] != key

    def add(self, call_id: str, key: str | None, now: float) -> None:
        """Note a call that an answer gave to the request with this key."""
        with self._lock:
            self._returned[call_id] = (now, key)
            self._returned.move_to_end(call_id)
            self._forget(now)

    def observe(self, calls: Iterable[Call]) -> None:
        """Learn from a list what this server shows."""
        self._server_shows = self._server_shows.union(*map(shown_members, calls))

    def may_be_given(self, pending: PendingCall, call: Call, reading: ServerReading) -> bool:
        """Whether a call may be this request's, and nobody else has been given it."""
        if not pending.may_be_given(call, reading, server_shows=self._server_shows):
            return False
        return not self.is_anothers(call.id, pending.sent.key)

    def take(self, pending: PendingCall, call: Call, reading: ServerReading, now: float) -> bool:
        """Give a call to the request, unless it has been returned or another request may own it."""
        with self._lock:
            if call.id in self._returned and self._returned[call.id][1] != pending.sent.key:
                return False
            for other in (*self._waited_for.values(), *self._given_up):
                is_same = other is pending or (other.sent.key is not None and other.sent.key == pending.sent.key)
                if not is_same and other.may_own(call, reading):
                    return False
            self._returned[call.id] = (now, pending.sent.key)
            return True

    def after_fork(self) -> None:
        """In a child: how the parent's requests end is never heard here, so the calls they may own are nobody's."""
        self._lock = threading.Lock()
        for pending in self._waited_for.values():
            left_at = pending.left_at()
            since = pending.opened_at if left_at is None else left_at
            pending.left_at = _always(since)
            if pending.lost_at is None:
                pending.lost_at = pending.opened_at + _LONGEST_CREATE
        self._given_up.extend(self._waited_for.values())
        self._waited_for.clear()

    def _forget(self, now: float) -> None:
        """Drop what cannot be confused with any request that is under way or made from now on."""
        oldest = next((each.opened_at for each in self._waited_for.values()), now)
        while self._given_up and (self._given_up[0].lost_at or 0.0) + SERVER_MAY_TAKE + _KEPT_SECONDS < oldest:
            self._given_up.popleft()
        while self._returned and next(iter(self._returned.values()))[0] < oldest - _KEPT_SECONDS:
            self._returned.popitem(last=False)


def _always(value: float) -> Callable[[], float | None]:
    return lambda: value
