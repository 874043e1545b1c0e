"""One rate window for the processes of a fleet, in PostgreSQL. Needs the extra `dialer-postgres`.

Each process has one thread and one connection for it. Tasks of any loop hand it their requests and are woken by it. So
a loop that is blocked, a task that is cancelled and a child that is forked hold up nobody else, and the lock on the row
is held by threads that do nothing but this.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Final

from trudy._concurrency.fork import reset_in_child
from trudy._concurrency.loops import Wakeup
from trudy.clock import SystemClock, monotonic
from trudy.errors import APIConnectionError, ConfigurationError, InvalidArgumentError, RateLimitError, TrudyError
from trudy.options import RateLimit
from trudy.rate_limit.fleet import TakenPlace, edge_of
from trudy.rate_limit.fleet_round import Answered, Note, Waiter, answer_round
from trudy.rate_limit.in_process import TicketQueue
from trudy.rate_limit.postgres_tables import RateTables

if TYPE_CHECKING:
    from trudy.options import AdmissionLane
    from trudy.rate_limit.protocol import OnWait, Permit, RateLimitFacts

_LANES: Final[tuple[AdmissionLane, ...]] = ("reconcile", "interactive", "bulk")
_BATCH: Final = 8
"""Places taken in one transaction. More would let the first process take a whole window from the others; fewer makes
more round trips."""
_HANGS: Final = 10.0
"""Seconds in which a transaction must end: to connect and to wait for a lock takes four each. Less would fail where the
database is merely slow; more would keep calls waiting for one that is gone."""
_IDLE: Final = 60.0
"""Seconds without work after which thread and connection end. Less would connect again for each call of a quiet
process; more would keep connections that nobody uses."""
_NEVER_ALLOWED: Final = "42501"
"""What PostgreSQL says of a role that lacks a right: to ask again is of no use."""
_DOCUMENTED: Final = RateLimit()
_CLOCK: Final = SystemClock()


class PostgresRateLimiter:
    """A `RateLimiter` for all processes that use one credential: `AsyncTrudyClient(rate_limiter=...)`.

    No window takes more than the limit, over all processes. What a process that died had taken stays taken until its
    window ends. A refusal that one process meets makes all wait, and teaches all the limit. Make one in each process,
    or one before a fork; all clients of the process may share it.

    The tables `trudy_rate_*` are made if they are missing, in the first schema of the search path. Each process uses
    one connection, while it has something to ask.

    Args:
        conninfo: a PostgreSQL URL or connection string. Where it does not say otherwise, connecting may take 4 seconds,
            and a network that is gone is noticed by keepalives within some seconds.
        rate_limit: requests the server takes in one window: a number for a minute, or a `RateLimit`. A lower limit that
            a refusal states holds in its place. `None` learns the limit: until a refusal has stated it, one request
            after the other is sent, and no more than the default in a window.
        group: the name under which the limit is shared. Give each credential one of its own.

    Raises:
        ConfigurationError: the extra is not installed; of a call: the role lacks a right, or the tables are of another
            version.
        InvalidArgumentError: an argument is of no use.

    While the database cannot be used, calls raise `APIConnectionError` with the code `rate_limiter_unavailable` after
    the usual retries: nothing is sent then.
    """

    def __init__(
        self, conninfo: str, *, rate_limit: RateLimit | int | None = _DOCUMENTED, group: str = "default"
    ) -> None:
        if not isinstance(group, str) or not group or "\0" in group:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidArgumentError("group must be a name", argument="group")
        pace = RateLimit.of(rate_limit)
        if pace is False:
            raise InvalidArgumentError("rate_limit must be a number, a RateLimit or None", argument="rate_limit")
        self._pace = pace or RateLimit()
        self._tables = RateTables(conninfo, group, self._pace, is_given=pace is not None)
        self._places = count()
        self._parents: list[object] = []
        self._is_closed = False
        self._reset()
        reset_in_child(self)

    def _reset(self) -> None:
        self._news = threading.Condition()
        self._queues: dict[AdmissionLane, TicketQueue[Waiter]] = {lane: TicketQueue() for lane in _LANES}
        self._notes: list[Note] = []
        self._owed: list[Note] = []
        """Refusals that could not be written; they are, with whatever comes next."""
        self._ended: Counter[tuple[float, ...]] = Counter()
        self._opens: dict[AdmissionLane, float] = {}
        """When a lane may be asked for again, in monotonic seconds; missing where that is now."""
        self._unanswered: set[Waiter] = set()
        """Waiters to be woken when it is known when their lane opens."""
        self._full = self._pace.limit
        self._reset_at: float | None = None
        self._learns = False
        self._busy_since: float | None = None
        self._thread: threading.Thread | None = None

    async def admit(
        self, lane: AdmissionLane, until: float, *, refused: Permit | None = None, on_wait: OnWait | None = None
    ) -> PostgresPermit:
        """Wait for a place in a window, and take it.

        Raises:
            RateLimitError: the turn would come after `until`.
            APIConnectionError: the database cannot be used; code `rate_limiter_unavailable`.
        """
        place = refused.place if isinstance(refused, PostgresPermit) else next(self._places)
        while True:
            wakeup = Wakeup()
            waiter = Waiter(place, lane, wakeup.set)
            try:
                taken = await self._turn(waiter, wakeup, until, on_wait)
            except BaseException:
                self._leave(waiter)
                raise
            if monotonic() - waiter.taken_at < edge_of(self._pace):
                return PostgresPermit(self, taken, place)
            # The loop was blocked, and the request would arrive in a window in which it was not counted.
            self._leave(waiter)
            on_wait = None

    def close(self) -> None:
        """End the thread and the connection. Requests that wait fail; the limiter cannot be used again."""
        with self._news:
            self._is_closed = True
            self._fail(_unavailable("the rate limiter is closed"))
            thread = self._thread
            self._news.notify_all()
        if thread is not None:
            self._tables.cut()
            thread.join(_HANGS)
        self._tables.close()

    def after_fork(self) -> None:
        """In a forked child: a thread and a connection of its own; the parent's waiters are not here."""
        self._parents.append(self._tables.forget())
        self._reset()

    def note_end(self, taken: TakenPlace) -> None:
        """A request has ended without a refusal. Written with whatever is asked next."""
        with self._news:
            self._ended[taken.starts] += 1
            if self._learns:
                self._opens.clear()
                self._start()

    async def write(self, taken: TakenPlace, facts: RateLimitFacts | None) -> None:
        """Write a refusal, or give a place back where `facts` is None; return when it stands in the database."""
        wakeup = Wakeup()
        note = Note(taken, facts, wakeup.set)
        with self._news:
            self._notes.append(note)
            self._start()
        while not note.is_done and note.failure is None:
            await wakeup.wait(_HANGS, _CLOCK)
            wakeup.clear()
            self._look_for_hang()
        if note.failure is not None:
            raise note.failure

    async def _turn(self, waiter: Waiter, wakeup: Wakeup, until: float, on_wait: OnWait | None) -> TakenPlace:
        with self._news:
            self._queues[waiter.lane].add(waiter)
            self._start()
        while True:
            with self._news:
                if waiter.failure is not None:
                    raise waiter.failure
                if waiter.taken is not None:
                    return waiter.taken
                turn = self._turn_of(waiter)
                now = monotonic()
                if turn is None:
                    self._unanswered.add(waiter)
                reset_at, limit = self._reset_at, None if self._learns else self._full
            if until < now or (turn is not None and turn > until):
                raise _too_late(max(turn or now, now), now, until, limit, reset_at)
            if turn is not None and turn > now and on_wait is not None:
                await on_wait(turn - now)
                on_wait = None
            await wakeup.wait(min(until, max(turn or now, now) + _HANGS) - now, _CLOCK)
            wakeup.clear()
            self._look_for_hang()

    def _turn_of(self, waiter: Waiter) -> float | None:
        """When its turn comes at the earliest, if no other process takes a place; None where that is to be asked."""
        opens = self._opens.get(waiter.lane)
        if opens is None:
            return None
        ahead = sum(
            len(self._queues[lane]) if lane != waiter.lane else self._queues[lane].ahead_of(waiter)
            for lane in _LANES[: _LANES.index(waiter.lane) + 1]
        )
        each = max(1, int(self._full * self._pace.bulk_share)) if waiter.lane == "bulk" else self._full
        return opens + ahead // each * self._pace.window

    def _leave(self, waiter: Waiter) -> None:
        """Take a request out of its queue, or give its place back."""
        with self._news:
            self._queues[waiter.lane].discard(waiter)
            self._unanswered.discard(waiter)
            if waiter.taken is not None:
                self._notes.append(Note(waiter.taken, None, _nobody_waits))
                waiter.taken = None
                self._start()

    def _look_for_hang(self) -> None:
        with self._news:
            hangs = self._busy_since is not None and monotonic() - self._busy_since >= _HANGS
            if hangs:
                self._fail(_unavailable(f"the rate limiter's database did not answer in {_HANGS:g} s"))
        if hangs:
            self._tables.cut()

    def _fail(self, failure: TrudyError) -> None:
        """All that wait fail. What was to be given back is not: it may have been, and must not be twice."""
        waiting = [waiter for queue in self._queues.values() for waiter in queue.head(len(queue))]
        self._queues = {lane: TicketQueue() for lane in _LANES}
        self._unanswered.clear()
        failed: list[Waiter | Note] = [*waiting, *self._notes]
        for one in failed:
            one.failure = failure
            _wake(one.wake)
        self._notes = []

    def _start(self) -> None:
        """Have the thread look at what is there. Called with the lock held."""
        if self._is_closed:
            self._fail(_unavailable("the rate limiter is closed"))
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="trudy rate limiter", daemon=True)
            self._thread.start()
        self._news.notify_all()

    def _serve(self) -> None:
        while self._await_work():
            self._round()

    def _await_work(self) -> bool:
        """Wait until something is to be asked; False when this thread is to end."""
        with self._news:
            while not self._is_closed:
                now = monotonic()
                opens = [self._opens.get(lane, now) for lane, queue in self._queues.items() if queue]
                if self._notes or min(opens, default=now + 1) <= now or (self._ended and self._learns and opens):
                    self._busy_since = now
                    return True
                has_news = self._news.wait(min(opens) - now if opens else _IDLE)
                if not has_news and not opens:
                    break
            self._thread = None
            self._tables.close()
            return False

    def _round(self) -> None:
        """One transaction: write what is noted, and take places for the first that wait."""
        with self._news:
            notes, self._notes = [*self._owed, *self._notes], []
            ended, self._ended = self._ended, Counter()
            now = monotonic()
            due: list[AdmissionLane] = [lane for lane in _LANES if self._opens.get(lane, now) <= now]
            batch = [waiter for lane in due for waiter in self._queues[lane].head(_BATCH)][:_BATCH]
        try:
            answer = self._tables.change(lambda fleet: answer_round(fleet, notes, ended, batch))
        except Exception as fault:
            failure = fault if isinstance(fault, TrudyError) else _failure(fault)
            with self._news:
                self._busy_since = None
                self._owed = [note for note in notes if note.facts is not None]
                self._notes = [*notes, *self._notes]
                self._fail(failure)
            return
        with self._news:
            self._busy_since = None
            self._owed = []
            self._hand_out(answer, notes, batch)

    def _hand_out(self, answer: Answered, notes: list[Note], batch: list[Waiter]) -> None:
        for note in notes:
            note.is_done = True
            _wake(note.wake)
        self._full, self._learns, self._reset_at = answer.full, answer.learns, answer.reset_at
        if notes:
            self._opens.clear()
        for waiter, taken in zip(batch, answer.taken, strict=True):
            if taken is None:
                continue
            if waiter in self._queues[waiter.lane]:
                self._queues[waiter.lane].discard(waiter)
                waiter.taken, waiter.taken_at = taken, answer.at
                if _wake(waiter.wake):
                    continue
            self._notes.append(Note(taken, None, _nobody_waits))
        for waiter in batch:
            self._opens.pop(waiter.lane, None)
        self._opens.update(answer.opens)
        told = {waiter for waiter in self._unanswered if waiter.taken is not None or waiter.lane in answer.opens}
        self._unanswered -= told
        for waiter in told:
            _wake(waiter.wake)


