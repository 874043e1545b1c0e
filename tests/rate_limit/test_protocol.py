"""A limiter of the user's own behind both clients: what it is asked, and what it is told."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

import anyio
import httpx
import pytest

import trudy
from trudy.hooks import Event, RateLimitWait
from trudy.options import AdmissionLane
from trudy.rate_limit.protocol import OnWait

pytestmark = pytest.mark.anyio

BASE_URL = "https://api.example/v1"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Place:
    """One permit, and all that was said to it."""

    def __init__(self, desk: SmallLimiter) -> None:
        self.desk = desk
        self.told: list[trudy.RateLimitFacts | str | None] = []

    async def settle(self, facts: trudy.RateLimitFacts | None) -> None:
        self.told.append(facts)
        if facts is not None and facts.refused and facts.reset_at and facts.server_time:
            wait = (facts.reset_at - facts.server_time).total_seconds()
            self.desk.shut_until = time.monotonic() + wait

    async def release(self) -> None:
        self.told.append("released")
        self.desk.used -= 1


class SmallLimiter:
    """So many at all, and none until a reset. Knows nothing of event loops but how to sleep on them."""

    def __init__(self, limit: int = 1000) -> None:
        self.limit = limit
        self.used = 0
        self.shut_until = 0.0
        self.asked: list[tuple[AdmissionLane, float, trudy.Permit | None]] = []
        self.given: list[Place] = []
        self.lock = threading.Lock()

    async def admit(
        self,
        lane: AdmissionLane,
        until: float,
        *,
        refused: trudy.Permit | None = None,
        on_wait: OnWait | None = None,
    ) -> Place:
        self.asked.append((lane, until - time.monotonic(), refused))
        while (left := self.shut_until - time.monotonic()) > 0:
            if self.shut_until > until:
                raise trudy.RateLimitError("the fleet waits for longer")
            if on_wait is not None:
                await on_wait(left)
                on_wait = None
            await anyio.sleep(left)
        with self.lock:
            self.used += 1
            if self.used > self.limit:
                raise trudy.RateLimitError("the fleet has had its share")
        self.given.append(Place(self))
        return self.given[-1]


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"data": {"id": "a1", "name": "n"}, "meta": {"ts": datetime.now(UTC).isoformat()}})


def refusal(seconds: float) -> httpx.Response:
    now = datetime.now(UTC)
    details = {"limit": 7, "reset_at": (now + timedelta(seconds=seconds)).isoformat()}
    error = {"code": "rate_limit_exceeded", "message": "slow down", "details": details}
    return httpx.Response(429, json={"error": error, "meta": {"ts": now.isoformat()}})


def once_refused(seconds: float) -> Callable[[httpx.Request], httpx.Response]:
    calls: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return refusal(seconds) if len(calls) == 1 else answer(request)

    return handler


def http(handler: Callable[[httpx.Request], httpx.Response]) -> Callable[[], httpx.AsyncClient]:
    return lambda: httpx.AsyncClient(transport=httpx.MockTransport(handler))


def client_with(
    limiter: trudy.RateLimiter, handler: Callable[[httpx.Request], httpx.Response] = answer, **more: object
) -> trudy.AsyncTrudyClient:
    return trudy.AsyncTrudyClient(
        "a-key",
        base_url=BASE_URL,
        rate_limiter=limiter,
        http_client=http(handler),
        **more,  # type: ignore[arg-type]
    )


async def test_each_attempt_asks_for_leave_and_tells_how_it_fared() -> None:
    limiter = SmallLimiter()
    async with client_with(limiter, max_rate_limit_wait=33.0) as client:
        await client.agents.get("a1")
        await client.agents.get("a1", lane="bulk", max_rate_limit_wait=5.0)
        assert client.rate_limit is None
    assert [lane for lane, _, _ in limiter.asked] == ["interactive", "bulk"]
    assert [patience for _, patience, _ in limiter.asked] == pytest.approx([33.0, 5.0], abs=1)
    assert [place.told for place in limiter.given] == [[trudy.RateLimitFacts(refused=False)]] * 2


async def test_after_a_refusal_the_old_permit_comes_back_and_the_wait_is_announced() -> None:
    limiter, events = SmallLimiter(), list[Event]()
    async with client_with(limiter, once_refused(0.1), hooks=[events.append]) as client:
        await client.agents.get("a1")
    first, second = limiter.given
    assert [refused for _, _, refused in limiter.asked] == [None, first]
    (facts,) = first.told
    assert isinstance(facts, trudy.RateLimitFacts)
    assert (facts.refused, facts.limit) == (True, 7)
    assert facts.reset_at is not None
    assert facts.server_time is not None
    assert (facts.reset_at - facts.server_time).total_seconds() == pytest.approx(0.1)
    assert second.told == [trudy.RateLimitFacts(refused=False)]
    assert [event.seconds for event in events if isinstance(event, RateLimitWait)] == pytest.approx([0.1], abs=0.1)


async def test_its_refusal_reaches_the_caller_and_nothing_is_sent() -> None:
    limiter, sent = SmallLimiter(limit=0), list[httpx.Request]()

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answer(request)

    async with client_with(limiter, handler) as client:
        with pytest.raises(trudy.RateLimitError, match="had its share"):
            await client.agents.get("a1")
    assert sent == []


async def test_what_was_not_sent_is_released_and_what_was_not_answered_is_settled_with_nothing() -> None:
    limiter = SmallLimiter()

    def refuse() -> None:
        raise LookupError("not now")

    def lost(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone")

    async with client_with(limiter, lost, max_retries=0) as client:
        with pytest.raises(LookupError):
            await client.agents.get("a1", before_send=refuse)
        with pytest.raises(trudy.APIConnectionError):
            await client.agents.get("a1")
    assert [place.told for place in limiter.given] == [["released"], [None]]
    assert limiter.used == 1


async def test_a_cancelled_request_settles_its_permit_all_the_same() -> None:
    class Slow(Place):
        async def settle(self, facts: trudy.RateLimitFacts | None) -> None:
            await anyio.sleep(0.01)
            await super().settle(facts)

    class SlowLimiter(SmallLimiter):
        async def admit(self, lane: AdmissionLane, until: float, **more: object) -> Place:
            place = await super().admit(lane, until)
            self.given[-1] = Slow(self)
            return self.given[-1] if place else place

    limiter = SlowLimiter()
    sent = anyio.Event()

    async def hangs(request: httpx.Request) -> httpx.Response:
        sent.set()
        await anyio.sleep_forever()
        raise AssertionError

    client = trudy.AsyncTrudyClient(
        "a-key",
        base_url=BASE_URL,
        rate_limiter=limiter,
        http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(hangs)),
    )
    async with client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.agents.get, "a1")
        await sent.wait()
        tasks.cancel_scope.cancel()
    assert [place.told for place in limiter.given] == [[None]]


class BrokenLimiter(SmallLimiter):
    """Settles as told: a fault, a wait for ever, or well."""

    def __init__(self, ends: Sequence[Exception | Literal["hangs", "works"]]) -> None:
        super().__init__()
        self.ends = list(ends)

    async def admit(self, lane: AdmissionLane, until: float, **more: object) -> Place:
        return Broken(self)


class Broken(Place):
    async def settle(self, facts: trudy.RateLimitFacts | None) -> None:
        end = cast("BrokenLimiter", self.desk).ends.pop(0)
        if isinstance(end, Exception):
            raise end
        if end == "hangs":
            await anyio.sleep_forever()


async def test_a_fault_in_settle_is_logged_and_loses_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    async with client_with(BrokenLimiter([OSError("the database is away")])) as client:
        assert (await client.agents.get("a1")).id == "a1"
    assert "the rate limiter failed to note" in caplog.text


async def test_a_limiter_that_goes_on_failing_is_logged_once_until_it_works_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = OSError("the database is away")
    async with client_with(BrokenLimiter([away, away, away, "works", away, away])) as client:
        for _ in range(6):
            assert (await client.agents.get("a1")).id == "a1"
    assert [record.levelname for record in caplog.records if "failed to note" in record.message] == ["ERROR"] * 2


async def test_a_limiter_that_hangs_is_logged_and_loses_no_answer(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trudy.pipeline.rate_limit._SETTLING", 0.01)
    async with client_with(BrokenLimiter(["hangs"])) as client:
        assert (await client.agents.get("a1")).id == "a1"
    assert "the rate limiter did not note in 0.01 s" in caplog.text


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="no such signals here")
def test_what_a_signal_handler_raises_in_settle_reaches_the_caller() -> None:
    class OutOfTimeError(Exception):
        """A time limit of the caller's."""

    def alarm(*_: object) -> None:
        raise OutOfTimeError

    class Struck(Place):
        async def settle(self, facts: trudy.RateLimitFacts | None) -> None:
            signal.raise_signal(signal.SIGALRM)

    class StruckLimiter(SmallLimiter):
        async def admit(self, lane: AdmissionLane, until: float, **more: object) -> Place:
            return Struck(self)

    before = signal.signal(signal.SIGALRM, alarm)
    try:
        with (
            trudy.TrudyClient(
                "a-key", base_url=BASE_URL, rate_limiter=StruckLimiter(), http_client=http(answer)
            ) as client,
            pytest.raises(OutOfTimeError),
        ):
            client.agents.get("a1")
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("more", [{"rate_limit": 5}, {"rate_limit": False}, {"rate_limit_group": "g"}])
async def test_it_is_given_without_rate_limit_and_group(more: dict[str, object]) -> None:
    with pytest.raises(trudy.InvalidArgumentError, match="rate_limiter"):
        client_with(SmallLimiter(), **more)


