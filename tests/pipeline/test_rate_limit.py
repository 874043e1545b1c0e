"""The step that waits at the limiter, on asyncio and trio, in one and several threads, with a clock that tests move."""

from __future__ import annotations

import gc
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from math import floor

import anyio
import pytest
from attrs import define, field

from tests.fakes.answers import request_for
from tests.fakes.clock import NOON, FakeClock
from trudy.errors import APIConnectionError, RateLimitError
from trudy.hooks import Event, RateLimitWait
from trudy.options import Lane, RateLimit
from trudy.pipeline.rate_limit import RateLimitStep
from trudy.rate_limit.in_process import InProcessRateLimiter
from trudy.rate_limit.limiter import WindowLimiter
from trudy.request import Request, Response

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def step_at(limiter: WindowLimiter, clock: FakeClock) -> RateLimitStep:
    return RateLimitStep(InProcessRateLimiter(limiter, clock), limiter.server_clock, clock)


def make_request(**call: object) -> Request:
    return request_for(**call)  # type: ignore[arg-type]


@define(eq=False)
class Wire:
    """A server behind a slow wire: `limit` requests in a minute of its clock, which is `ahead` of ours."""

    clock: FakeClock
    limit: int = 100
    ahead: float = 0.0
    latency: float = 0.05
    arrivals: list[str] = field(factory=list)
    refusals: Counter[int] = field(factory=Counter)
    _counts: Counter[int] = field(factory=Counter)
    _lock: threading.Lock = field(factory=threading.Lock)

    async def __call__(self, request: Request) -> Response:
        request.progress.attempts += 1
        await self.clock.sleep(self.latency)
        with self._lock:
            now = self.clock.time() + self.ahead
            minute = floor(now / 60)
            self._counts[minute] += 1
            fits = self._counts[minute] <= self.limit
            self.refusals[minute] += not fits
            if fits:
                self.arrivals.append(request.url)
        await self.clock.sleep(self.latency)
        meta = {"ts": iso(now), "request_id": "r"}
        if fits:
            return Response(status=200, headers={}, body=json.dumps({"data": {}, "meta": meta}).encode())
        details = {"limit": self.limit, "reset_at": iso((minute + 1) * 60)}
        body = {"error": {"code": "rate_limit_exceeded", "message": "slow down", "details": details}, "meta": meta}
        return Response(status=429, headers={}, body=json.dumps(body).encode())


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


async def persist(step: RateLimitStep, request: Request, wire: Callable[[Request], Awaitable[Response]]) -> Response:
    """What the retry step does with a 429."""
    while (response := await step(request, wire)).status == 429:
        pass
    return response


@pytest.mark.parametrize("ahead", [0.0, 21.0, -3600.5])
@pytest.mark.parametrize("paced", [True, False], ids=["paced", "learning"])
async def test_all_get_through_in_as_few_minutes_as_can_be(ahead: float, paced: bool) -> None:
    clock = FakeClock(NOON + 10)
    wire = Wire(clock, limit=10, ahead=ahead)
    step = step_at(WindowLimiter(RateLimit(10) if paced else None), clock)
    done: list[Response] = []

    async def one() -> None:
        done.append(await persist(step, make_request(max_rate_limit_wait=1e6), wire))

    async with anyio.create_task_group() as tasks:
        for _ in range(45):
            tasks.start_soon(one)
        await clock.run(4 * 60 + 5)
    assert len(done) == len(wire.arrivals) == 45
    assert wire.refusals.total() == (0 if paced else 35)
    assert clock.sleeping == 0


async def test_a_refused_request_goes_before_those_who_waited_when_it_was_refused() -> None:
    clock = FakeClock(NOON + 10)
    wire = Wire(clock, limit=1, latency=1.0)
    step = step_at(WindowLimiter(RateLimit(2)), clock)
    order: list[str] = []

    async def one(name: str) -> None:
        await persist(step, make_request(max_rate_limit_wait=1e6), wire)
        order.append(name)

    async with anyio.create_task_group() as tasks:
        for name in ("first", "refused", "waits", "waits too"):
            tasks.start_soon(one, name)
            await clock.run(0.1)
        await clock.run(240)
    assert order == ["first", "refused", "waits", "waits too"]
    assert wire.refusals.total() == 1


