from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.routes.batch_calls.batches import MONDAY, contacts, create, fictional_ending, get, people, start
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio


async def test_a_draft_with_the_documented_defaults(api: Any, agent_id: str) -> None:
    batch = await create(api, agent_id, "+14155550100", "+14155550101")
    number = (await api("GET", f"/agents/{agent_id}")).json()["data"]["outbound_phone_numbers"][0]["phone_number"]
    own = {name: batch.pop(name) for name in ("id", "created_at", "updated_at")}
    assert own["created_at"] == own["updated_at"] == "2025-06-16T14:00:00.000000Z"
    assert batch == {
        "name": "June",
        "status": "draft",
        "agent_id": agent_id,
        "from_number": number,
        "phone_number_ids": None,
        "phone_rotation_strategy": "random",
        "contact_source": "csv",
        "contact_folder_id": None,
        "schedule_type": "immediate",
        "timezone": "UTC",
        "scheduled_at": None,
        "start_time": None,
        "end_time": None,
        "working_days": [1, 2, 3, 4, 5],
        "max_calls_per_day": None,
        "max_concurrent_calls": 10,
        "concurrency": 10,
        "retry_failed": False,
        "max_retry_attempts": 0,
        "retry_attempts": 0,
        "total_contacts": 2,
        "called": 0,
        "completed": 0,
        "failed": 0,
        "pending": 2,
    }


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("draft", {"schedule", "PATCH", "DELETE", "contacts"}),
        ("scheduled", {"pause", "PATCH", "contacts"}),
        ("active", {"pause", "contacts"}),
        ("paused", {"resume", "PATCH", "contacts"}),
        ("completed", set()),
        ("cancelled", {"DELETE"}),
        ("failed", {"DELETE"}),
    ],
)
async def test_what_each_status_allows(
    sandbox: Sandbox, api: Any, agent_id: str, status: str, allowed: set[str]
) -> None:
    async def in_status() -> str:
        batch = await create(api, agent_id, "+14155550100")
        path = f"/batch-calls/{batch['id']}"
        if status != "draft":
            await start(api, batch, scheduled_at="2025-06-16T15:00:00Z" if status == "scheduled" else None)
        if status == "paused":
            await api("POST", f"{path}/pause")
        elif status == "cancelled":
            sandbox.cancel_batch(batch["id"])
        elif status == "completed":
            sandbox.advance(minutes=1)
        elif status == "failed":
            sandbox.payment_required = "insufficient_credits"
            await api("GET", path)
            sandbox.payment_required = None
        assert (await api("GET", path)).json()["data"]["status"] == status
        return path

    for action in ("schedule", "pause", "resume", "PATCH", "DELETE", "contacts"):
        path = await in_status()
        match action:
            case "PATCH":
                answer = await api("PATCH", path, {"name": "July"})
            case "DELETE":
                answer = await api("DELETE", path)
            case "contacts":
                answer = await api("POST", f"{path}/contacts", {"contacts": people("+14155550101")})
            case _:
                answer = await api("POST", f"{path}/{action}")
        if action in allowed:
            assert answer.status_code in (200, 201), answer.text
        else:
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["details"]["field"]) == (
                422,
                "validation_error",
                "status",
            ), action


