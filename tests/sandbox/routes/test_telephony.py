from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio

FREE = "+14155550123"
SECRETS = {
    "api_key": "KEY-secret",
    "account_sid": "AC-secret",
    "auth_token": "TOKEN-secret",
    "sip_username": "user-secret",
    "sip_password": "PASS-secret",
    "sip_server": "sip.a.test",
}


async def ok(api: Any, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await api(method, f"/telephony{path}", body)
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


async def refused(api: Any, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = await api(method, f"/telephony{path}", body)
    details = answer.json()["error"]["details"]
    return answer.status_code, details.get("field")


async def buy(api: Any, number: str = FREE) -> str:
    return (await ok(api, "POST", "/numbers/purchase", {"phone_number": number}, 201))["id"]


async def test_from_search_to_a_call(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    found = await ok(api, "POST", "/numbers/search", {"area_code": "415"})
    number = found[0]["phone_number"]
    assert found[0]["phone_number_type"] == "local"
    bought = await ok(api, "POST", "/numbers/purchase", {"phone_number": number}, 201)
    assert bought == {
        "id": bought["id"],
        "number_id": bought["id"],
        "phone_number": number,
        "credential_id": None,
    }
    assert (await ok(api, "POST", "/numbers/search", {"area_code": "415"}))[0]["phone_number"] != number
    body = {"number_id": bought["id"], "agent_id": agent["id"], "assignment_type": "outbound"}
    assigned = await ok(api, "POST", "/numbers/assign", body)
    assert assigned == {
        "number": number,
        "number_id": bought["id"],
        "agent_id": agent["id"],
        "assignment_type": "outbound",
        "assigned_at": "2025-06-15T15:07:00.000000Z",
    }
    assert (await api.call(from_number=number))["from"] == number
    numbers = await ok(api, "GET", f"/agents/{agent['id']}/numbers")
    assert [row["phone_number"] for row in numbers["outbound"]][1:] == [number]
    assert numbers["inbound"] == []
    gone = await ok(api, "POST", "/numbers/unassign", {"number_id": bought["id"], "assignment_type": "outbound"})
    assert (gone["number"], gone["agent_id"], gone["unassigned_at"]) == (
        number,
        None,
        "2025-06-15T15:07:00.000000Z",
    )
    answer = await api(
        "POST", "/calls", {"agent_id": agent["id"], "phone_number": "+14155550100", "from_number": number}
    )
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "from_number")


async def test_search_has_pages_of_its_own(api: Any) -> None:
    answer = (await api("POST", "/telephony/numbers/search", {"area_code": "212"})).json()
    assert len(answer["data"]) == 20
    assert answer["pagination"] == {
        "page": 1,
        "page_size": 20,
        "total_results": 100,
        "total_pages": 5,
        "has_more": True,
    }
    body = {"area_code": "212", "page": 4, "page_size": 30}
    last = (await api("POST", "/telephony/numbers/search", body)).json()
    assert (len(last["data"]), last["pagination"]["has_more"]) == (10, False)
    beyond = (await api("POST", "/telephony/numbers/search", body | {"page": 10**30})).json()
    assert beyond["data"] == []
    for faulty, field in (
        ({"page": 0}, "page"),
        ({"page_size": 101}, "page_size"),
        ({"country_code": 1}, "country_code"),
    ):
        assert await refused(api, "POST", "/numbers/search", faulty) == (422, field)


async def test_what_cannot_be_bought(sandbox: Sandbox, api: Any) -> None:
    await buy(api)
    for number in (FREE, "+14155550200", "+18005550199"):
        assert await refused(api, "POST", "/numbers/purchase", {"phone_number": number}) == (422, "phone_number")
    assert await refused(api, "POST", "/numbers/purchase", {"phone_number": "415"}) == (422, "phone_number")
    sandbox.payment_required = "insufficient_credits"
    assert (await refused(api, "POST", "/numbers/purchase", {"phone_number": "+14155550124"}))[0] == 402
    assert len(await ok(api, "GET", "/numbers")) == 1


@pytest.mark.parametrize(
    ("provider", "names"),
    [
        ("telnyx", ("api_key",)),
        ("twilio", ("api_key",)),
        ("twilio", ("account_sid", "auth_token")),
        ("custom_sip", ("sip_username", "sip_password", "sip_server")),
    ],
)
async def test_imported_numbers(sandbox: Sandbox, api: Any, provider: str, names: tuple[str, ...]) -> None:
    members = {name: SECRETS[name] for name in names}
    body = {"phone_number": "+4915112345678", "provider_type": provider, "friendly_name": "Mine"}
    for name in names:
        lacking = {other: value for other, value in members.items() if other != name}
        status, field = await refused(api, "POST", "/numbers/import", body | lacking)
        assert (status, field) == (422, name if lacking or provider != "twilio" else "account_sid")
    imported = await ok(api, "POST", "/numbers/import", body | members, 201)
    second = await ok(api, "POST", "/numbers/import", body | members | {"phone_number": "+4915112345679"}, 201)
    assert imported["credential_id"] == second["credential_id"]
    (credential,) = await ok(api, "GET", "/credentials")
    assert (credential["id"], credential["provider_type"], credential["friendly_name"]) == (
        imported["credential_id"],
        provider,
        "Mine",
    )
    number = (await ok(api, "GET", "/numbers"))[1]
    assert (number["phone_number"], number["provider_type"], number["is_trudy_managed"]) == (
        "+4915112345678",
        provider,
        False,
    )
    assert await refused(api, "POST", "/numbers/import", body | members) == (422, "phone_number")
    everything = (
        repr([list(sandbox.world.state.numbers), list(sandbox.world.state.credentials)])
        + (await api("GET", "/telephony/numbers")).text
    )
    assert "secret" not in everything


async def test_faulty_imports(api: Any) -> None:
    body = {"phone_number": "+4915112345678", "provider_type": "carrier"} | SECRETS
    assert await refused(api, "POST", "/numbers/import", body) == (422, "provider_type")
    assert await refused(api, "POST", "/numbers/import", body | {"provider_type": None}) == (422, "provider_type")
    assert await refused(api, "POST", "/numbers/import", {"provider_type": "telnyx"}) == (422, "phone_number")


async def test_a_number_serves_one_agent_in_each_direction(api: Any) -> None:
    first, second = await api.agent(), await api.agent()
    number = await buy(api)

    def body(agent: dict[str, Any], direction: str) -> dict[str, str]:
        return {"number_id": number, "agent_id": agent["id"], "assignment_type": direction}

    await ok(api, "POST", "/numbers/assign", body(first, "outbound"))
    await ok(api, "POST", "/numbers/assign", body(first, "outbound"))
    assert await refused(api, "POST", "/numbers/assign", body(second, "outbound")) == (422, "number_id")
    await ok(api, "POST", "/numbers/assign", body(second, "inbound"))
    row = next(row for row in await ok(api, "GET", "/numbers") if row["id"] == number)
    assert (row["status"], row["inbound_agent_id"], row["outbound_agent_id"]) == (
        "assigned",
        second["id"],
        first["id"],
    )
    agent = (await api("GET", f"/agents/{second['id']}")).json()["data"]
    assert agent["inbound_phone_numbers"] == [{"id": number, "phone_number": FREE}]
    assert len((await api("GET", f"/agents/{first['id']}")).json()["data"]["outbound_phone_numbers"]) == 2
    await ok(api, "POST", "/numbers/unassign", {"number_id": number, "assignment_type": "inbound"})
    assert await refused(api, "POST", "/numbers/unassign", {"number_id": number, "assignment_type": "inbound"}) == (
        422,
        "number_id",
    )
    await ok(api, "POST", "/numbers/assign", body(first, "inbound"))


async def test_refused_assignments(api: Any) -> None:
    agent, number = await api.agent(), await buy(api)
    good = {"number_id": number, "agent_id": agent["id"], "assignment_type": "inbound"}
    for change, expected in (
        ({"number_id": "none"}, (404, None)),
        ({"agent_id": "none"}, (404, None)),
        ({"assignment_type": "sideways"}, (422, "assignment_type")),
        ({"agent_id": None}, (422, "agent_id")),
    ):
        assert await refused(api, "POST", "/numbers/assign", good | change) == expected
    assert await refused(api, "POST", "/numbers/unassign", {"number_id": "x", "assignment_type": "inbound"}) == (
        404,
        None,
    )


async def test_a_released_number_serves_nobody_and_is_for_sale_again(api: Any) -> None:
    agent, number = await api.agent(), await buy(api)
    for direction in ("inbound", "outbound"):
        body = {"number_id": number, "agent_id": agent["id"], "assignment_type": direction}
        await ok(api, "POST", "/numbers/assign", body)
    assert await ok(api, "DELETE", f"/numbers/{number}") == {"id": number, "deleted": True}
    numbers = await ok(api, "GET", f"/agents/{agent['id']}/numbers")
    assert (len(numbers["outbound"]), numbers["inbound"]) == (1, [])
    assert await refused(api, "DELETE", f"/numbers/{number}") == (404, None)
    await buy(api)


async def test_what_was_bought_for_an_agent_that_is_gone_is_free(api: Any) -> None:
    agent, number = await api.agent(), await buy(api)
    await ok(
        api,
        "POST",
        "/numbers/assign",
        {"number_id": number, "agent_id": agent["id"], "assignment_type": "inbound"},
    )
    await api("DELETE", f"/agents/{agent['id']}")
    (row,) = await ok(api, "GET", "/numbers")
    assert (row["id"], row["status"], row["agent_id"]) == (number, "active", None)


async def test_agents_that_come_and_go_leave_no_numbers(api: Any) -> None:
    given: set[str] = set()
    for _ in range(3):
        agent = await api.agent()
        given.add(agent["outbound_phone_numbers"][0]["phone_number"])
        await api("DELETE", f"/agents/{agent['id']}")
    assert (len(given), await ok(api, "GET", "/numbers")) == (1, [])


async def test_lists_have_pages(api: Any) -> None:
    for _ in range(3):
        await api.agent()
    page = (await api("GET", "/telephony/numbers?limit=2&offset=1")).json()
    assert (len(page["data"]), page["pagination"]["total"]) == (2, 3)
    assert page["data"][0]["agent_id"] == page["data"][0]["outbound_agent_id"]


async def test_the_webhook_url_of_an_agent_is_always_the_same(api: Any) -> None:
    agent, other = await api.agent(), await api.agent()
    first = await ok(api, "GET", f"/agents/{agent['id']}/webhook-url")
    assert first == await ok(api, "GET", f"/agents/{agent['id']}/webhook-url")
    assert first["agent_id"] == agent["id"]
    assert first["webhook_url"] != (await ok(api, "GET", f"/agents/{other['id']}/webhook-url"))["webhook_url"]
    for path in ("webhook-url", "numbers"):
        assert await refused(api, "GET", f"/agents/none/{path}") == (404, None)
