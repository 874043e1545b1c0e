"""What a plan says, what its hash covers, and where the rows went that nobody is called for."""

from __future__ import annotations

import csv
import inspect
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest
from attrs import evolve

from tests.dialer.conftest import START, Night, numbers_ending
from trudy import InvalidArgumentError
from trudy.dialer import Columns, Dialer, Hours, Plan, Policy

pytestmark = pytest.mark.anyio
ONCE = Policy(hours=Hours.always(), gap=0)


async def plan_of(night: Night, rows: object, **members: object) -> Plan:
    given: dict[str, object] = {"consent": "web form", "region": "US", "policy": ONCE, **members}
    return await night.dialer.plan(
        rows,  # type: ignore[arg-type]
        agent=night.agent,
        rejects=night.folder / "rejects.csv",
        **given,  # type: ignore[arg-type]
    )


def rejects(night: Night) -> list[dict[str, str]]:
    with (night.folder / "rejects.csv").open() as file:
        return list(csv.DictReader(file))


async def test_the_plan_says_what_it_found(night: Night) -> None:
    rows = [
        {"phone": "+12125550100", "name": "Al", "consent": "form"},
        {"phone": "+12125550100", "name": "Al", "consent": "form"},
        {"phone": "1.41555E+10", "name": "Bo", "consent": "form"},
        {"phone": "+12125550101", "name": "", "consent": "form"},
        {"phone": "+12125550102", "name": "Cy", "consent": "no"},
        {"phone": "+442079460000", "name": "Di", "consent": "form"},
        {"phone": "+13125550103", "name": "Ed", "consent": "form"},
        {"phone": "14155550104", "name": "Fe", "consent": "form", "tz": "Mars/Base"},
        {"phone": "442079460001", "name": "Gi", "consent": "form"},
        {"phone": 14155550105, "name": "Ho", "consent": "form"},
    ]
    await night.dialer.dnc.add("+13125550103")
    plan = await plan_of(night, [{"tz": "", **row} for row in rows], consent=None)
    assert plan.counts == {
        "waiting": 1,
        "duplicate: in_file": 1,
        "suppressed: do_not_call": 1,
        "rejected: scientific_notation": 1,
        "rejected: no_name": 1,
        "rejected: no_consent": 1,
        "rejected: country": 1,
        "rejected: timezone": 1,
        "rejected: lost_plus": 1,
        "rejected: number_as_int": 1,
    }
    assert (plan.rows, plan.waiting, plan.rejected, plan.duplicates, plan.suppressed) == (10, 1, 7, 1, 1)
    assert [(row["line"], row["reason"], row["phone"]) for row in rejects(night)] == [
        ("3", "scientific_notation", "1.41555E+10"),
        ("4", "no_name", "+12125550101"),
        ("5", "no_consent", "+12125550102"),
        ("6", "country", "+442079460000"),
        ("8", "timezone", "14155550104"),
        ("9", "lost_plus", "442079460001"),
        ("10", "number_as_int", "14155550105"),
    ]
    assert all(row["hint"] for row in rejects(night))


async def test_the_summary(night: Night) -> None:
    policy = Policy(max_live=2, price=0.5, max_spend=40)
    rows = [{"phone": f"+1212555{index:04d}", "name": "Al"} for index in range(60)]
    rows += [{"phone": "+14155550100", "name": "Bo"}, {"phone": "", "name": "Cy"}]
    plan = await plan_of(night, rows, policy=policy, canary=20)
    lines = plan.summary().splitlines()
    assert lines[1:4] == ["  rows         62", "  to call      61", "  rejected     1 (empty 1)"]
    assert lines[4:] == [
        "  columns      number=phone",
        "  hours        1 in America/Los_Angeles: open Fri 2026-06-05 17:00 UTC",
        "  hours        60 in America/New_York: open Fri 2026-06-05 16:00 UTC",
        "  requests     about 100 for one attempt each",
        "  ends         about Fri 2026-06-05 16:10 UTC with one attempt each",
        "  cost         10.00 to 30.00",
        "  canary       pauses after 20 calls",
        f"  see          {night.folder / 'rejects.csv'}",
    ]
    assert "  cost         5.00" in evolve(plan, cost=(5, 5)).summary().splitlines()
    assert "555" not in plan.summary().replace(str(night.folder), "").replace(plan.campaign, "").replace(
        plan.hash[:12], ""
    )


async def test_unknown_zones_are_told(night: Night) -> None:
    policy = Policy(kinds=frozenset({"toll_free", "fixed_line_or_mobile"}))
    plan = await plan_of(night, [{"phone": "+18005550100", "name": "Al"}], policy=policy)
    assert plan.unknown_zones == 1
    assert plan.openings == {"": (1, None)}
    assert plan.ends_at is None
    assert "1 in unknown zones: held" in plan.summary()


