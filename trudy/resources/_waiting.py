"""Waits for an object to reach a final status, or for its transcript or recording; follows each change until then.

With `events`, an event about the object's kind that names one of its ids ends the pause between two polls. It only ends
the pause: the status itself is always read from the server.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar, cast

from attrs import field, frozen

from trudy import _checks
from trudy._concurrency.loops import Wakeup, bounded
from trudy._cursors import PAGE_SIZE
from trudy._settings import Settings
from trudy.errors import APIError, ConflictError, NotFoundError, TrudyError, WaitTimeoutError
from trudy.resources._shared_poller import Get, HasId, Newest, SharedPoller, may_pass

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.errors import Waited
    from trudy.event_source import EventSource, Subject
    from trudy.options import RequestOptions
    from trudy.pagination import AsyncPager

T = TypeVar("T", bound=HasId)
S = TypeVar("S")
OnSeen: TypeAlias = Callable[[S], object]
"""Called with the object each time that it has been read; an awaitable result is awaited."""

_POLL: Final = 2.0
_GROWTH: Final = 1.5
_SLOWEST: Final = 15.0
"""Seconds between two polls, at first and at last. Shorter pauses cost requests; longer ones tell the end late, which
matters less after minutes than after seconds."""
_SAFETY_NET: Final = 30.0
"""Seconds between two polls where events tell of the end: a lost event delays a wait by so much at most, and shorter
pauses would cost requests."""
LAST_LOOK: Final = 1.0
"""Seconds that the last request gets even if the time is over: with less, a short wait would never read anything."""

_NOT_READY: Final = re.compile(r"not_(?:yet_)?(?:ready|available)|processing|pending|in_progress", re.IGNORECASE)
"""Codes of errors for what is still being made, such as `transcript_not_ready`."""


def _no_ids(_: object) -> Sequence[str]:
    return ()


def _itself(thing: S) -> S:
    return thing


@frozen(kw_only=True)
class Waiting(Generic[T]):
    """How to wait for one kind of object.

    Attributes:
        poller: shared by all waits of one client.
        get, newest: read one object, or the newest ones.
        settings: the namespace's options, under those of each wait.
        is_final: whether an object has reached its end.
        describe: its status in words, for the error.
        noun: what it is called in errors.
        kind: what it is called in events; None where there are none about it.
        ids_of: the ids by which events may name it.
        essence: the part of it whose change counts as a change.
    """

    poller: SharedPoller[T]
    clock: Clock
    get: Get[T]
    newest: Newest[T]
    is_final: Callable[[T], bool]
    describe: Callable[[T], str]
    noun: str
    kind: Subject | None = field(default=None)
    ids_of: Callable[[T], Sequence[str]] = field(default=_no_ids)
    essence: Callable[[T], object] = field(default=_itself)
    settings: Settings = field(factory=Settings)

    async def until_final(
        self,
        object_id: str,
        max_wait: float,
        poll_interval: float | None,
        events: EventSource | None,
        options: RequestOptions,
        progress: OnSeen[T] | None = None,
    ) -> T:
        """The object in a final status. A fault that may pass by itself does not end the wait.

        The wait ends after `max_wait` seconds, or at the `deadline` of the whole operation, if that is sooner.
        """
        _checks.callable_or_none(progress, "progress")
        wait = self._wait(object_id, max_wait, poll_interval, events, options)
        with wait.listening():
            while True:
                found = await wait.read()
                if found is not None:
                    await report_progress(progress, found)
                    if self.is_final(found):
                        return found
                await wait.rest()

    def changes(
        self,
        object_id: str,
        max_wait: float,
        poll_interval: float | None,
        events: EventSource | None,
        options: RequestOptions,
    ) -> AsyncIterator[T]:
        """The object as it is, and after each change, the final one last."""
        return _Changes(self, self._wait(object_id, max_wait, poll_interval, events, options))

    def _wait(
        self,
        object_id: str,
        max_wait: float,
        poll_interval: float | None,
        events: EventSource | None,
        options: RequestOptions,
    ) -> _OneWait[T]:
        deadline = self.settings.merged(options).deadline
        _checks.identifier(object_id, f"{self.noun}_id")
        check_wait(max_wait, poll_interval, events)
        max_wait = max_wait if deadline is None else min(max_wait, deadline)
        return _OneWait(self, object_id, max_wait, poll_interval, events, options)


class _OneWait(Generic[T]):
    """One wait under way: reads and rests in turn."""

    def __init__(
        self,
        waiting: Waiting[T],
        object_id: str,
        max_wait: float,
        poll_interval: float | None,
        events: EventSource | None,
        options: RequestOptions,
    ) -> None:
        self._waiting = waiting
        self._clock = waiting.clock
        self._object_id = object_id
        self._max_wait = max_wait
        self._pause = _POLL if poll_interval is None else poll_interval
        self._has_own_pace = poll_interval is not None
        self._events = events if waiting.kind is not None else None
        self._options = options
        self._wakeup = Wakeup()
        self._listening: dict[str, Callable[[], None]] = {}
        self._end: float | None = None
        self._since = 0.0
        self._news = False
        self._was_woken = False
        self._is_back = False
        self._may_have_missed = False
        """Whether an event may have come before its id was subscribed to."""
        self._read_at = 0.0
        self._last: T | None = None
        self._fault: TrudyError | None = None

    @contextmanager
    def listening(self) -> Generator[None]:
        """While the block runs, events about the object end a rest."""
        self._since = self._clock.monotonic()
        self._is_back = self._end is not None
        if self._end is None:
            self._end = self._since + self._max_wait
        elif self._events is not None:
            self._may_have_missed = True
        with self._waiting.poller.waiting(self._object_id):
            try:
                self._listen_to(self._object_id)
                for name in self._waiting.ids_of(self._last) if self._last is not None else ():
                    self._listen_to(name)
                yield
            finally:
                while self._listening:
                    self._listening.popitem()[1]()

    async def read(self) -> T | None:
        """The object as it is now; None where a fault that may pass kept it from being read."""
        patience = max(self._left(), LAST_LOOK)
        self._read_at, self._is_back = self._clock.monotonic(), False
        ask = partial(
            self._waiting.poller.poll,
            self._object_id,
            self._since,
            self._waiting.get,
            self._waiting.newest,
            _within(patience, self._options),
            news=self._news,
        )
        try:
            # Bounded as a whole too: another wait may read the page for this one, and have more time.
            found = await bounded(self._clock, patience, ask)
        except TrudyError as error:
            if not may_pass(error):
                raise
            self._fault = error
            return None
        if found is not None:
            self._last, self._fault = found, None
            names = [name for name in self._waiting.ids_of(found) if name not in self._listening]
            for name in names:
                self._listen_to(name)
            self._may_have_missed = bool(names) and self._events is not None
        return found

    async def rest(self) -> None:
        """Return when it is time to read again.

        Raises:
            WaitTimeoutError: the time is over.
        """
        left = self._left()
        if left <= 0 and not self._is_back:  # a step of `watch` that is taken late still reads once
            last = self._last
            seen = f"its status is {self._waiting.describe(last)}" if last is not None else "it was never seen"
            raise WaitTimeoutError(
                f"the {self._waiting.noun} did not end within {self._max_wait:g} s; {seen}",
                last=cast("Waited | None", last),
            ) from self._fault
        rested = self._clock.monotonic()
        rest = min(left, self._pace() - (rested - self._read_at if self._is_back else 0.0))
        if rest > 0 or not self._is_back:
            await self._wakeup.wait(rest, self._clock)
        # Without an event, what others have read during the rest is recent enough.
        self._news = self._wakeup.clear()
        self._was_woken |= self._news
        self._since = self._clock.monotonic() if self._news else rested + rest / 2

    def _pace(self) -> float:
        if self._news or self._may_have_missed:
            # Read again soon: the event may come before the server shows the end, or before it was subscribed to.
            return min(_POLL, self._pause)
        if self._events is not None and not self._has_own_pace and self._events_fit():
            return _SAFETY_NET
        pause = self._pause
        self._pause = max(pause, min(pause * _GROWTH, _SLOWEST))
        return pause

    def _events_fit(self) -> bool:
        """Whether events are known to come, with ids that waits subscribe to."""
        return bool(getattr(self._events, "has_matched", self._was_woken))

    def _listen_to(self, name: str) -> None:
        if self._events is not None and self._waiting.kind is not None and name not in self._listening:
            self._listening[name] = self._events.subscribe(self._waiting.kind, name, self._wakeup.set)

    def _left(self) -> float:
        return (self._end or 0.0) - self._clock.monotonic()


class _Changes(Generic[T]):
    """An async iterator that holds nothing between two steps, so that it may be left at any of them."""

    def __init__(self, waiting: Waiting[T], wait: _OneWait[T]) -> None:
        self._waiting = waiting
        self._wait = wait
        self._last: T | None = None

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        waiting, last = self._waiting, self._last
        if last is not None and waiting.is_final(last):
            raise StopAsyncIteration
        with self._wait.listening():
            if last is not None:
                await self._wait.rest()
            while True:
                found = await self._wait.read()
                if found is not None and (last is None or waiting.essence(found) != waiting.essence(last)):
                    self._last = found
                    return found
                await self._wait.rest()


def newest_by(listing: Callable[..., AsyncPager[T]]) -> Newest[T]:
    """The newest objects, page by page, where a list has the newest first."""

    async def newest(number: int, options: RequestOptions) -> tuple[Sequence[T], bool]:
        page = await listing(limit=PAGE_SIZE, offset=number * PAGE_SIZE, **options)
        return page.data, page.has_next()

    return newest


@frozen(kw_only=True)
class Artifact(Generic[S]):
    """What a call has after its end. Until then the server answers 404, 409, null, or something empty.

    Attributes:
        noun: what it is called in errors.
        get: reads it by the call's id.
        is_there: whether the answer is complete.
        exists: reads the call, once, at the first 404: there may be no such call.
        settings: the namespace's options, under those of each wait.
    """

    noun: str
    clock: Clock
    get: Get[S]
    is_there: Callable[[S], bool]
    exists: Get[object]
    settings: Settings = field(factory=Settings)

    async def until_there(
        self,
        object_id: str,
        max_wait: float,
        poll_interval: float | None,
        options: RequestOptions,
        progress: OnSeen[S] | None = None,
    ) -> S:
        """The transcript or recording, once it is there."""
        check_wait(max_wait, poll_interval, progress=progress)
        deadline = self.settings.merged(options).deadline
        max_wait = max_wait if deadline is None else min(max_wait, deadline)
        end = self.clock.monotonic() + max_wait
        pause = _POLL if poll_interval is None else poll_interval
        fault: TrudyError | None = None
        is_known = False
        while True:
            within = _within(max(end - self.clock.monotonic(), LAST_LOOK), options)
            found: S | None = None
            try:
                try:
                    found = await self.get(object_id, **within)
                    fault, is_known = None, True
                except APIError as error:
                    if not isinstance(error, NotFoundError | ConflictError) and not _is_not_ready(error):
                        raise
                    fault = error
                    if isinstance(error, NotFoundError) and not is_known:
                        await self.exists(object_id, **within)
                        is_known = True
            except TrudyError as error:
                if not may_pass(error):
                    raise
                fault = error
            if found is not None:  # outside the `try`: an error of `progress` goes to the caller
                await report_progress(progress, found)
                if self.is_there(found):
                    return found
            left = end - self.clock.monotonic()
            if left <= 0:
                raise WaitTimeoutError(f"the {self.noun} was not there within {max_wait:g} s") from fault
            await self.clock.sleep(min(left, pause))
            pause = max(pause, min(pause * _GROWTH, _SLOWEST))


def _is_not_ready(error: APIError) -> bool:
    """Whether a server says so by its code, with 400 or 422 in place of 404."""
    return error.status_code in (400, 422) and _NOT_READY.search(error.code) is not None


def check_wait(max_wait: float, poll_interval: float | None, events: object = None, progress: object = None) -> None:
    """Refuse bad arguments of a wait."""
    _checks.seconds(max_wait, "max_wait")
    if poll_interval is not None:
        _checks.seconds(poll_interval, "poll_interval")
    _checks.event_source(events, "events")
    _checks.callable_or_none(progress, "progress")


async def report_progress(progress: OnSeen[S] | None, found: S) -> None:
    """Call `progress`, and await its result if it can be awaited."""
    if progress is not None and isawaitable(result := progress(found)):
        await result


def _within(seconds: float, options: RequestOptions) -> RequestOptions:
    own = options.get("deadline")
    return {**options, "deadline": seconds if own is None else min(own, seconds)}
