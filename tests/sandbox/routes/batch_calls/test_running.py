"""Batches that run: when each contact is called, and how the batch ends."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.sandbox.routes.batch_calls.batches import DAILY, MONDAY, contacts, create, fictional_ending, get, start
from trudy.sandbox import Sandbox
from trudy.sandbox.domain.campaign import RETRY_SECONDS

pytestmark = pytest.mark.asyncio


async def test_a_whole_campaign(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    batch = await create(api, agent_id, "+14155550100", "+14155550110", max_concurrent_calls=1)
    change = await start(api, batch)
    assert change == {
        "id": batch["id"],
        "status": "scheduled",
        "scheduled_at": "2025-06-16T14:00:00.000000Z",
        "timezone": "UTC",
    }
    assert (await get(api, batch))["status"] == "active"
    first, second = await contacts(api, batch)
    assert (first["call_status"], first["called_at"], first["scheduled_at"]) == (
        "in_progress",
        "2025-06-16T14:00:00.000000Z",
        None,
    )
    assert (second["call_status"], second["call_id"], second["scheduled_at"]) == (
        "scheduled",
        None,
        "2025-06-16T14:00:30.000000Z",
    )
    sandbox.advance(minutes=5)
    done = await get(api, batch)
    assert (done["status"], done["called"], done["completed"], done["failed"], done["pending"]) == (
        "completed",
        2,
        1,
        1,
        0,
    )
    # 30 s after the first; it rang for 30 s.
    assert done["updated_at"] == "2025-06-16T14:01:01.000000Z"
    calls = (await api("GET", "/calls")).json()["data"]
    assert [call["to"] for call in calls] == ["+14155550110", "+14155550100"]
    assert calls[1]["metadata"] == {"campaign_id": batch["id"], "contact_id": first["contact_id"]}
    assert calls[1]["id"] == first["call_id"]
    assert (await api("GET", f"/calls/{first['call_id']}/transcript")).status_code == 200
    assert [call.to for call in sandbox.calls_to("+14155550110")] == ["+14155550110"]
    assert [row["call_status"] for row in await contacts(api, batch, "status=failed")] == ["failed"]


async def test_it_waits_for_its_days_and_hours_in_its_zone(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    batch = await create(
        api,
        agent_id,
        "+14155550100",
        "+14155550101",
        timezone="America/New_York",
        start_time="09:00",
        end_time="09:01",
        working_days=[2, 4],
        max_calls_per_day=1,
    )
    await start(api, batch)
    assert (await get(api, batch))["status"] == "active"
    sandbox.advance(hours=24 * 7)
    assert [row["called_at"] for row in await contacts(api, batch)] == [
        "2025-06-17T13:00:00.000000Z",
        "2025-06-19T13:00:00.000000Z",
    ]


@pytest.mark.parametrize(
    ("begin", "end", "called"),
    [
        # With one call at a time, in waves of 30 s, from 14:00 on.
        ("23:59", "00:00", ["16T23:59:00", "16T23:59:30", "17T23:59:00", "17T23:59:30"]),
        ("23:59", "24:00", ["16T23:59:00", "16T23:59:30", "17T23:59:00", "17T23:59:30"]),
        ("23:59", "00:01", ["16T23:59:00", "16T23:59:30", "17T00:00:00", "17T00:00:30"]),
        ("00:00", "00:00", ["16T14:00:00", "16T14:00:30", "16T14:01:00", "16T14:01:30"]),
        (None, "00:01", ["17T00:00:00", "17T00:00:30", "18T00:00:00", "18T00:00:30"]),
    ],
)
async def test_hours_until_midnight_and_over_it(
    sandbox: Sandbox, api: Any, agent_id: str, begin: str | None, end: str, called: list[str]
) -> None:
    numbers = [f"+1415555010{lane}" for lane in range(4)]
    batch = await create(api, agent_id, *numbers, max_concurrent_calls=1, start_time=begin, end_time=end)
    await start(api, batch)
    shown = await get(api, batch)
    assert (shown["start_time"], shown["end_time"]) == (begin, end)
    sandbox.advance(hours=72)
    assert [row["called_at"] for row in await contacts(api, batch)] == [f"2025-06-{text}.000000Z" for text in called]


async def test_a_campaign_of_two_days_and_a_thousand_contacts(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    numbers = fictional_ending(1000)
    begin = time.perf_counter()
    batch = await create(
        api,
        agent_id,
        *numbers,
        timezone="America/New_York",
        start_time="09:00",
        end_time="17:30",
        max_calls_per_day=500,
        max_concurrent_calls=7,
    )
    await start(api, batch)
    sandbox.advance(hours=48)
    done = await get(api, batch)
    seconds = time.perf_counter() - begin
    assert (done["status"], done["completed"]) == ("completed", 1000)
    assert seconds < 10
    sandbox.assert_no_number_dialed_twice()
    assert sandbox.max_concurrent_calls == 7
    walls = [datetime.fromtimestamp(call.created_at, ZoneInfo("America/New_York")) for call in sandbox.placed_calls]
    assert Counter(wall.date().isoformat() for wall in walls) == {"2025-06-16": 500, "2025-06-17": 500}
    assert all("09:00" <= wall.strftime("%H:%M") < "17:30" for wall in walls)
    listed = (await api("GET", "/calls?status=completed&limit=1")).json()["pagination"]
    assert listed["total"] == 1000


async def test_two_runs_make_the_same_calls(api_of: Any) -> None:
    async def story() -> list[tuple[str, float, str]]:
        sandbox = Sandbox(speed=0, start=MONDAY, seed=3)
        api = api_of(sandbox)
        agent = await api.agent()
        numbers = [f"+1415555{100 + nn:04d}" for nn in range(100)]
        batch = await create(api, agent["id"], *numbers, retry_failed=True, max_retry_attempts=2, **DAILY)
        await start(api, batch)
        sandbox.advance(hours=24)
        return [(call.to, call.created_at, call.outcome.value) for call in sandbox.placed_calls]

    assert await story() == await story()


async def test_what_the_numbers_force(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    numbers = {
        "00": "completed",
        "10": "failed",
        "20": "failed",
        "30": "completed",
        "40": "failed",
        "50": "failed",
        "70": "completed",
        "80": "completed",
        "90": "completed",
        "91": "completed",
        "92": "completed",
        "93": "completed",
        "97": "failed",
        "98": "failed",
    }
    batch = await create(api, agent_id, *(f"+141555501{nn}" for nn in numbers), max_concurrent_calls=100)
    await start(api, batch)
    sandbox.advance(hours=2)
    rows = await contacts(api, batch)
    assert {row["phone_number"][-2:]: row["call_status"] for row in rows} == numbers
    assert {row["phone_number"][-2:] for row in rows if row["call_id"] is None} == {"40", "97", "98"}
    # 90 was put off to the next minute; what goes wrong with the answers to 91 to 93 is nothing to a batch.
    called = {row["phone_number"][-2:]: row["called_at"][11:19] for row in rows if row["called_at"]}
    assert {nn for nn, moment in called.items() if moment != "14:00:00"} == {"90"}
    assert called["90"] == "14:01:00"


async def test_retries_and_the_number_that_answers_the_second_time(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    options = {"retry_failed": True, "max_retry_attempts": 2}
    batch = await create(api, agent_id, "+14155550160", "+14155550110", **options)
    await start(api, batch)
    sandbox.advance(hours=2)
    done = await get(api, batch)
    assert (done["status"], done["called"], done["completed"], done["failed"]) == ("completed", 2, 1, 1)
    assert [len(sandbox.calls_to(number)) for number in ("+14155550160", "+14155550110")] == [2, 3]
    first, second, *_ = sandbox.calls_to("+14155550110")
    assert second.created_at >= first.timeline.ended_at + RETRY_SECONDS


async def test_without_retry_failed_the_attempts_mean_nothing(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    batch = await create(api, agent_id, "+14155550110", max_retry_attempts=3)
    await start(api, batch)
    sandbox.advance(hours=2)
    assert len(sandbox.calls_to("+14155550110")) == 1


async def test_schedule_pause_and_resume(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    batch = await create(api, agent_id, "+14155550100", "+14155550101", max_concurrent_calls=1)
    path = f"/batch-calls/{batch['id']}"
    change = await start(api, batch, scheduled_at="2025-06-16T15:00:00Z", timezone="Europe/Berlin")
    assert (change["scheduled_at"], change["timezone"]) == ("2025-06-16T15:00:00.000000Z", "Europe/Berlin")
    assert (await get(api, batch))["timezone"] == "Europe/Berlin"
    paused = (await api("POST", f"{path}/pause")).json()["data"]
    assert paused == {"id": batch["id"], "status": "paused", "paused_at": "2025-06-16T14:00:00.000000Z"}
    resumed = (await api("POST", f"{path}/resume")).json()["data"]
    assert resumed == {"id": batch["id"], "status": "scheduled", "resumed_at": "2025-06-16T14:00:00.000000Z"}
    sandbox.advance(minutes=60)
    assert (await get(api, batch))["status"] == "active"
    await api("POST", f"{path}/pause")
    sandbox.advance(hours=3)
    assert ((await get(api, batch))["status"], len(sandbox.placed_calls)) == ("paused", 1)
    assert (await api("POST", f"{path}/resume")).json()["data"]["status"] == "active"
    sandbox.advance(minutes=1)
    assert (await get(api, batch))["status"] == "completed"


async def test_without_a_time_in_the_request_it_starts_now(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    now, later = "2025-06-16T14:00:00.000000Z", "2025-06-17T14:00:00.000000Z"
    own = {"schedule_type": "scheduled", "scheduled_at": "2025-06-17T16:00:00+02:00"}
    batches = [await create(api, agent_id, f"+1415555010{index}", **own) for index in range(4)]
    assert batches[0]["scheduled_at"] == later
    assert (await start(api, batches[0]))["scheduled_at"] == now
    assert (await start(api, batches[1], scheduled_at=None))["scheduled_at"] == now
    assert (await start(api, batches[2], scheduled_at="2020-01-01T00:00:00Z"))["scheduled_at"] == now
    assert (await start(api, batches[3], scheduled_at="2025-06-17T14:00:00"))["scheduled_at"] == later
    assert [(await get(api, batch))["scheduled_at"] for batch in batches] == [now, now, now, later]


async def test_without_credit_it_fails(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    batch = await create(api, agent_id, "+14155550100", "+14155550101", max_concurrent_calls=1)
    await start(api, batch)
    await get(api, batch)
    sandbox.payment_required = "insufficient_credits"
    sandbox.advance(minutes=1)
    assert (await get(api, batch))["status"] == "failed"
    assert [row["call_status"] for row in await contacts(api, batch)] == ["completed", "pending"]
    refused = await api("POST", "/batch-calls", {"name": "x", "agent_id": agent_id})
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "payment_required")


async def test_without_its_agent_it_fails(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    batch = await create(api, agent_id, "+14155550100")
    await start(api, batch, scheduled_at="2025-06-16T15:00:00Z")
    await api("DELETE", f"/agents/{agent_id}")
    sandbox.advance(hours=2)
    assert (await get(api, batch))["status"] == "failed"
    assert sandbox.placed_calls == []


@pytest.mark.parametrize(("strategy", "expected"), [("round_robin", "ababab"), ("sequential", "aaabbb")])
async def test_rotation(sandbox: Sandbox, api: Any, agent_id: str, strategy: str, expected: str) -> None:
    first = (await api("GET", f"/telephony/agents/{agent_id}/numbers")).json()["data"]["outbound"][0]
    bought = (await api("POST", "/telephony/numbers/purchase", {"phone_number": "+14155550199"})).json()["data"]["id"]
    assignment = {"number_id": bought, "agent_id": agent_id, "assignment_type": "outbound"}
    await api("POST", "/telephony/numbers/assign", assignment)
    batch = await create(api, agent_id, *fictional_ending(6), phone_rotation_strategy=strategy)
    await start(api, batch)
    await get(api, batch)
    letters = {first["phone_number"]: "a", "+14155550199": "b"}
    assert "".join(letters[call.from_number or ""] for call in sandbox.placed_calls) == expected
    one = await create(api, agent_id, "+12125550100", "+12125550101", phone_number_ids=[bought])
    assert one["from_number"] == "+14155550199"
    await start(api, one)
    await get(api, one)
    assert {call.from_number for call in sandbox.placed_calls[6:]} == {"+14155550199"}


async def test_random_rotation_uses_all_numbers(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    bought = (await api("POST", "/telephony/numbers/purchase", {"phone_number": "+14155550199"})).json()["data"]["id"]
    assignment = {"number_id": bought, "agent_id": agent_id, "assignment_type": "outbound"}
    await api("POST", "/telephony/numbers/assign", assignment)
    batch = await create(api, agent_id, *fictional_ending(40))
    await start(api, batch)
    sandbox.advance(minutes=10)
    assert len({call.from_number for call in sandbox.placed_calls}) == 2
