"""Somebody sets this machine's clock, or it is wrong from the start; and the server tells its time in few ways."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import pytest
from attrs import evolve

import trudy
from tests.fakes.machine_clock import MachineClock
from trudy.sandbox import JumpingClock, Sandbox

NUMBER: Final = "+14155550100"
JUMPS: Final = [seconds * way for seconds in (1_300.0, 86_400.0, 31_536_000.0) for way in (1, -1)]
Stamps = Literal["both", "meta.ts", "Date", "neither"]
STAMPS: Final[list[Stamps]] = ["both", "meta.ts", "Date", "neither"]
MOMENTS: Final = ["from the start", "before the POST", "during the POST", "while it is looked for"]


class Between:
    """An attempt's middleware: sets the clock at the n-th request, and takes away what tells the server's time."""

    scope = "attempt"

    def __init__(self, stamps: Stamps) -> None:
        self.stamps = stamps
        self.requests: list[str] = []
        self.set_at: tuple[str, str] | None = None
        self.set = lambda: None

    async def __call__(self, request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
        self.requests.append(f"{request.method} {request.path}")
        if self.set_at == ("before", self.requests[-1]):
            self.set()
        try:
            response = await call_next(request)
        finally:
            if self.set_at == ("after", self.requests[-1]):
                self.set()
        headers = dict(response.headers)
        body: Any = json.loads(response.body)
        if self.stamps in ("meta.ts", "neither"):
            headers.pop("date", None)
        if self.stamps in ("Date", "neither") and isinstance(body.get("meta"), dict):
            body["meta"].pop("ts", None)
        return evolve(response, headers=headers, body=json.dumps(body).encode())


class Case:
    """A call of 20 minutes ago by somebody else, and a client whose machine's clock is set by `jump` at a moment."""

    def __init__(self, jump: float, moment: str, stamps: Stamps) -> None:
        self.clock = JumpingClock(start=1_800_000_010.0)
        self.sandbox = Sandbox(clock=self.clock, rate_limit=None)
        self.wall = MachineClock(self.clock)
        self.between = Between(stamps)
        self.jump, self.moment = jump, moment

        def set_clock() -> None:
            self.wall.wrong_by = jump

        self.between.set = set_clock
        if moment == "from the start":
            set_clock()

    async def old_call(self) -> str:
        async with self.sandbox.async_client() as somebody:
            agent = await somebody.agents.create(name="A", voice_id=self.sandbox.voices[0].id, system_prompt="x")
            self.agent_id = agent.id
            old = await somebody.calls.create(agent_id=agent.id, phone_number=NUMBER)
            await self.clock.sleep(1_200)
            return old.id

    def client(self, **options: Any) -> trudy.AsyncTrudyClient:
        return self.sandbox.async_client(clock=self.wall, middleware=[self.between], **options)

    def arm(self) -> None:
        self.between.set_at = {
            "from the start": None,
            "before the POST": ("before", "POST /calls"),
            "during the POST": ("after", "POST /calls"),
            "while it is looked for": ("after", "GET /calls"),
        }[self.moment]


@pytest.mark.parametrize("stamps", STAMPS)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("jump", JUMPS)
def test_a_lost_call_is_found_and_an_old_one_is_not_taken_for_it(jump: float, moment: str, stamps: Stamps) -> None:
    case = Case(jump, moment, stamps)

    async def run() -> None:
        old = await case.old_call()
        async with case.client() as client:
            case.arm()
            case.sandbox.fail_next(method="POST", path="/calls", reset="after")
            if stamps == "neither":
                with pytest.raises(trudy.CallOutcomeUnknownError, match="does not tell its time"):
                    await client.calls.create(agent_id=case.agent_id, phone_number=NUMBER)
            else:
                call = await client.calls.create(agent_id=case.agent_id, phone_number=NUMBER)
                assert call.id != old
            # The next one never arrives: the old call is not it, nor is the one before.
            case.sandbox.fail_next(method="POST", path="/calls", reset="before")
            with pytest.raises(trudy.CallOutcomeUnknownError):
                await client.calls.create(agent_id=case.agent_id, phone_number=NUMBER)
        assert case.between.requests.count("POST /calls") == 2

    case.clock.run(run())


@pytest.mark.parametrize("moment", ["from the start", "while it is looked for"])
@pytest.mark.parametrize("jump", JUMPS)
def test_waits_end_when_the_call_does(jump: float, moment: str) -> None:
    case = Case(jump, moment, "both")

    async def run() -> None:
        await case.old_call()
        async with case.client() as client:
            case.between.set_at = ("after", "GET /calls/*")
            call = await client.calls.create(agent_id=case.agent_id, phone_number=NUMBER)
            began = case.clock.monotonic()
            if moment != "from the start":
                case.between.set_at = ("after", f"GET /calls/{call.id}")
            assert (await client.calls.wait(call.id)).status.is_final
            assert case.clock.monotonic() - began < 300
            # One that never ends is waited for as long as was said, not longer and not shorter.
            began = case.clock.monotonic()
            with pytest.raises(trudy.WaitTimeoutError):
                await client.calls.create_and_wait(agent_id=case.agent_id, phone_number=NUMBER, max_wait=4)
            assert 4 <= case.clock.monotonic() - began <= 6

    case.clock.run(run())


@pytest.mark.parametrize("stamps", STAMPS)
@pytest.mark.parametrize("moment", ["from the start", "while it is looked for"])
@pytest.mark.parametrize("jump", JUMPS)
def test_a_rate_window_is_waited_for_by_the_servers_clock(jump: float, moment: str, stamps: Stamps) -> None:
    case = Case(jump, moment, stamps)
    case.sandbox = Sandbox(clock=case.clock, rate_limit=5)

    async def run() -> None:
        async with case.client() as client:
            case.between.set_at = None if moment == "from the start" else ("after", "GET /agents")
            began = case.clock.monotonic()
            for _ in range(12):
                await client.agents.list(page_size=1)
            # Two windows, and for a server without a clock the wait that is tried in its place.
            assert case.clock.monotonic() - began <= (240 if stamps == "neither" else 125)

    case.clock.run(run())


@pytest.mark.parametrize("moment", ["from the start", "while it is looked for"])
@pytest.mark.parametrize("jump", JUMPS)
def test_the_pause_before_a_retry_is_what_was_asked_for(jump: float, moment: str) -> None:
    case = Case(jump, moment, "both")

    async def run() -> None:
        async with case.client() as client:
            case.between.set_at = None if moment == "from the start" else ("after", "GET /agents")
            for text in ("7", "date"):
                asked = "7" if text == "7" else http_date(case.clock.time() + 7)
                case.sandbox.fail_next(path="/agents", status=503, headers={"Retry-After": asked})
                began = case.clock.monotonic()
                await client.agents.list()
                assert 5.5 <= case.clock.monotonic() - began <= 9

    case.clock.run(run())


def http_date(seconds: float) -> str:
    from email.utils import formatdate

    return formatdate(seconds, usegmt=True)