async def test_a_zone_or_region_column_wins_over_the_number(night: Night) -> None:
    rows = [
        {"phone": "+12125550100", "name": "Al", "timezone": "America/Chicago", "state": "CA"},
        {"phone": "+12125550101", "name": "Bo", "timezone": "", "state": "California"},
        {"phone": "+12125550102", "name": "Cy", "timezone": "", "state": "US-TX"},
        {"phone": "+12125550103", "name": "Di", "timezone": "", "state": "nowhere"},
    ]
    plan = await plan_of(night, rows, policy=Policy())
    assert {zones: count for zones, (count, _) in plan.openings.items()} == {
        "America/Chicago": 1,
        "America/Los_Angeles": 1,
        "America/Chicago, America/Denver": 1,
        "America/New_York": 1,
    }


@pytest.mark.parametrize(
    ("number", "region", "reason"),
    [
        ("+18005550100", "US", "kind_toll_free"),
        ("+19005550100", "US", "kind_premium"),
        ("+611300123456", "AU", "kind_shared_cost"),
        ("+442079460000", "US", "country"),
        ("911", "US", "emergency"),
        ("12345", "US", "short"),
    ],
)
async def test_whom_nobody_calls(night: Night, number: str, region: str, reason: str) -> None:
    plan = await plan_of(night, [{"phone": number, "name": "Al"}], region=region)
    assert plan.counts == {f"rejected: {reason}": 1}


async def test_the_countries_are_that_of_the_region_unless_named(night: Night) -> None:
    rows = [{"phone": "+442079460000", "name": "Al"}, {"phone": "+12125550100", "name": "Bo"}]
    assert (await plan_of(night, rows, region="GB")).counts == {"waiting": 1, "rejected: country": 1}
    both = Policy(hours=Hours.always(), countries=frozenset({"US", "GB"}))
    assert (await plan_of(night, rows[::-1], policy=both)).waiting == 1, "the other is in an open campaign"


def test_the_words_of_plan_and_policy() -> None:
    plan = inspect.signature(Dialer.plan).parameters
    assert {"source", "agent", "consent", "policy", "region", "columns", "only_to", "canary"} <= plan.keys()
    assert list(inspect.signature(Policy).parameters) == [
        "hours", "max_live", "gap", "max_calls", "max_spend", "price", "attempts", "retry", "countries", "kinds",
        "caller_ids", "breaker", "unresolved_after", "on_unresolved",
    ]  # fmt: skip


async def test_the_same_script_gives_the_same_campaign_and_no_duplicates(night: Night) -> None:
    first = await night.plan(numbers_ending(0, 1), ONCE)
    again = await night.plan(numbers_ending(0, 1), ONCE, canary=1, only_to=[{"phone": numbers_ending(0)[0]}])
    assert (again.campaign, again.hash, again.counts) == (first.campaign, first.hash, {"waiting": 2})
    assert len(await night.dialer.store.campaigns()) == 1


ROW = {"phone": "+12125550100", "name": "Al", "state": "NY", "priority": "1"}


@pytest.mark.parametrize(
    ("row", "members"),
    [
        ({"phone": "+12125550101"}, {}),
        ({"name": "Bo"}, {}),
        ({"state": "CA"}, {}),
        ({"priority": "2"}, {}),
        ({}, {"consent": "paper"}),
        ({}, {"policy": Policy(hours=Hours.always(), gap=1)}),
    ],
)
async def test_the_hash_covers(night: Night, row: Mapping[str, str], members: Mapping[str, object]) -> None:
    first = await plan_of(night, [ROW])
    assert (await plan_of(night, [{**ROW, **row}], **members)).hash != first.hash


async def test_the_hash_covers_the_agent(night: Night) -> None:
    first = await plan_of(night, [ROW])
    await night.client.agents.update(night.agent, system_prompt="Thank {{name}}.")
    assert (await plan_of(night, [ROW])).hash != first.hash


async def test_a_spelling_of_the_same_number_is_the_same_row(night: Night) -> None:
    first = await plan_of(night, [ROW])
    assert (await plan_of(night, [{**ROW, "phone": "(212) 555-0100"}])).hash == first.hash


