"""Refused calls: whom a refusal concerns, and that one which would hit everybody burns no list."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from tests.dialer.conftest import Night, numbers_ending
from tests.dialer.recount import check_counters, tables_of
from trudy.dialer import Breaker, DialEvent, Hours, Plan, Policy, RunResult
from trudy.dialer.refusals import IN_A_ROW, MOST_REFUSALS, Told, alike, is_about, reason_of
from trudy.errors import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    PaymentRequiredError,
    ProviderError,
    TrudyError,
    ValidationError,
)

CAREFUL = Policy(hours=Hours.always(), gap=0)
NUMBERS = [f"+1{212 + index // 100}55501{index % 10:02d}" for index in range(10)]
NUMBERS += [f"+1{area}55501{index:02d}" for area in (312, 313, 415) for index in range(10)]


def fields(*names: str) -> dict[str, Any]:
    return {"errors": [{"field": name, "message": "no"} for name in names]}


@pytest.mark.parametrize(
    ("error", "about"),
    [
        (PaymentRequiredError("x"), "account"),
        (ConfigurationError("x"), "account"),
        (NotFoundError("x"), "campaign"),
        (ConflictError("x"), "campaign"),
        (BadRequestError("x"), "unclear"),
        (ProviderError("x"), "unclear"),
        (ValidationError("x"), "unclear"),
        (ValidationError("x", details=fields("phone_number")), "contact"),
        (ValidationError("x", details=fields("phone_number", "variables.name")), "contact"),
        (ValidationError("x", details=fields("variables.name")), "unclear"),
        (ValidationError("x", details=fields("phone_number", "agent_id")), "campaign"),
        (ValidationError("x", details={"field": "from_number"}), "campaign"),
        (InvalidArgumentError("x", argument="phone_number"), "contact"),
        (InvalidArgumentError("x", argument="agent_id"), "campaign"),
        (InvalidArgumentError("x", argument="variables[name]"), "unclear"),
        (TrudyError("x"), "unclear"),
    ],
)
def test_whom_a_refusal_concerns(error: TrudyError, about: str) -> None:
    assert is_about(error) == about


def test_a_reason_says_what_was_refused() -> None:
    error = ValidationError("+12125550100 is bad", details=fields("agent_id", "from_number"))
    assert reason_of(error) == "HTTP 422: validation_error (agent_id, from_number)"
    assert reason_of(ConfigurationError("x")) == ConfigurationError("x").code


def told(kind: str, row: int | None = None, **data: object) -> Told:
    return Told(kind=kind, row=row, data=data)


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        (told("refused", 1, why="a", error="x"), True),
        (told("not_sent", 1, why="a"), True),
        (told("placed", 1, call_id="c"), False),
        (told("found", 1, call_id="c"), False),
        (told("refused", 1, why="b"), False),
        (told("campaign", to="running", reason=None), False),
        (told("campaign", to="paused", reason="by hand"), True),
        (told("refused", 1, error="the number is bad"), True),
        (told("not_sent", 1, error="rate_limit"), True),
    ],
)
def test_only_equal_refusals_in_a_row_count(before: Told, counts: bool) -> None:
    older = [told("refused", row, why="a") for row in (8, 9)]
    newer = [told("not_sent", 7, why="a")]
    mine = [1] if before.row and before.data.get("why") == "a" else []
    assert alike([*newer, before, *older], "a") == [7, *mine, *([8, 9] if counts else [])]


async def run(night: Night, plan: Plan, **members: object) -> RunResult:
    return await night.dialer.run(plan, confirm=plan.hash, **members)  # type: ignore[arg-type]


@pytest.mark.anyio
@pytest.mark.parametrize("rows", [1, 3, 40])
async def test_a_deleted_agent_pauses_and_everybody_waits(night: Night, rows: int) -> None:
    plan = await night.plan(NUMBERS[:rows], CAREFUL)
    await night.client.agents.delete(night.agent)
    result = await run(night, plan)
    assert (result.state, result.counts) == ("paused", {"waiting": rows})
    assert "were refused alike: HTTP 404" in (result.reason or "")
    assert not night.sandbox.placed_calls


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 422, 501])
async def test_a_refusal_of_everybody_pauses_and_a_later_run_calls_them_all(night: Night, status: int) -> None:
    plan = await night.plan(NUMBERS, CAREFUL)
    refuses = night.sandbox.faults.add(method="POST", path="/calls", status=status)
    result = await run(night, plan)
    assert (result.state, result.counts) == ("paused", {"waiting": len(NUMBERS)})
    assert f"refused alike: HTTP {status}" in (result.reason or "")
    asked = [request for request in night.sandbox.requests if request.method == "POST" and request.path == "/calls"]
    assert len(asked) < IN_A_ROW + CAREFUL.max_live + 1, "it asked on and on"
    night.sandbox.faults.remove(refuses)
    result = await run(night, plan)
    assert (result.state, result.counts) == ("done", {"done": len(NUMBERS)})
    assert len(night.sandbox.placed_calls) == len(NUMBERS)
    check_counters(tables_of(night.folder / "leads.db"))


@pytest.mark.anyio
async def test_numbers_that_the_server_refuses_are_done_and_the_others_called(night: Night) -> None:
    """Eight in a row: each refusal names the number, so none says anything of the campaign."""
    refused = [f"+1{area}55501{index}" for area in (212, 213) for index in range(40, 44)]
    policy = evolve(CAREFUL, breaker=Breaker(of_last=10, failed_share=0.9))
    result = await run(night, await night.plan([*refused, *numbers_ending(0, 1)], policy))
    assert (result.state, result.counts) == ("done", {"done": 10})
    assert len(night.sandbox.placed_calls) == 2


@pytest.mark.anyio
async def test_refusals_count_for_the_breaker_and_are_judged_at_once(night: Night) -> None:
    refused = [f"+1{area}55501{index}" for area in (212, 213, 214) for index in range(40, 50)]
    policy = evolve(CAREFUL, breaker=Breaker(of_last=10), max_live=1)
    result = await run(night, await night.plan(refused, policy))
    assert (result.state, result.reason) == ("paused", "10 of the last 10 attempts failed")
    assert result.counts == {"done": 10, "waiting": 20}


@pytest.mark.anyio
async def test_nobody_is_refused_for_ever(night: Night) -> None:
    numbers = NUMBERS[: IN_A_ROW + 1]
    plan = await night.plan(numbers, evolve(CAREFUL, max_live=1))
    night.sandbox.faults.add(method="POST", path="/calls", status=400)
    events: list[DialEvent] = []
    runs = 0
    while (await run(night, plan, on_event=events.append)).state != "done":
        runs += 1
        assert runs <= MOST_REFUSALS * len(numbers)
    assert len(events) <= MOST_REFUSALS * len(numbers)
    (told,) = [line for line in await night.dialer.why(numbers[0]) if "waits again" in line][:1]
    assert "the cause was none of its own" in told


@pytest.mark.anyio
async def test_a_person_who_was_forgotten_does_not_wait_again(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await night.plan(NUMBERS[:IN_A_ROW], evolve(CAREFUL, max_live=1))
    forgotten: list[int] = []

    async def refuse(**members: object) -> None:
        if not forgotten and night.sandbox.requests[-1].status == 400:
            forgotten.append(await night.dialer.forget(NUMBERS[0]))
        await create(**members)  # type: ignore[arg-type]

    create = night.client.calls.create
    monkeypatch.setattr(night.client.calls, "create", refuse)
    night.sandbox.faults.add(method="POST", path="/calls", status=400)
    assert (await run(night, plan)).counts == {"done": 1, "waiting": IN_A_ROW - 1}
    assert forgotten == [1]


@pytest.mark.anyio
async def test_a_client_that_cannot_send_pauses(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    async def create(**_: object) -> None:
        raise InvalidArgumentError("agent_id must not be empty", argument="agent_id")

    plan = await night.plan(NUMBERS[:3], CAREFUL)
    monkeypatch.setattr(night.client.calls, "create", create)
    result = await run(night, plan)
    assert (result.state, result.counts) == ("paused", {"waiting": 3})
    assert result.reason == "no call can be sent: agent_id must not be empty"


@pytest.mark.anyio
async def test_a_row_that_the_client_refuses_is_done(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    async def create(**_: object) -> None:
        raise InvalidArgumentError("phone_number is one kept for fiction", argument="phone_number")

    plan = await night.plan(NUMBERS[:2], CAREFUL)
    monkeypatch.setattr(night.client.calls, "create", create)
    result = await run(night, plan)
    assert (result.state, result.counts) == ("done", {"done": 2})