async def test_update_changes_what_is_sent_and_spreads_anew(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    batch = await create(api, agent_id, *fictional_ending(4), max_concurrent_calls=2)
    path = f"/batch-calls/{batch['id']}"
    await start(api, batch, scheduled_at="2025-06-16T15:00:00Z")
    assert [row["scheduled_at"][11:19] for row in await contacts(api, batch)] == [
        "15:00:00",
        "15:00:00",
        "15:00:30",
        "15:00:30",
    ]
    sandbox.advance(minutes=1)
    changed = (
        await api(
            "PATCH",
            path,
            {
                "name": "July",
                "max_concurrent_calls": 1,
                "scheduled_at": "2025-06-16T16:00:00Z",
                "start_time": "16:00",
                "end_time": "18:00",
                "working_days": [1],
                "max_calls_per_day": 3,
                "retry_failed": True,
                "max_retry_attempts": 1,
                "phone_rotation_strategy": "round_robin",
            },
        )
    ).json()["data"]
    assert changed == (await get(api, batch))
    assert (changed["name"], changed["status"], changed["updated_at"]) == (
        "July",
        "scheduled",
        "2025-06-16T14:01:00.000000Z",
    )
    assert changed["scheduled_at"] == "2025-06-16T16:00:00.000000Z"
    assert [row["scheduled_at"][8:19] for row in await contacts(api, batch)] == [
        "16T16:00:00",
        "16T16:00:30",
        "16T16:01:00",
        "23T16:00:00",
    ]
    back = (await api("PATCH", path, {"max_calls_per_day": None, "max_concurrent_calls": None, "name": None})).json()
    assert (back["data"]["max_calls_per_day"], back["data"]["max_concurrent_calls"]) == (None, 10)
    assert back["data"]["name"] == "July"


async def test_contacts_are_added_once_and_the_rest_is_counted(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    batch = await create(api, agent_id, "+14155550100", "+14155550100")
    assert batch["total_contacts"] == 1
    rows = [*people("+14155550100", "+14155559999"), {"phone_number": "+14155550101", "first_name": "Bo"}]
    added = (await api("POST", f"/batch-calls/{batch['id']}/contacts", {"contacts": rows})).json()["data"]
    assert added == {"added_count": 1, "failed_count": 2}
    listed = await contacts(api, batch)
    assert [(row["phone_number"], row["first_name"]) for row in listed] == [
        ("+14155550100", None),
        ("+14155550101", "Bo"),
    ]


async def test_what_is_known_of_a_contact_fills_the_greeting(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent(greeting="Hi {{first_name}} of {{city}}, {{n}}")
    row = {"phone_number": "+14155550100", "first_name": "Bo", "custom_fields": {"city": "Ulm", "n": 3}}
    batch = (await api("POST", "/batch-calls", {"name": "x", "agent_id": agent["id"], "contacts": [row]})).json()
    await start(api, batch["data"])
    sandbox.advance(minutes=1)
    await get(api, batch["data"])
    (call,) = sandbox.placed_calls
    assert call.variables == {"first_name": "Bo", "city": "Ulm", "n": "3"}
    transcript = (await api("GET", f"/calls/{call.id}/transcript")).json()["data"]["transcript"]
    assert transcript[0]["text"] == "Hi Bo of Ulm, 3"


async def test_stored_contacts_and_folders(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    folder = (await api("POST", "/contacts/folders", {"name": "f"})).json()["data"]["id"]
    stored = [
        (await api("POST", "/contacts", {"phone_number": number, "folder_id": folder, "first_name": "Bo"})).json()[
            "data"
        ]["id"]
        for number in ("+14155550100", "+14155559999")
    ]
    other = (await api("POST", "/contacts", {"phone_number": "+14155550102"})).json()["data"]["id"]
    body = {"name": "x", "agent_id": agent_id, "contact_source": "folder", "contact_folder_id": folder}
    batch = (await api("POST", "/batch-calls", body | {"contact_ids": [other]})).json()["data"]
    assert (batch["contact_source"], batch["total_contacts"]) == ("folder", 3)
    await start(api, batch)
    sandbox.advance(minutes=1)
    rows = await contacts(api, batch)
    assert [row["contact_id"] for row in rows] == [*stored, other]
    # A number that could be somebody's is not called, even from a folder.
    assert [row["call_status"] for row in rows] == ["completed", "failed", "completed"]
    contact = (await api("GET", f"/contacts/{stored[0]}")).json()["data"]
    assert (contact["call_count"], contact["last_call_outcome"]) == (1, "contacted")


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"name": ""}, 422, "name"),
        ({"agent_id": "nobody"}, 404, None),
        ({"phone_number_ids": ["other"]}, 422, "phone_number_ids"),
        ({"phone_number_ids": []}, 422, "phone_number_ids"),
        ({"phone_rotation_strategy": "none"}, 422, "phone_rotation_strategy"),
        ({"contact_source": "folder"}, 422, "contact_folder_id"),
        ({"contact_source": "folder", "contact_folder_id": "x"}, 404, None),
        ({"contact_ids": ["x"]}, 404, None),
        ({"contacts": [{"phone_number": "4155550100"}]}, 422, "contacts.0.phone_number"),
        ({"contacts": [{"first_name": "Bo"}]}, 422, "contacts.0.phone_number"),
        ({"contacts": [{"phone_number": "+14155559999"}]}, 422, "contacts.0.phone_number"),
        ({"schedule_type": "scheduled"}, 422, "scheduled_at"),
        ({"scheduled_at": "tomorrow"}, 422, "scheduled_at"),
        ({"scheduled_at": "9999-12-31T23:59:59Z"}, 422, "scheduled_at"),
        ({"timezone": "Mars/Base"}, 422, "timezone"),
        ({"timezone": "../etc/passwd"}, 422, "timezone"),
        ({"timezone": "America"}, 422, "timezone"),
        ({"start_time": "9:00"}, 422, "start_time"),
        ({"start_time": "24:30"}, 422, "start_time"),
        ({"start_time": "24:00"}, 422, "start_time"),
        ({"end_time": "24:01"}, 422, "end_time"),
        ({"start_time": "09:00", "end_time": "09:00"}, 422, "end_time"),
        ({"working_days": []}, 422, "working_days"),
        ({"working_days": [0]}, 422, "working_days.0"),
        ({"max_calls_per_day": 0}, 422, "max_calls_per_day"),
        ({"max_concurrent_calls": 101}, 422, "max_concurrent_calls"),
        ({"max_concurrent_calls": 5.0}, 422, "max_concurrent_calls"),
        ({"max_retry_attempts": 4}, 422, "max_retry_attempts"),
        ({"retry_failed": "yes"}, 422, "retry_failed"),
    ],
)
async def test_what_is_refused(
    sandbox: Sandbox, api: Any, agent_id: str, change: dict[str, Any], status: int, field: str | None
) -> None:
    answer = await api("POST", "/batch-calls", {"name": "x", "agent_id": agent_id} | change)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["details"].get("field") == field
    assert not len(sandbox.world.state.campaigns)


