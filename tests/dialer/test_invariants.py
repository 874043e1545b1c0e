"""I1 to I8, each by name: on one hard night, and that its question sees the night go wrong."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from datetime import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from attrs import evolve, frozen

from tests.dialer import invariants
from tests.dialer.conftest import START, numbers_ending
from tests.dialer.cuts import folder_in_memory, in_one_thread
from tests.dialer.recount import Tables, tables_of
from trudy.dialer import Breaker, Dial, Dialer, DialEvent, DueRow, Hours, Plan, Policy, RunResult
from trudy.sandbox import JumpingClock, Sandbox
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.http.in_process import InProcessTransport

NUMBERS = numbers_ending(0, 10, 20, 70, 30, 1, 40, 50, 2, 3, 4, 5, 6)
"""Of many outcomes, in many zones; the fourth asks in the call not to be called again."""
POLICY = Policy(
    hours=Hours(start=time(12), end=time(12, 14), days=frozenset(range(1, 8)), holidays=True),
    gap=0.5,
    max_live=2,
    price=1.0,
    max_spend=100.0,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, short_calls=1000),
)


class FastClock:
    """This machine's clock is three hours ahead of the server's; only the server's counts."""

    def __init__(self, clock: JumpingClock) -> None:
        self._clock = clock

    def time(self) -> float:
        """Unix seconds."""
        return self._clock.time() + 10_800

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)


class WatchingTransport(httpx.AsyncBaseTransport):
    """Reads the store's file as each call is about to leave: by then its intent must be there."""

    def __init__(self, sandbox: Sandbox, path: Path, without_intent: list[str]) -> None:
        self._inner = InProcessTransport(sandbox.world, sandbox.app, real_time=False)
        self._path, self._without_intent = path, without_intent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        key = request.headers.get("X-Idempotency-Key")
        if request.method == "POST" and request.url.path.endswith("/calls"):
            with closing(sqlite3.connect(self._path)) as file:
                found = file.execute("SELECT state FROM attempts WHERE id = ?", [key]).fetchone()
            if found != ("intent",):
                self._without_intent.append(key)
        return await self._inner.handle_async_request(request)


@frozen(kw_only=True)
class Night:
    """What is left of it."""

    plan: Plan
    result: RunResult
    tables: Tables
    calls: list[PlacedCall]
    sandbox: Sandbox
    shown: str
    without_intent: list[str]


async def hard_night(folder: Path, clock: JumpingClock) -> Night:
    """A campaign over several zones, with lost answers, an opt-out by hand, and an end before all were called."""
    sandbox = Sandbox(clock=clock, rate_limit=30, seed=3)
    path = folder / "leads.db"
    without_intent: list[str] = []

    def http_client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=WatchingTransport(sandbox, path, without_intent))

    for nth, loss in enumerate(({"reset": "after"}, {"reset": "before", "effect_after": 150}, {"status": 429}), 2):
        sandbox.faults.add(method="POST", path="/calls", nth=nth, **loss)  # type: ignore[arg-type]
    shown: list[str] = []
    async with (
        sandbox.async_client(http_client=http_client, clock=FastClock(clock)) as client,
        Dialer(client, store=path, clock=FastClock(clock)) as dialer,
    ):
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet {{name}}.")
        rows = [{"phone": number, "name": f"P{index}"} for index, number in enumerate([*NUMBERS, NUMBERS[0], "555"])]
        plan = await dialer.plan(
            rows, agent=agent.id, consent="form", policy=POLICY, region="US", rejects=folder / "rejects.csv"
        )
        shown += [plan.summary(), repr(plan)]

        async def should_dial(row: DueRow) -> Dial:
            if row.number == NUMBERS[5]:  # between the pick and the claim
                await dialer.dnc.add(row.number)
            return Dial()

        async def stop_later() -> None:
            await clock.sleep(4_500)  # noon has come in two zones
            await dialer.stop(plan.campaign)

        def on_event(event: DialEvent) -> None:
            shown.append(f"{event} {event!r}")

        async with anyio.create_task_group() as beside:
            beside.start_soon(stop_later)
            result = await dialer.run(plan, confirm=plan.hash, on_event=on_event, should_dial=should_dial)
            beside.cancel_scope.cancel()
        shown += [repr(result), repr(await dialer.status(plan.campaign)), *await dialer.why(NUMBERS[0])]
    return Night(
        plan=plan,
        result=result,
        tables=tables_of(path),
        calls=sandbox.placed_calls,
        sandbox=sandbox,
        shown="\n".join(shown),
        without_intent=without_intent,
    )


