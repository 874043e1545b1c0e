"""The list of newest calls, read once for all that look at the same time."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from trudy._answer_facts import as_rows
from trudy._call_claims import Claims
from trudy._call_matching import ServerReading
from trudy._concurrency.fork import reset_in_child
from trudy._concurrency.loops import Round, wake_all
from trudy.errors import TrudyError
from trudy.request import Response

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.models import Call

LONGEST_PAUSE: Final = 5.0
"""Seconds between two lists at most, whether one looks or many: longer finds a call later, shorter costs requests."""
_MANY: Final = 3
"""Up to so many look as often as they like: their lists cost few requests."""
_PAUSE_FOR_EACH: Final = 0.1
"""Seconds between two lists for each that looks, where more than `_MANY` do: fifty share one list in 5 seconds. Longer
finds calls later, shorter leaves fewer requests to others."""
_MOST_PAGES: Final = 20
_MOST_PAGES_FOR_MANY: Final = 5
"""Pages read of one list, for few that look and for many. More would find calls on servers whose lists have no order,
and cost other requests their place in the rate window."""

FetchPage = Callable[[int], Awaitable[tuple[Response, float]]]
"""The page of newest calls at an offset, and the seconds that it waited at the rate limiter."""


@frozen(kw_only=True, eq=False)
class ListedCall:
    """A row of the list, with the answer it came in."""

    call: Call
    row: object = field(repr=False)
    response: Response
    reading: ServerReading


@frozen(kw_only=True)
class Listing:
    """The newest calls as they were at `began` (monotonic), or why they could not be read."""

    began: float
    rate_waited: float = 0.0
    calls: Sequence[ListedCall] = ()
    fault: TrudyError | None = None
    tells_time: bool = True


class NewestCalls:
    """Reads the newest calls once for all that ask at the same time, from any thread or event loop."""

    def __init__(self, clock: Clock, claims: Claims) -> None:
        self._clock = clock
        self._claims = claims
        self._lock = threading.Lock()
        self._sent: dict[object, float] = {}
        """For each that looks, when its own request was sent (monotonic)."""
        self._last = Listing(began=float("-inf"))
        self._round = Round()
        reset_in_child(self)

    @contextmanager
    def searching(self, sent_at: float) -> Generator[None]:
        """While the block runs, lists reach back to `sent_at`, when the request was sent whose call is looked for."""
        token = object()
        with self._lock:
            self._sent[token] = sent_at
        try:
            yield
        finally:
            with self._lock:
                del self._sent[token]

    async def read(self, since: float, fetch: FetchPage) -> Listing:
        """The newest calls as they were at `since` (monotonic) or later."""
        while True:
            with self._lock:
                if self._last.began >= since:
                    return self._last
                led_by_another = self._round.join()
            if led_by_another is None:
                return await self._lead_round(fetch)
            await led_by_another.wait()

    def after_fork(self) -> None:
        """In a child: the tasks of the parent that look are not here."""
        self._lock = threading.Lock()
        self._sent.clear()
        self._round = Round()

    async def _lead_round(self, fetch: FetchPage) -> Listing:
        try:
            pause = self._last.began + self._least_pause() - self._clock.monotonic()
            if pause > 0:
                await self._clock.sleep(pause)
            self._last = listing = await self._list(fetch)
            return listing
        finally:
            with self._lock:
                wakes = self._round.end()
            wake_all(wakes)

    def _least_pause(self) -> float:
        crowd = len(self._sent)
        return min(_PAUSE_FOR_EACH * crowd, LONGEST_PAUSE) if crowd > _MANY else 0.0

    async def _list(self, fetch: FetchPage) -> Listing:
        began = self._clock.monotonic()
        with self._lock:
            oldest = min(self._sent.values(), default=began)
        calls: dict[str, ListedCall] = {}
        waited = 0.0
        offset = 0
        made: float | None = None
        newest_first = True
        for number in range(_MOST_PAGES):
            if number >= _MOST_PAGES_FOR_MANY and len(self._sent) > _MANY:
                break
            asked = self._clock.monotonic()
            try:
                response, at_limiter = await fetch(offset)
            except TrudyError as fault:
                return Listing(began=began, rate_waited=waited, fault=fault)
            waited += at_limiter
            rows = as_rows(response.facts.data) or ()
            # The wait at the limiter came before the request was sent, so the server read its clock after it.
            reading = ServerReading.of(response.facts.stamp, asked + at_limiter, self._clock.monotonic())
            if reading is None:
                return Listing(began=began, rate_waited=waited, tells_time=False)
            known = len(calls)
            for listed in _read(rows, response, reading):
                if listed.call.created_at is not None:
                    newest_first &= made is None or listed.call.created_at.timestamp() <= made
                    made = listed.call.created_at.timestamp()
                calls.setdefault(listed.call.id, listed)  # a newer call may push a row onto the next page
            offset += len(rows)
            is_older = newest_first and made is not None and made < reading.earliest(oldest)
            if len(calls) == known or is_older or response.facts.pagination.get("has_more") is not True:
                break
        self._claims.observe(listed.call for listed in calls.values())
        return Listing(began=began, rate_waited=waited, calls=tuple(calls.values()))


def _read(rows: Sequence[object], response: Response, reading: ServerReading) -> Generator[ListedCall]:
    from trudy.models import Call, ModelError, decode

    for row in rows:
        try:
            yield ListedCall(call=decode(Call, row), row=row, response=response, reading=reading)
        except ModelError:
            continue  # a row without an id cannot be returned as a call