async def test_scheduling_needs_a_contact_and_a_number(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    empty = await create(api, agent_id)
    answer = await api("POST", f"/batch-calls/{empty['id']}/schedule", {})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "contacts")
    batch = await create(api, agent_id, "+14155550100")
    for body, field in (({"timezone": "x"}, "timezone"), ({"scheduled_at": "x"}, "scheduled_at"), ([], "body")):
        answer = await api("POST", f"/batch-calls/{batch['id']}/schedule", body)
        assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)
    number = (await api("GET", f"/telephony/agents/{agent_id}/numbers")).json()["data"]["outbound"][0]["id"]
    await api("DELETE", f"/telephony/numbers/{number}")
    answer = await api("POST", f"/batch-calls/{batch['id']}/schedule")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_phone_number_configured")
    assert (await get(api, batch))["status"] == "draft"


async def test_lists_and_filters(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    other = (await api.agent(name="Other"))["id"]
    batches = [await create(api, agent, "+14155550100") for agent in (agent_id, other, agent_id)]
    await start(api, batches[0])

    async def ids(query: str) -> list[str]:
        return [row["id"] for row in (await api("GET", f"/batch-calls?{query}")).json()["data"]]

    assert await ids("") == [batch["id"] for batch in reversed(batches)]
    assert await ids(f"agent_id={other}") == [batches[1]["id"]]
    assert await ids("status=active") == [batches[0]["id"]]
    assert await ids(f"status=draft&agent_id={agent_id}") == [batches[2]["id"]]
    assert await ids("limit=1&offset=1") == [batches[1]["id"]]
    faulty = await api("GET", "/batch-calls?status=running")
    assert (faulty.status_code, faulty.json()["error"]["details"]["field"]) == (422, "status")


async def test_delete_and_bulk_delete(api: Any, agent_id: str) -> None:
    drafts = [(await create(api, agent_id, "+14155550100"))["id"] for _ in range(3)]
    running = await create(api, agent_id, "+14155550101")
    await start(api, running)
    answer = await api("DELETE", f"/batch-calls/{drafts[0]}")
    assert (answer.status_code, answer.json()["data"]) == (200, {"id": drafts[0], "deleted": True})
    result = await api("POST", "/batch-calls/bulk-delete", {"ids": [*drafts[1:], drafts[1], running["id"], "nobody"]})
    assert result.json()["data"] == {
        "deleted_count": 2,
        "failed_count": 2,
        "deleted_ids": drafts[1:],
        "failed_ids": [running["id"], "nobody"],
    }
    assert [row["id"] for row in (await api("GET", "/batch-calls")).json()["data"]] == [running["id"]]


async def test_the_key_keeps_a_repeat_from_making_another(api: Any, agent_id: str) -> None:
    body, key = {"name": "x", "agent_id": agent_id}, {"X-Idempotency-Key": "k"}
    first = await api("POST", "/batch-calls", body, headers=key)
    assert (await api("POST", "/batch-calls", body, headers=key)).content == first.content


async def test_unknown_batches_are_not_found(api: Any) -> None:
    rows = {"contacts": people("+14155550100")}
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/schedule", {}),
        ("POST", "/pause", None),
        ("POST", "/resume", None),
        ("GET", "/contacts", None),
        ("POST", "/contacts", rows),
        ("GET", "/analytics", None),
    ):
        answer = await api(method, f"/batch-calls/nobody{path}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_analytics_are_there_where_asked_for(api_of: Any) -> None:
    sandbox = Sandbox(speed=0, start=MONDAY, experimental=True)
    api = api_of(sandbox)
    agent = await api.agent()
    batch = await create(api, agent["id"], "+14155550100", "+14155550110", "+14155550140")
    await start(api, batch)
    sandbox.advance(minutes=2)
    data = (await api("GET", f"/batch-calls/{batch['id']}/analytics")).json()["data"]
    assert data == {
        "batch_call_id": batch["id"],
        "total_contacts": 3,
        "called": 2,
        "completed": 1,
        "failed": 2,
        "pending": 0,
        "calls": 2,
        "end_reasons": {"hangup": 1, "no_answer": 1},
        "talk_seconds": 24,
        "cost_credits": 1.0,
    }
    plain = api_of(Sandbox(speed=0, start=MONDAY))
    agent = await plain.agent()
    batch = await create(plain, agent["id"])
    assert (await plain("GET", f"/batch-calls/{batch['id']}/analytics")).status_code == 404


async def test_only_a_batch_that_goes_on_can_be_cancelled(sandbox: Sandbox, api: Any, agent_id: str) -> None:
    batch = await create(api, agent_id, "+14155550100")
    sandbox.cancel_batch(batch["id"])
    for batch_id in (batch["id"], "nobody"):
        with pytest.raises(LookupError, match="no such batch"):
            sandbox.cancel_batch(batch_id)