async def test_earlier_campaigns_keep_a_number_while_open_and_for_thirty_days(night: Night) -> None:
    (number,) = numbers_ending(0)
    first = await night.plan([number], ONCE)
    assert (await night.plan([number, *numbers_ending(0, 1)[1:]], ONCE)).counts["duplicate: earlier_campaign"] == 1
    await night.dialer.run(first, confirm=first.hash)
    third = await night.plan([number], Policy(hours=Hours.always(), gap=0, max_live=3))
    assert third.counts == {"duplicate: earlier_campaign": 1}
    night.sandbox.advance(hours=31 * 24)
    later = await night.plan([number], Policy(hours=Hours.always(), gap=0, max_live=4))
    assert later.counts == {"waiting": 1}


async def test_plans_that_nobody_ran_can_give_way(night: Night) -> None:
    one, other = numbers_ending(0, 1)
    ran = await night.plan([one], ONCE)
    await night.dialer.run(ran, confirm=ran.hash)
    unused = await night.plan([other], ONCE)
    apart = await night.plan(numbers_ending(0, 1, 2)[2:], ONCE)
    both = await night.plan([one, other], ONCE)
    assert both.counts == {"duplicate: earlier_campaign": 2}
    store = night.dialer.store
    assert await store.drop_rival_plans(both.campaign) == [unused.campaign]
    assert {each.id for each in await store.campaigns()} == {ran.campaign, apart.campaign}
    with pytest.raises(InvalidArgumentError, match="no such campaign"):
        await night.dialer.run(unused, confirm=unused.hash)
    again = await night.plan([one, other], ONCE)
    assert again.counts == {"duplicate: earlier_campaign": 1, "waiting": 1}
    assert await store.drop_rival_plans(again.campaign) == ()
    assert (await night.dialer.run(again, confirm=again.hash)).state == "done"


async def test_columns_are_guessed_and_shown_or_named(night: Night) -> None:
    await night.client.agents.update(night.agent, system_prompt="Greet {{first_name}} of {{state}}.")
    rows = [{"Mobile Phone": "+12125550100", "First Name": "Al", "State": "NY"}]
    with pytest.raises(InvalidArgumentError, match="columns"):
        await plan_of(night, rows, columns=Columns(number="Phone"))
    with pytest.raises(InvalidArgumentError, match="variables"):
        await plan_of(night, rows, columns=Columns(variables={"first_name": "Vorname"}))
    plan = await plan_of(night, rows)
    assert "number=Mobile Phone, region=State, first_name=First Name, state=State" in plan.summary()
    (row,) = await night.dialer.store.due(plan.campaign, 0, night.dialer.now(), 5)
    assert (row.variables["first_name"], row.variables["state"]) == ("Al", "NY")


async def test_a_row_with_surplus_cells_is_rejected(night: Night) -> None:
    path = night.folder / "leads.csv"
    path.write_text("name,phone\nDoe, John,+12125550100\nAl,+12125550101\nBo\n")
    plan = await plan_of(night, path)
    assert plan.counts == {"waiting": 1, "rejected: surplus_cells": 1, "rejected: empty": 1}
    first, second = rejects(night)
    assert (first["line"], first["phone"], first["(other cells)"]) == ("2", " John", "")
    assert (second["line"], second["name"], second["phone"]) == ("4", "Bo", "")


async def test_nothing_of_a_failed_plan_stays(night: Night) -> None:
    async def breaks() -> AsyncIterator[dict[str, str]]:
        yield ROW
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await plan_of(night, breaks())
    assert await night.dialer.store.campaigns() == []


async def test_nobody_in_the_source_is_a_plan_for_nobody(night: Night) -> None:
    plan = await plan_of(night, [])
    assert (plan.rows, plan.ends_at, plan.cost) == (0, None, None)
    assert (await night.dialer.run(plan, confirm=plan.hash)).state == "done"


def test_start_is_a_friday() -> None:
    assert datetime.fromtimestamp(START, UTC).isoformat() == "2026-06-05T16:00:00+00:00"


@pytest.mark.parametrize(
    ("cell", "agrees"),
    [
        ("yes", True), ("web form 2026-05", True), ("1", True), ("opt-in", True), ("TRUE", True),
        ("no objection", True),
        ("", False), (" No ", False), (False, False), (0, False), ("N/A", False), ("opt-out", False),
        ("Opted Out", False),
        ("off", False), ("revoked", False), ("?", False), (None, False), ("-", False),
    ],
)  # fmt: skip
async def test_what_a_column_of_consent_says(night: Night, cell: object, agrees: bool) -> None:
    rows = [{"phone": "+12125550100", "name": "A", "consent": cell}]
    plan = await night.dialer.plan(rows, agent=night.agent, consent=None, region="US", rejects=None)
    assert plan.counts == ({"waiting": 1} if agrees else {"rejected: no_consent": 1})