@pytest.fixture(scope="module")
def night() -> Iterator[Night]:
    clock = JumpingClock(start=START)
    with pytest.MonkeyPatch.context() as patch, folder_in_memory() as folder:
        in_one_thread(patch)
        logs = _Lines()
        logger = logging.getLogger("trudy")
        before = logger.level
        logger.addHandler(logs)
        logger.setLevel(logging.DEBUG)
        try:
            found = clock.run(hard_night(Path(folder), clock))
        finally:
            logger.setLevel(before)
            logger.removeHandler(logs)
        yield evolve(found, shown="\n".join([found.shown, *logs.lines]))


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what a log would show."""
        self.lines.append(self.format(record))


def test_the_night_was_hard(night: Night) -> None:
    assert night.result.state == "stopped"
    assert len(night.calls) >= 6
    zones = {each["zone"] for each in night.tables["attempts"]}
    assert len(zones) >= 2
    assert {each["kind"] for each in night.tables["events"]} >= {"unknown", "found", "not_sent", "do_not_call", "ended"}
    assert "looked for" in night.shown


def test_i1_no_request_without_a_committed_intent(night: Night) -> None:
    assert night.without_intent == []
    invariants.i1_no_request_without_a_committed_intent(night.tables, night.calls)
    worse = {**night.tables, "attempts": night.tables["attempts"][1:]}
    with pytest.raises(AssertionError, match="no intent"):
        invariants.i1_no_request_without_a_committed_intent(worse, night.calls)


def test_i2_at_most_one_live_attempt_a_number(night: Night) -> None:
    night.sandbox.assert_no_overlapping_calls()
    night.sandbox.assert_no_number_dialed_twice()
    invariants.i2_at_most_one_live_attempt_a_number(night.tables)
    live = {**night.tables["attempts"][0], "state": "unknown"}
    with pytest.raises(AssertionError, match="two live"):
        invariants.i2_at_most_one_live_attempt_a_number({**night.tables, "attempts": [live, live]})


def test_i3_no_trudy_ref_is_placed_twice(night: Night) -> None:
    invariants.i3_no_ref_is_placed_twice(night.calls)
    with pytest.raises(AssertionError, match="twice"):
        invariants.i3_no_ref_is_placed_twice([*night.calls, night.calls[0]])


def test_i4_no_call_outside_the_hours_of_any_zone_by_server_time(night: Night) -> None:
    policies = {night.plan.campaign: POLICY}
    invariants.i4_no_call_outside_the_hours(night.tables, night.calls, policies)
    other = {night.plan.campaign: evolve(POLICY, hours=Hours(start=time(13), end=time(14)))}
    with pytest.raises(AssertionError, match="out of hours"):
        invariants.i4_no_call_outside_the_hours(night.tables, night.calls, other)


def test_i5_no_call_after_an_opt_out_was_committed(night: Night) -> None:
    invariants.i5_no_call_after_an_opt_out(night.tables)
    assert NUMBERS[5] not in {call.to for call in night.calls}, "on the list since just before its claim"
    assert len(night.tables["dnc"]) == 2
    called = night.tables["attempts"][0]["number_hash"]
    first = {"kind": "do_not_call", "data": {"number_hash": called}}
    with pytest.raises(AssertionError, match="after an opt-out"):
        invariants.i5_no_call_after_an_opt_out({**night.tables, "events": [first, *night.tables["events"]]})


@pytest.mark.parametrize("counter", ["live", "dialed", "reserved", "spent"])
def test_i6_counters_equal_what_the_rows_say(night: Night, counter: str) -> None:
    """After any crash: `test_crash_boundaries.py` and `test_state_machine.py` ask it after each."""
    invariants.i6_counters_equal_what_the_rows_say(night.tables)
    worse = deepcopy(night.tables)
    worse["campaigns"][0][counter] += 1
    with pytest.raises(AssertionError):
        invariants.i6_counters_equal_what_the_rows_say(worse)


def test_i7_every_planned_row_ends_in_one_state_with_a_reason(night: Night) -> None:
    """The campaign was stopped: who was not called yet waits, and all others are at an end."""
    invariants.i7_every_row_ends_in_one_state_with_a_reason(night.tables, is_over=False)
    states = {row["state"] for row in night.tables["rows"]}
    assert states == {"waiting", "done", "duplicate", "rejected", "suppressed"}
    over = {**night.tables, "rows": [row for row in night.tables["rows"] if row["state"] != "waiting"]}
    invariants.i7_every_row_ends_in_one_state_with_a_reason(over, is_over=True)
    with pytest.raises(AssertionError, match="at the end"):
        invariants.i7_every_row_ends_in_one_state_with_a_reason(night.tables, is_over=True)
    silent = {**night.tables["rows"][0], "state": "done", "outcome": None, "reason": None}
    with pytest.raises(AssertionError, match="no reason"):
        invariants.i7_every_row_ends_in_one_state_with_a_reason({**night.tables, "rows": [silent]}, is_over=True)


def test_i8_no_unmasked_number_on_screen_or_in_logs(night: Night) -> None:
    assert "***" in night.shown
    invariants.i8_no_unmasked_number(night.shown)
    for number in (NUMBERS[0], f"to {NUMBERS[1]}.", NUMBERS[2].removeprefix("+1")):
        with pytest.raises(AssertionError, match="shown"):
            invariants.i8_no_unmasked_number(f"{night.shown}\n{number}")