async def test_the_wait_is_counted_and_reported_once() -> None:
    clock = FakeClock(NOON + 10)
    wire = Wire(clock, limit=1)
    step = step_at(WindowLimiter(RateLimit(1)), clock)
    events: list[Event] = []

    async def emit(event: Event) -> None:
        events.append(event)

    first, second, third = (make_request(emit=emit, max_rate_limit_wait=150.0) for _ in range(3))
    async with anyio.create_task_group() as tasks:
        for request in (first, second, third):
            tasks.start_soon(persist, step, request, wire)
            await clock.run(1)
        await clock.run(120)
    assert first.progress.rate_waited == 0.0
    assert second.progress.rate_waited == pytest.approx(49, abs=0.3)
    assert third.progress.rate_waited == pytest.approx(108, abs=0.3)
    assert [type(event) for event in events] == [RateLimitWait, RateLimitWait]
    assert [event.seconds for event in events if isinstance(event, RateLimitWait)] == pytest.approx([49, 108], abs=0.3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"max_rate_limit_wait": 20.0}, "in 49.. s, and it may wait 20.0 s"),
        ({"deadline": 1_000.0 + 1 + 30}, "in 49.. s, and it may wait 30.0 s"),
        ({"max_rate_limit_wait": 60.0, "rate_waited": 45.0}, "in 49.. s, and it may wait 15.0 s"),
        ({"max_rate_limit_wait": 0.0}, "in 49.. s, and it may wait 0.0 s"),
    ],
    ids=["max_rate_limit_wait", "deadline", "waited before", "never wait"],
)
async def test_a_turn_after_the_deadline_is_an_error_at_once(call: dict[str, float], message: str) -> None:
    clock = FakeClock(NOON + 10)
    wire = Wire(clock, limit=1)
    limiter = WindowLimiter(RateLimit(1))
    step = step_at(limiter, clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(persist, step, make_request(), wire)
        await clock.run(1)
    with pytest.raises(RateLimitError, match=message.replace("..", r"\.\d")) as caught:
        await step(make_request(**call), wire)
    error = caught.value
    assert (error.status_code, error.code, error.response) == (429, "rate_limit_exceeded", None)
    assert error.limit == error.details["limit"] == 1
    assert error.reset_at is not None
    assert error.reset_at.timestamp() == pytest.approx(NOON + 60, abs=0.1)
    assert error.details["reset_at"] == error.reset_at.isoformat()
    assert len(wire.arrivals) == 1
    assert limiter.status(clock.monotonic()).waiting == 0


async def test_a_cancelled_waiter_frees_its_place() -> None:
    clock = FakeClock(NOON + 10)
    wire = Wire(clock, limit=1)
    limiter = WindowLimiter(RateLimit(1))
    step = step_at(limiter, clock)
    scopes: list[anyio.CancelScope] = []
    done: list[str] = []

    async def one(name: str) -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await persist(step, make_request(max_rate_limit_wait=1e6), wire)
            done.append(name)

    async with anyio.create_task_group() as tasks:
        for name in "abcde":
            tasks.start_soon(one, name)
            await clock.run(0.2)
        assert limiter.status(clock.monotonic()).waiting == 4
        for scope in scopes[1:4]:
            scope.cancel()
        await clock.run(0.2)
        assert limiter.status(clock.monotonic()).waiting == 1
        assert clock.sleeping == 1
        await clock.run(55)
    assert done == ["a", "e"]


async def test_interactive_requests_overtake_bulk_ones() -> None:
    clock = FakeClock(NOON + 10)
    wire = Wire(clock, limit=2)
    step = step_at(WindowLimiter(RateLimit(2, bulk_share=0.5)), clock)
    done: list[str] = []

    async def one(name: str, lane: Lane) -> None:
        await persist(step, make_request(max_rate_limit_wait=1e6, lane=lane), wire)
        done.append(name)

    async with anyio.create_task_group() as tasks:
        for name in ("b1", "b2", "b3", "i1", "i2", "i3"):
            tasks.start_soon(one, name, "bulk" if name.startswith("b") else "interactive")
            await clock.run(0.2)
        assert done == ["b1", "i1"]
        await clock.run(60)
        assert set(done[2:]) == {"i2", "i3"}
        await clock.run(180)
    assert done[4:] == ["b2", "b3"]


@pytest.mark.parametrize(("request_sent", "left"), [(False, 1), (True, 0)])
async def test_budget_comes_back_where_nothing_was_sent(request_sent: bool, left: int) -> None:
    clock = FakeClock()
    limiter = WindowLimiter(RateLimit(1))
    step = step_at(limiter, clock)

    async def fails(request: Request) -> Response:
        request.progress.attempts += 1
        raise APIConnectionError("no route", request_sent=request_sent)

    with pytest.raises(APIConnectionError):
        await step(make_request(), fails)
    assert limiter.status(clock.monotonic()).used == 1 - left


async def test_budget_comes_back_where_a_step_further_in_failed_before_the_attempt() -> None:
    clock = FakeClock()
    limiter = WindowLimiter(RateLimit(1))

    async def no_token(request: Request) -> Response:
        raise KeyError("token")

    with pytest.raises(KeyError):
        await step_at(limiter, clock)(make_request(), no_token)
    assert limiter.status(clock.monotonic()).used == 0


async def test_clients_that_share_a_limiter_share_the_budget() -> None:
    clock = FakeClock(NOON + 10)
    wire = Wire(clock, limit=3)
    limiter = WindowLimiter(RateLimit(3))
    steps = [step_at(limiter, clock) for _ in range(3)]
    async with anyio.create_task_group() as tasks:
        for number in range(9):
            tasks.start_soon(persist, steps[number % 3], make_request(max_rate_limit_wait=1e6), wire)
        await clock.run(130)
    assert len(wire.arrivals) == 9
    assert not wire.refusals.total()


async def test_nothing_is_kept_of_an_operation_that_is_over() -> None:
    clock = FakeClock(NOON + 10)
    step = step_at(WindowLimiter(), clock)
    wire = Wire(clock, limit=0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(step, make_request(), wire)
        await clock.run(1)
    gc.collect()
    assert len(step._refused) == 0


async def test_a_free_limiter_makes_no_event_and_asks_no_clock_to_sleep() -> None:
    clock = FakeClock()
    step = step_at(WindowLimiter(RateLimit(5)), clock)

    async def instant(request: Request) -> Response:
        return Response(status=200, headers={}, body=b"{}")

    await step(make_request(), instant)
    assert clock.slept == []


def test_loops_of_several_threads_wait_at_one_limiter(anyio_backend: str) -> None:
    clock = FakeClock(NOON + 10)
    wire = Wire(clock, limit=10, latency=0.01)
    limiter = WindowLimiter(RateLimit(10))
    done: list[int] = []

    def thread(number: int) -> None:
        async def work() -> None:
            step = step_at(limiter, clock)

            async def one() -> None:
                await persist(step, make_request(max_rate_limit_wait=1e6), wire)
                done.append(number)

            async with anyio.create_task_group() as tasks:
                for _ in range(8):
                    tasks.start_soon(one)

        anyio.run(work, backend="asyncio" if number % 2 else anyio_backend)

    threads = [threading.Thread(target=thread, args=(number,), daemon=True) for number in range(6)]
    for one in threads:
        one.start()
    while any(one.is_alive() for one in threads):
        # Small steps, so that no window passes while a thread is still on its way to its next wait.
        clock.advance(0.01)
        threads[0].join(0.0002)
    assert sorted(done) == sorted(list(range(6)) * 8)
    assert len(wire.arrivals) == 48


def test_a_loop_that_was_closed_with_requests_waiting_delays_no_other(anyio_backend: str) -> None:
    clock = FakeClock(NOON + 10)
    wire = Wire(clock, limit=1, latency=0.0)
    limiter = WindowLimiter(RateLimit(1))

    async def abandon() -> None:
        """Leave tickets in the queue as a loop does that was stopped and closed in the middle."""
        from trudy._concurrency.loops import Wakeup

        for _ in range(3):
            wakeup = Wakeup()
            with anyio.move_on_after(0):
                await wakeup.wait(60, clock)
            limiter.poll(limiter.join("interactive", wakeup.set), clock.monotonic())

    async def live() -> None:
        step = step_at(limiter, clock)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(persist, step, make_request(max_rate_limit_wait=1e6), wire)
            await clock.run(5 * 60)

    async def first() -> None:
        await persist(step_at(limiter, clock), make_request(), wire)

    anyio.run(first, backend=anyio_backend)
    anyio.run(abandon, backend=anyio_backend)
    assert limiter.status(clock.monotonic()).waiting == 3
    anyio.run(live, backend=anyio_backend)
    assert len(wire.arrivals) == 2
    assert limiter.status(clock.monotonic()).waiting == 0


async def test_a_server_whose_reset_is_always_near_gets_few_requests() -> None:
    clock = FakeClock()
    sent: list[float] = []

    async def refuse(request: Request) -> Response:
        request.progress.attempts += 1
        sent.append(clock.time())
        details = {"limit": 100, "reset_at": iso(clock.time() + 0.01)}
        body = {"error": {"code": "rate_limit_exceeded", "details": details}, "meta": {"ts": iso(clock.time())}}
        return Response(status=429, headers={}, body=json.dumps(body).encode())

    async def ask_again_and_again() -> None:
        request, step = make_request(max_rate_limit_wait=60.0), step_at(WindowLimiter(None), clock)
        while True:
            await step(request, refuse)

    async def ask() -> None:
        with pytest.raises(RateLimitError):
            await ask_again_and_again()

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await clock.run(120)
    assert len(sent) < 15
