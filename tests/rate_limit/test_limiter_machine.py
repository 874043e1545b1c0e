"""The limiter against a model of the server: skewed clocks, slow wires, cancellations, dead loops, other traffic."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from itertools import count
from math import ceil, floor
from random import Random
from typing import ClassVar, Literal

from attrs import define, field
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from trudy.options import Lane, RateLimit
from trudy.rate_limit.in_process import At, Go, Ticket, Wait
from trudy.rate_limit.limiter import WindowLimiter

TRUE_START = 1_800_000_007.25
NEVER = float("inf")


@define(eq=False)
class Waiter:
    """One task: holds a ticket, sleeps until its alarm or until it is woken, sends, and comes again if refused."""

    lane: Lane
    ticket: Ticket
    alarm: float = NEVER
    state: Literal["waiting", "sent", "done", "gone"] = "waiting"
    accepted: int = 0
    dead: bool = False
    left_at: float = 0.0


@define(eq=False)
class ServerModel:
    """Counts in windows of its own clock, like the real one; others may use it too."""

    limit: int
    window: float
    style: str = "true"
    counts: Counter[int] = field(factory=Counter)
    refusals: Counter[int] = field(factory=Counter)

    def answer(self, now: float) -> tuple[bool, float | None]:
        index = floor(now / self.window)
        if self.counts[index] < self.limit:
            self.counts[index] += 1
            return True, None
        self.refusals[index] += 1
        end = (index + 1) * self.window
        resets = {"true": end, "moving": now + self.window, "past": now - 5, "far": now + 1e7, "missing": None}
        return False, resets[self.style]

    def others(self, now: float, number: int) -> None:
        index = floor(now / self.window)
        self.counts[index] = min(self.limit, self.counts[index] + number)


class LimiterMachine(RuleBasedStateMachine):
    """The rules all scenarios share. Time is true; our monotonic clock is `skew` off, the server's `server_ahead`."""

    latencies: ClassVar[list[float]] = [0.01, 0.02, 0.1, 0.4]
    sleepiness: ClassVar[list[float]] = [0.0, 0.0, 0.05, 0.6]
    styles: ClassVar[list[str]] = ["true"]
    paced: ClassVar[bool] = True

    @initialize(
        limit=st.integers(1, 7),
        window=st.sampled_from([10.0, 60.0]),
        share=st.sampled_from([0.1, 0.5, 0.75, 1.0]),
        skew=st.sampled_from([0.0, -0.7, 3.0, -29.5, 3600.25]),
        seed=st.integers(0, 2**16),
        data=st.data(),
    )
    def start(self, limit: int, window: float, share: float, skew: float, seed: int, data: st.DataObject) -> None:
        self.rng = Random(seed)
        self.true = TRUE_START
        self.skew = skew
        self.server_ahead = 0.0
        self.server = ServerModel(limit, window if self.paced else 60.0, data.draw(st.sampled_from(self.styles)))
        rate_limit = RateLimit(limit, window=window, bulk_share=share) if self.paced else None
        self.limiter = WindowLimiter(rate_limit, rng=Random(seed))
        self.share = max(1, int(limit * share + 1e-9))
        self.waiters: list[Waiter] = []
        self.wire: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = count()

    @property
    def now(self) -> float:
        return self.true + self.skew

    @rule(lane=st.sampled_from(["interactive", "bulk"]), number=st.integers(1, 25))
    def join(self, lane: Lane, number: int) -> None:
        for _ in range(number):
            waiter = Waiter(lane, ticket=None)  # type: ignore[arg-type]
            waiter.ticket = self.limiter.join(lane, self._wake(waiter))
            self.waiters.append(waiter)
            self._poll(waiter)

    @rule(seconds=st.sampled_from([0.001, 0.05, 0.3, 1.0, 2.25, 9.7, 31.0, 61.0, 130.0]))
    def pass_time(self, seconds: float) -> None:
        end = self.true + seconds
        while (moment := self._next_event()) <= end:
            self._at(moment)
        self.true = max(self.true, end)

    @precondition(lambda self: self._alive("waiting"))
    @rule(pick=st.integers(0, 10**6))
    def cancel(self, pick: int) -> None:
        alive = self._alive("waiting")
        waiter = alive[pick % len(alive)]
        waiter.state = "gone"
        self.limiter.leave(waiter.ticket, self.now)
        self.limiter.leave(waiter.ticket, self.now)

    @precondition(lambda self: self._alive("waiting") and sum(waiter.dead for waiter in self.waiters) < 6)
    @rule(pick=st.integers(0, 10**6))
    def loop_dies(self, pick: int) -> None:
        alive = self._alive("waiting")
        alive[pick % len(alive)].dead = True

    @precondition(lambda self: len(self._alive("waiting")) > 3)
    @rule(kept=st.integers(0, 3))
    def cancel_all_but_the_last(self, kept: int) -> None:
        alive = sorted(self._alive("waiting"), key=lambda waiter: waiter.ticket.place)
        for waiter in alive[: len(alive) - kept]:
            waiter.state = "gone"
            self.limiter.leave(waiter.ticket, self.now)

    @precondition(lambda self: self._alive("sent"))
    @rule(pick=st.integers(0, 10**6))
    def cancel_in_flight(self, pick: int) -> None:
        unanswered = self._alive("sent")
        waiter = unanswered[pick % len(unanswered)]
        waiter.state = "gone"
        self.limiter.leave(waiter.ticket, self.now)

    @rule()
    def look(self) -> None:
        status = self.limiter.status(self.now)
        assert status.waiting >= 0
        assert status.used >= 0

    def teardown(self) -> None:
        if not hasattr(self, "limiter"):
            return
        began = self.true
        left = [waiter for waiter in self.waiters if waiter.state in ("waiting", "sent") and not waiter.dead]
        bulk = sum(waiter.lane == "bulk" for waiter in left)
        patience = self._patience(len(left) - bulk, bulk)
        while any(waiter.state in ("waiting", "sent") for waiter in left):
            moment = self._next_event()
            assert moment < NEVER, "a waiter sleeps for ever"
            assert moment - began <= patience, "a waiter slept past its turn"
            self._at(moment)
        assert all(waiter.accepted == 1 for waiter in left if waiter.state == "done")

    def _patience(self, interactive: int, bulk: int) -> float:
        unanswered = sum(waiter.state == "sent" for waiter in self.waiters)
        dead = sum(waiter.dead for waiter in self.waiters)
        windows = ceil((interactive + bulk + dead + unanswered) / self.server.limit)
        if bulk:
            windows += ceil((bulk + dead) / self.share)
        return (windows + 1.2) * self.server.window

    def _alive(self, state: str) -> list[Waiter]:
        return [waiter for waiter in getattr(self, "waiters", ()) if waiter.state == state and not waiter.dead]

    def _wake(self, waiter: Waiter) -> Callable[[], None]:
        def wake() -> None:
            if waiter.dead:
                raise RuntimeError("Event loop is closed")
            if waiter.ticket.at is At.CALLED:
                self._check_order(waiter)
            self._later(self.rng.choice(self.sleepiness), lambda: self._woken(waiter))

        return wake

    def _next_event(self) -> float:
        alarms = [waiter.alarm - self.skew for waiter in self._alive("waiting")]
        wire = self.wire[0][0] if self.wire else NEVER
        return max(self.true, min([wire, *alarms]))

    def _at(self, moment: float) -> None:
        self.true = max(self.true, moment)
        while self.wire and self.wire[0][0] <= self.true:
            heapq.heappop(self.wire)[2]()
        for waiter in self._alive("waiting"):
            if waiter.alarm <= self.now and waiter.state == "waiting":
                self._poll(waiter)

    def _woken(self, waiter: Waiter) -> None:
        if waiter.state == "waiting" and not waiter.dead:
            self._poll(waiter)

    def _poll(self, waiter: Waiter) -> None:
        called = waiter.ticket.at is At.CALLED
        verdict = self.limiter.poll(waiter.ticket, self.now)
        if isinstance(verdict, Wait):
            assert verdict.until > self.now, "a busy loop"
            waiter.alarm = verdict.until
            return
        assert isinstance(verdict, Go)
        if not called:
            self._check_order(waiter)
        self._check_budget(waiter)
        waiter.state, waiter.alarm, waiter.left_at = "sent", NEVER, self.now
        self._later(self.rng.choice(self.latencies), lambda: self._arrive(waiter))

    def _check_order(self, waiter: Waiter) -> None:
        for other in self._alive("waiting"):
            if other is waiter or other.ticket.at is not At.QUEUE:
                continue
            assert other.lane != waiter.lane or other.ticket.place > waiter.ticket.place, "overtaken"
            assert waiter.lane == "interactive" or other.lane == "bulk", "bulk before interactive"

    def _check_budget(self, waiter: Waiter) -> None:
        window = waiter.ticket.window
        assert window is not None
        assert window is self.limiter._windows.current, "sent in a window that is over"
        assert self.limiter._windows.is_open(self.now), "sent while it is shut"
        if self.paced:
            assert window.bulk <= self.share, "more than its share"
            assert window.sent <= self.server.limit, "more than the limit"

    def _arrive(self, waiter: Waiter) -> None:
        stamp = self.true + self.server_ahead
        accepted, reset_at = self.server.answer(stamp)
        self._later(self.rng.choice(self.latencies), lambda: self._return(waiter, accepted, reset_at, stamp))

    def _return(self, waiter: Waiter, accepted: bool, reset_at: float | None, stamp: float) -> None:
        if waiter.state != "sent" or waiter.dead:
            return
        self.limiter.server_clock.observe(stamp, self.now, round_trip=self.now - waiter.left_at)
        if accepted:
            waiter.state = "done"
            waiter.accepted += 1
            self.limiter.leave(waiter.ticket, self.now)
            return
        limit = self.server.limit
        self.limiter.refused(waiter.ticket, self.now, limit=limit, reset_at=reset_at, server_now=stamp)
        self.limiter.leave(waiter.ticket, self.now)
        waiter.ticket = self.limiter.join(waiter.lane, self._wake(waiter), place=waiter.ticket.place)
        waiter.state = "waiting"
        self._poll(waiter)

    def _later(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self.wire, (self.true + seconds, next(self.numbers), event))