class PostgresPermit:
    """A place that is taken in the database. Implements `Permit`."""

    __slots__ = ("_limiter", "_taken", "place")

    def __init__(self, limiter: PostgresRateLimiter, taken: TakenPlace, place: int) -> None:
        self._limiter = limiter
        self._taken = taken
        self.place = place

    async def settle(self, facts: RateLimitFacts | None) -> None:
        """Tell all processes of a refusal; anything else is written with the next request, and is not waited for."""
        if facts is not None and facts.refused:
            await self._limiter.write(self._taken, facts)
        else:
            self._limiter.note_end(self._taken)

    async def release(self) -> None:
        """Give the place back, in its own window."""
        await self._limiter.write(self._taken, None)


def _nobody_waits() -> None:
    """Wakes nobody: a place is given back for a task that is gone."""


def _wake(wake: Callable[[], None]) -> bool:
    """Whether somebody was woken: the loop may be closed."""
    try:
        wake()
    except RuntimeError:
        return False
    return True


def _failure(fault: Exception) -> TrudyError:
    """What a fault of the database is to those that wait. Without the driver's text, which may quote what is in the
    URL."""
    if getattr(fault, "sqlstate", None) == _NEVER_ALLOWED:
        return ConfigurationError(
            "the role may not make the tables trudy_rate_*, or may not SELECT, INSERT, UPDATE and DELETE in them"
            f" ({type(fault).__name__})"
        )
    return _unavailable(f"the rate limiter's database cannot be used ({type(fault).__name__})", fault)


def _unavailable(what: str, cause: Exception | None = None) -> APIConnectionError:
    error = APIConnectionError(what, request_sent=False, code="rate_limiter_unavailable", retryable=True)
    error.__cause__ = cause
    return error


def _too_late(turn: float, now: float, until: float, limit: int | None, reset_at: float | None) -> RateLimitError:
    details: dict[str, object] = {} if limit is None else {"limit": limit}
    if reset_at is not None:
        details["reset_at"] = datetime.fromtimestamp(reset_at, UTC).isoformat()
    wait, patience = turn - now, max(until - now, 0.0)
    return RateLimitError(
        f"the fleet's rate limit lets this request go in {wait:.1f} s, and it may wait {patience:.1f} s",
        details=details,
    )