async def test_what_is_no_limiter_is_refused_when_the_client_is_made() -> None:
    with pytest.raises(trudy.InvalidArgumentError, match=r"rate_limiter must have admit\(lane, until\)"):
        client_with(object())  # type: ignore[arg-type]


def test_the_sync_client_asks_it_from_every_thread() -> None:
    limiter = SmallLimiter()
    with trudy.TrudyClient(
        "a-key", base_url=BASE_URL, rate_limiter=limiter, http_client=http(once_refused(0.1))
    ) as client:
        threads = [threading.Thread(target=client.agents.get, args=("a1",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(limiter.given) == 9
    assert (
        sum(facts.refused for place in limiter.given for facts in place.told if isinstance(facts, trudy.RateLimitFacts))
        == 1
    )


@pytest.mark.parametrize("more", [{"rate_limit": False}, {}, {"rate_limiter": SmallLimiter()}])
async def test_the_servers_clock_is_learned_with_every_kind_of_limiter(more: dict[str, object]) -> None:
    def ahead(request: httpx.Request) -> httpx.Response:
        ts = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        return httpx.Response(200, content=json.dumps({"data": {"id": "a1"}, "meta": {"ts": ts}}))

    client = trudy.AsyncTrudyClient(
        f"a-key-{len(more)}-{[*more]}".replace(" ", ""),
        base_url=BASE_URL,
        http_client=http(ahead),
        **more,  # type: ignore[arg-type]
    )
    async with client:
        assert client.server_clock is None
        await client.agents.get("a1")
        clock = client.server_clock
        assert clock is not None
        assert clock.offset == pytest.approx(3600, abs=5)
        assert 0 <= clock.uncertainty < 5
        assert abs(clock.now() - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=5)


async def test_a_client_that_exists_is_paced(anyio_backend: str) -> None:
    async with trudy.AsyncTrudyClient(f"paced-{anyio_backend}", base_url=BASE_URL, http_client=http(answer)) as client:
        assert client.rate_limit is not None
        assert client.rate_limit.limit is None
        for given, limit in ((trudy.RateLimit(7), 7), (9, 7), (3, 3)):
            client.pace(given)
            assert client.rate_limit.limit == limit
        client.with_options(lane="bulk").pace(2)
        assert client.rate_limit.limit == 2
        for _ in range(2):
            await client.agents.get("a1")
        with pytest.raises(trudy.RateLimitError):
            await client.agents.get("a1", max_rate_limit_wait=0)


async def test_what_cannot_be_paced_says_so() -> None:
    async with trudy.AsyncTrudyClient("never-paced", base_url=BASE_URL, rate_limit=False) as client:
        with pytest.raises(trudy.ConfigurationError, match="no rate limiter of this process"):
            client.pace(3)
    async with trudy.AsyncTrudyClient("paced-by-nonsense", base_url=BASE_URL) as client:
        for nonsense in (0, -1, None, False, "3"):
            with pytest.raises(trudy.InvalidArgumentError, match="rate_limit"):
                client.pace(nonsense)  # type: ignore[arg-type]


def test_a_sync_client_has_both_as_well() -> None:
    with trudy.TrudyClient("sync-paced-later", base_url=BASE_URL, http_client=http(answer)) as client:
        client.pace(4)
        client.agents.get("a1")
        assert client.rate_limit is not None
        assert client.rate_limit.limit == 4
        assert client.server_clock is not None