class Alone(LimiterMachine):
    """The limit is explicit, the server agrees, nobody else uses the key."""

    @rule()
    def at_most_one_refusal_a_window(self) -> None:
        assert all(number <= 1 for number in self.server.refusals.values()), self.server.refusals

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "server"):
            self.at_most_one_refusal_a_window()


class Shared(LimiterMachine):
    """Others use the key, and the server tells of its windows in all its ways."""

    styles: ClassVar[list[str]] = ["true", "moving", "past", "far", "missing"]

    @rule(number=st.integers(1, 7))
    def others(self, number: int) -> None:
        self.server.others(self.true + self.server_ahead, number)

    @rule(seconds=st.sampled_from([-3600.0, -31.0, -2.0, 0.5, 31.0, 3600.0]))
    def somebody_sets_the_servers_clock(self, seconds: float) -> None:
        self.server_ahead += seconds

    def _patience(self, interactive: int, bulk: int) -> float:
        return 4 * super()._patience(interactive, bulk) + 40 * self.server.window


class Learning(Shared):
    """The limit is not known before the first refusal."""

    paced: ClassVar[bool] = False

    def _patience(self, interactive: int, bulk: int) -> float:
        # The bulk lane's share is the default one here: at least one request a window.
        self.share = 1
        return super()._patience(interactive, bulk)


_SETTINGS = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
Alone.TestCase.settings = _SETTINGS
Shared.TestCase.settings = _SETTINGS
Learning.TestCase.settings = _SETTINGS

TestAlone = Alone.TestCase
TestShared = Shared.TestCase
TestLearning = Learning.TestCase
