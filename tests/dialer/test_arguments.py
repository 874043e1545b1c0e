"""Bad input: each public thing of the dialer names the argument, before anything is read, sent or written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dialer.conftest import Night, numbers_ending
from tests.dialer.test_dialer import ONCE
from trudy import InvalidArgumentError, TrudyClient
from trudy.dialer import (
    Attempts,
    Breaker,
    CallBack,
    Columns,
    Dialer,
    Final,
    Hours,
    Later,
    Policy,
    Retry,
    RetryAfter,
    Skip,
)

ROW = {"phone": "+12125550100", "name": "Al"}


@pytest.mark.parametrize(
    ("make", "members", "argument"),
    [
        (Policy, {"hours": "9-5"}, "hours"),
        (Policy, {"hours": None}, "hours"),
        (Policy, {"max_live": 0}, "max_live"),
        (Policy, {"max_live": True}, "max_live"),
        (Policy, {"gap": -1}, "gap"),
        (Policy, {"max_calls": 0}, "max_calls"),
        (Policy, {"max_spend": 1}, "price"),
        (Policy, {"max_spend": float("nan"), "price": 1}, "max_spend"),
        (Policy, {"attempts": 3}, "attempts"),
        (Policy, {"retry": 5}, "retry"),
        (Policy, {"retry": {"buzy": None}}, "retry"),
        (Policy, {"retry": {"busy": 5}}, "retry['busy']"),
        (Policy, {"countries": "US"}, "countries"),
        (Policy, {"countries": {"us"}}, "countries"),
        (Policy, {"countries": {"USA"}}, "countries"),
        (Policy, {"countries": {1}}, "countries"),
        (Policy, {"countries": 1}, "countries"),
        (Policy, {"kinds": "mobile"}, "kinds"),
        (Policy, {"retry": {"opted_out": RetryAfter()}}, "retry"),
        (Policy, {"kinds": {"cell"}}, "kinds"),
        (Policy, {"kinds": {"mobile", "emergency"}}, "kinds"),
        (Policy, {"kinds": {"short"}}, "kinds"),
        (Policy, {"caller_ids": ["+12125550100"]}, "caller_ids"),
        (Policy, {"caller_ids": {"2125550100": 5}}, "caller_ids"),
        (Policy, {"caller_ids": {"+12125550100": 0}}, "caller_ids"),
        (Policy, {"breaker": 0.3}, "breaker"),
        (Policy, {"unresolved_after": 0}, "unresolved_after"),
        (Policy, {"on_unresolved": "again"}, "on_unresolved"),
        (Hours, {"start": "10:00"}, "hours"),
        (Hours, {"start": None}, "hours"),
        (Hours, {"end": 18}, "hours"),
        (Hours, {"start": time(10, tzinfo=UTC)}, "hours"),
        (Hours, {"start": time(18), "end": time(9)}, "hours"),
        (Hours, {"days": {8}}, "hours.days"),
        (Hours, {"days": "Mon"}, "hours.days"),
        (Hours, {"days": frozenset()}, "hours.days"),
        (Hours, {"days": 5}, "hours.days"),
        (Hours, {"days": {"Mon"}}, "hours.days"),
        (Hours, {"days": {1, "Mon"}}, "hours.days"),
        (Hours, {"holidays": "no"}, "hours.holidays"),
        (Hours, {"anytime": 1}, "hours.anytime"),
        (Hours, {"by_region": 5}, "hours.by_region"),
        (Hours, {"by_region": {"Florida": Hours()}}, "hours"),
        (Hours, {"by_region": {"US-FL": 5}}, "hours.by_region['US-FL']"),
        (Attempts, {"a_day": 0}, "attempts.a_day"),
        (Attempts, {"in_30_days": None}, "attempts.in_30_days"),
        (Breaker, {"failed_share": 30}, "breaker.failed_share"),
        (Breaker, {"of_last": 0}, "breaker.of_last"),
        (Breaker, {"short_calls": 1.5}, "breaker.short_calls"),
        (Breaker, {"shorter_than": -1}, "breaker.shorter_than"),
        (RetryAfter, {"seconds": timedelta(hours=1)}, "retry.seconds"),
        (RetryAfter, {"most": 0}, "retry.most"),
        (Columns, {"number": 5}, "columns.number"),
        (Columns, {"timezone": ""}, "columns.timezone"),
        (Columns, {"variables": "name"}, "columns.variables"),
        (Columns, {"variables": {"name": 5}}, "columns.variables['name']"),
        (Retry, {"after": "soon"}, "after"),
        (Retry, {"after": -1}, "after"),
        (CallBack, {"at": date(2026, 6, 5)}, "at"),
        (Later, {"when": datetime(2026, 6, 5)}, "when"),  # noqa: DTZ001
        (Skip, {"reason": ""}, "reason"),
        (Final, {"reason": 5}, "reason"),
    ],
)
def test_a_value_names_what_is_wrong(make: Callable[..., object], members: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        make(**members)
    assert refused.value.argument == argument
    assert argument in str(refused.value)


def test_hours_in_which_no_call_could_begin_are_refused() -> None:
    for start, end in ((time(10), time(10, 2)), (time(23, 58), None), (time(0), time(0, 2, 59))):
        with pytest.raises(InvalidArgumentError, match="three minutes") as refused:
            Hours(start=start, end=end)
        assert refused.value.argument == "hours"
    assert Hours(start=time(10), end=time(10, 3)).end == time(10, 3)
    assert Hours(start=time(23, 56), end=None).end is None


def test_what_a_policy_was_made_of_may_change() -> None:
    callers, retry = {"+14155550100": 5}, {"busy": RetryAfter()}
    places = {"US-FL": Hours(end=time(17))}
    policy = Policy(caller_ids=callers, retry=retry, hours=Hours(by_region=places))  # type: ignore[arg-type]
    callers["+14155550100"], retry["busy"] = 500, RetryAfter(most=9)
    places.clear()
    assert (policy.caller_ids, policy.retry) == ({"+14155550100": 5}, {"busy": RetryAfter()})
    assert policy.hours.by_region == {"US-FL": Hours(end=time(17))}


def test_lists_become_sets() -> None:
    policy = Policy(countries=["US"], kinds=["mobile"], hours=Hours(days=[1, 2]))
    assert policy == Policy(countries={"US"}, kinds={"mobile"}, hours=Hours(days={2, 1}))
    assert (policy.countries, policy.hours.days) == (frozenset({"US"}), frozenset({1, 2}))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "members", "argument"),
    [
        ("plan", {"source": None}, "source"),
        ("plan", {"source": ["+12125550100"]}, "source"),
        ("plan", {"source": []}, None),
        ("plan", {"agent": None}, "agent"),
        ("plan", {"agent": ""}, "agent"),
        ("plan", {"consent": ""}, "consent"),
        ("plan", {"consent": 5}, "consent"),
        ("plan", {"policy": "careful"}, "policy"),
        ("plan", {"region": "USA"}, "region"),
        ("plan", {"region": "us"}, "region"),
        ("plan", {"columns": "phone"}, "columns"),
        ("plan", {"columns": Columns(number="Mobile")}, "columns"),
        ("plan", {"canary": 0}, "canary"),
        ("plan", {"only_to": 5}, "only_to"),
        ("plan", {"only_to": [{"phone": "x"}]}, "only_to"),
        ("plan", {"rejects": 5}, "rejects"),
        ("run", {"plan": None}, "plan"),
        ("run", {"confirm": None}, "confirm"),
        ("run", {"on_event": 5}, "on_event"),
        ("run", {"should_dial": "yes"}, "should_dial"),
        ("run", {"classify": None}, "classify"),
        ("run", {"on_outcome": 5}, "on_outcome"),
        ("run", {"confirmed_by": ""}, "confirmed_by"),
        ("pause", {"campaign": None}, "campaign"),
        ("pause", {"campaign": "nonsense"}, "campaign"),
        ("pause", {"reason": 5}, "reason"),
        ("resume", {"campaign": 5}, "campaign"),
        ("stop", {"campaign": ""}, "campaign"),
        ("status", {"campaign": ROW}, "campaign"),
        ("why", {"number": 12125550100}, "number"),
        ("why", {"number": None}, "number"),
        ("forget", {"number": ""}, "number"),
        ("resolve", {"who": 999, "called": True}, "who"),
        ("resolve", {"who": True, "called": True}, "who"),
        ("resolve", {"who": None, "called": True}, "who"),
        ("resolve", {"who": 1, "called": "no"}, "called"),
        ("resolve", {"who": 1, "called": True, "reason": ""}, "reason"),
        ("export", {"campaign": 5}, "campaign"),
        ("export", {"path": 5}, "path"),
        ("export", {"path": ""}, "path"),
        ("dnc.add", {"": "abc"}, "number"),
        ("dnc.add", {"": "+12125550100", "source": 5}, "source"),
        ("dnc.remove", {"number": 5}, "number"),
        ("dnc.import_file", {"path": None}, "path"),
    ],
)
async def test_a_method_names_what_is_wrong(
    night: Night, method: str, members: dict[str, Any], argument: str | None
) -> None:
    plan = await night.plan(numbers_ending(0), ONCE)
    given: dict[str, dict[str, Any]] = {
        "plan": {"source": [ROW], "agent": night.agent, "consent": "form", "region": "US", "rejects": None},
        "run": {"plan": plan, "confirm": plan.hash},
        "pause": {"campaign": plan.campaign},
        "export": {"campaign": plan.campaign, "path": night.folder / "results.csv"},
    }
    values = {**given.get(method, {}), **members}
    positional = [values.pop("")] if "" in values else []
    asked = len(night.sandbox.requests)
    act: Any = night.dialer
    for name in method.split("."):
        act = getattr(act, name)
    if argument is None:
        await act(*positional, **values)
        return
    with pytest.raises(InvalidArgumentError) as refused:
        await act(*positional, **values)
    assert refused.value.argument == argument
    assert argument in str(refused.value)
    assert "2125550100" not in str(refused.value)
    assert len(night.sandbox.requests) <= asked + (method == "plan"), "only the agent may be read"
    assert (await night.dialer.status(plan.campaign)).state == "planned"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("members", "argument"),
    [
        ({"client": None}, "client"),
        ({"store": None}, "store"),
        ({"store": 5}, "store"),
        ({"store": ""}, "store"),
        ({"region": "America"}, "region"),
    ],
)
async def test_a_dialer_names_what_is_wrong(night: Night, members: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        Dialer(**{"client": night.client, "store": night.folder / "a.db", **members})
    assert refused.value.argument == argument


def test_a_sync_client_is_told_of_the_sync_dialer(tmp_path: Path) -> None:
    client: Any
    with TrudyClient(api_key="x") as client, pytest.raises(InvalidArgumentError, match="SyncDialer"):
        Dialer(client, store=tmp_path / "leads.db")


@pytest.mark.anyio
@pytest.mark.parametrize("hook", ["should_dial", "classify", "on_outcome"])
@pytest.mark.parametrize("answer", [False, True, "skip", 5])
async def test_a_hook_that_gives_something_else_is_named(night: Night, hook: str, answer: object) -> None:
    """Above all `False` from `should_dial` calls nobody."""
    plan = await night.plan(numbers_ending(0), ONCE)
    members: dict[str, Any] = {hook: lambda *_: answer}
    with pytest.raises(InvalidArgumentError, match=f"{hook} must give") as refused:
        await night.dialer.run(plan, confirm=plan.hash, **members)
    assert refused.value.argument == hook
    assert bool(night.sandbox.placed_calls) == (hook != "should_dial")


@pytest.mark.anyio
async def test_an_agent_that_was_changed_since_the_plan_is_not_called_with(night: Night) -> None:
    plan = await night.plan(numbers_ending(0), ONCE)
    await night.sandbox.clock.sleep(5)
    await night.client.agents.update(night.agent, system_prompt="Sell {{name}} something else.")
    with pytest.raises(InvalidArgumentError, match="changed since") as refused:
        await night.dialer.run(plan, confirm=plan.hash)
    assert refused.value.argument == "plan"
    assert not night.sandbox.placed_calls
