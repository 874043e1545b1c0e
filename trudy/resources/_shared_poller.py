"""One poll for all that wait for objects of one kind: they share list pages in place of a request for each."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar, Unpack

from trudy._concurrency.fork import reset_in_child
from trudy._concurrency.loops import Round, wake_all
from trudy.errors import ResponseDecodeError, TrudyError
from trudy.raw import capture

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.options import RequestOptions

SHARED_FROM: Final = 3
"""From so many waits on, pages are read: two single objects cost less than a page of a hundred rows."""


class HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=HasId)
S_co = TypeVar("S_co", covariant=True)


class Get(Protocol[S_co]):
    """Reads an object, or its transcript or recording, by its id."""

    def __call__(self, object_id: str, /, **options: Unpack[RequestOptions]) -> Awaitable[S_co]: ...


Newest = Callable[[int, "RequestOptions"], Awaitable[tuple[Iterable[T], bool]]]
"""Reads a page of the newest objects by its number, from 0, and whether there are more."""


class SharedPoller(Generic[T]):
    """Polls for all that wait for objects of one kind through one client, from any thread or event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self._news: Counter[str] = Counter()
        """Ids with an unread event, a subset of `_waiting`."""
        self._seen: dict[str, tuple[T, float]] = {}
        self._failure: tuple[TrudyError, float] | None = None
        self._absent: tuple[frozenset[str], float] = (frozenset(), float("-inf"))
        """Ids that the last round did not find among the newest, and when it began."""
        self._round = Round()
        reset_in_child(self)

    @contextmanager
    def waiting(self, object_id: str) -> Generator[None]:
        """While the block runs, rounds look for this object too."""
        with self._lock:
            self._waiting[object_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[object_id] -= 1
                if not self._waiting[object_id]:
                    del self._waiting[object_id]
                    self._seen.pop(object_id, None)

    async def poll(
        self, object_id: str, since: float, get: Get[T], newest: Newest[T], options: RequestOptions, *, news: bool
    ) -> T:
        """The object as it was at `since` (monotonic) or later. Many that ask share the pages of one round.

        `news`: an event was about this object. Then it is looked for together with others that have an event, and not
        with all that wait.
        """
        with self._heard_of(object_id) if news else nullcontext():
            if news:
                from anyio.lowlevel import checkpoint

                await checkpoint()  # let all tasks that the event woke be counted before the first decides how to ask
            crowd = self._news if news else self._waiting
            while True:
                with self._lock:
                    found = self._fresh(object_id, since)
                    if found is not None:
                        return found
                    few = len(crowd) < SHARED_FROM
                    if few or self._is_absent(object_id, since) or capture.get() is not None:
                        break  # ask for this one alone; `client.raw` needs an answer about this object
                    led_by_another = self._round.join()
                if led_by_another is not None:
                    await led_by_another.wait()
                elif (own := await self._lead_round(object_id, crowd, get, newest, options)) is not None:
                    return own
            return await get(object_id, **options)

    @contextmanager
    def _heard_of(self, object_id: str) -> Generator[None]:
        with self._lock:
            self._news[object_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._news[object_id] -= 1
                if not self._news[object_id]:
                    del self._news[object_id]

    def after_fork(self) -> None:
        """In a child: the parent's tasks that wait are not here."""
        self._lock = threading.Lock()
        self._waiting.clear()
        self._news.clear()
        self._round = Round()

    def _fresh(self, object_id: str, since: float) -> T | None:
        if self._failure is not None and self._failure[1] >= since:
            raise copy.copy(self._failure[0])
        found, seen_at = self._seen.get(object_id, (None, 0.0))
        return found if seen_at >= since else None

    def _is_absent(self, object_id: str, since: float) -> bool:
        absent, looked_at = self._absent
        return looked_at >= since and object_id in absent

    async def _lead_round(
        self, object_id: str, crowd: Counter[str], get: Get[T], newest: Newest[T], options: RequestOptions
    ) -> T | None:
        """Read pages for all. If the list fails, read this object alone; if that works, the others do the same."""
        began = self._clock.monotonic()
        try:
            try:
                self._absent = (await self._read_pages(crowd, newest, options, began), began)
            except TrudyError:
                return await self._ask_alone(object_id, crowd, get, options, began)
            return None
        finally:
            with self._lock:
                wakes = self._round.end()
            wake_all(wakes)

    async def _ask_alone(
        self, object_id: str, crowd: Counter[str], get: Get[T], options: RequestOptions, began: float
    ) -> T:
        with self._lock:
            all_of_them = frozenset(crowd)
        try:
            found = await get(object_id, **options)
        except TrudyError as error:
            if may_pass(error):
                with self._lock:
                    self._failure = (error, began)
            else:  # the error is about this object only
                self._absent = (all_of_them, began)
            raise
        self._absent = (all_of_them, began)
        return found

    async def _read_pages(
        self, crowd: Counter[str], newest: Newest[T], options: RequestOptions, began: float
    ) -> frozenset[str]:
        with self._lock:
            missing = set(crowd)
        most = max(2, len(missing) // 10)  # more pages would cost more than single requests for the rest
        for number in range(most):
            rows, more = await newest(number, options)
            with self._lock:
                for row in rows:
                    if row.id in self._waiting:
                        self._seen[row.id] = (row, began)
                        missing.discard(row.id)
            if not missing or not more:
                break
        return frozenset(missing)


def may_pass(error: TrudyError) -> bool:
    """Whether asking again may succeed. An answer that cannot be read, such as a page of a proxy, may pass too."""
    return error.retryable or isinstance(error, ResponseDecodeError)
