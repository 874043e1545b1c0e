"""Bad arguments are refused with a name, before anything is sent."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import pytest

from trudy import AsyncTrudyClient, InvalidArgumentError, NotFoundError, PaymentRequiredError, TrudyError
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio
Use = Callable[[AsyncTrudyClient], Awaitable[object]]
LOOP: list[object] = []
LOOP.append(LOOP)
AGENT = {"name": "A", "voice_id": "v", "system_prompt": "s"}
CALL = {"agent_id": "a", "phone_number": "+14155550100"}


def agent(**changes: object) -> Use:
    return lambda client: client.agents.create(**{**AGENT, **changes})  # type: ignore[arg-type]


def change(**changes: object) -> Use:
    return lambda client: client.agents.update("a", **changes)  # type: ignore[arg-type]


def call(**changes: object) -> Use:
    return lambda client: client.calls.create(**{**CALL, **changes})  # type: ignore[arg-type]


def contacts(*members: dict[str, object]) -> Use:
    rows = [{"phone_number": "+14155550100", **member} for member in members]
    return lambda client: client.batch_calls.add_contacts("a", contacts=rows)


@pytest.mark.parametrize(
    ("use", "argument"),
    [
        (lambda client: client.agents.get(""), "agent_id"),
        (lambda client: client.agents.get(" "), "agent_id"),
        (lambda client: client.agents.get(".."), "agent_id"),
        (lambda client: client.agents.get(None), "agent_id"),
        (lambda client: client.agents.delete(""), "agent_id"),
        (lambda client: client.calls.get(7), "call_id"),
        (lambda client: client.calls.get_transcript(""), "call_id"),
        (lambda client: client.calls.download_recording("", to="x"), "call_id"),
        (lambda client: client.calls.download_recording("a", to=""), "to"),
        (lambda client: client.calls.download_recording("a", to=7), "to"),
        (lambda client: client.calls.wait("a", max_wait=0), "max_wait"),
        (lambda client: client.calls.wait("a", events=object()), "events"),
        (lambda client: client.calls.create_and_wait(**CALL, events=object()), "events"),
        (lambda client: client.batch_calls.wait("a", events=object()), "events"),
        (lambda client: client.calls.wait("a", poll_interval=-1), "poll_interval"),
        (lambda client: client.agents.list(limit=0), "limit"),
        (lambda client: client.agents.list(limit=101), "limit"),
        (lambda client: client.agents.list(limit=True), "limit"),
        (lambda client: client.agents.list(offset=-1), "offset"),
        (lambda client: client.agents.list(page_size=101), "page_size"),
        (lambda client: client.calls.list(direction="sideways"), "direction"),
        (lambda client: client.calls.list(created_after=datetime(2027, 1, 1)), "created_after"),  # noqa: DTZ001
        (agent(name=""), "name"),
        (agent(name="  "), "name"),
        (agent(name="x" * 256), "name"),
        (agent(voice_id=""), "voice_id"),
        (agent(system_prompt=""), "system_prompt"),
        (agent(temperature=1.1), "temperature"),
        (agent(temperature=-0.1), "temperature"),
        (agent(description="x" * 1001), "description"),
        (agent(knowledge_bases=["a", "b"]), "knowledge_bases"),
        (agent(idempotency_key="a b"), "idempotency_key"),
        (change(temperature=2), "temperature"),
        (change(name=""), "name"),
        (call(phone_number="4155550100"), "phone_number"),
        (call(phone_number="+0155550100"), "phone_number"),
        (call(phone_number="+1415555010012345"), "phone_number"),
        (call(phone_number="+14155550100\n"), "phone_number"),
        (call(phone_number="+1415555\u0660100"), "phone_number"),
        (call(from_number="x"), "from_number"),
        (call(agent_id=""), "agent_id"),
        (call(direction="inbound"), "direction"),
        (call(on_unknown="hope"), "on_unknown"),
        (call(reconcile_timeout=0), "reconcile_timeout"),
        (call(variables={"x": float("nan")}), "variables"),
        (call(variables={"x": {1: "y"}}), "variables"),
        (call(variables={"x": LOOP}), "variables"),
        (call(variables={"x": ["\ud800"]}), "variables"),
        (call(variables={"\udfff": 1}), "variables"),
        (agent(name="A\ud83d"), "name"),
        (call(extra_body={"x": LOOP}), "extra_body"),
        (contacts({"variables": {"x": LOOP}}), "contacts[0]"),
        (contacts({"custom_fields": {"x": float("inf")}}), "contacts[0]"),
        (contacts({"custom_fields": {"x": "y"}}, {"custom_fields": {"x": "\ud800"}}), "contacts[1]"),
        (call(deadline=-1), "deadline"),
        (call(idempotency_key=uuid.UUID(int=7)), "idempotency_key"),
        (lambda client: client.request(None, "/agents"), "method"),
        (lambda client: client.request("GET", None), "path"),
        (lambda client: client.request("GET", "/agents", query=["a"]), "query"),
        (lambda client: client.request("POST", "/agents", body={"x": LOOP}), "body"),
    ],
)
async def test_a_bad_argument_is_named_and_nothing_is_sent(use: Use, argument: str) -> None:
    sandbox = Sandbox()
    async with sandbox.async_client() as client:
        with pytest.raises(InvalidArgumentError) as caught:
            await use(client)
    assert caught.value.argument == argument.partition("[")[0]
    assert argument in str(caught.value)
    assert "415555" not in str(caught.value)
    assert sandbox.requests == []


REAL_HOSTS = (
    "https://api.truedy.ai/api/public/v1",
    "https://api.truedy.ai./v1",
    "https://API.Truedy.AI/",
    "https://truedy.ai",
)


def client_of(base_url: str | None = None) -> AsyncTrudyClient:
    """A client of the real host, behind which nobody is: whatever leaves is answered with 402."""
    mock = httpx.MockTransport(lambda request: httpx.Response(402))
    return AsyncTrudyClient("k", base_url=base_url, http_client=lambda: httpx.AsyncClient(transport=mock))


@pytest.mark.parametrize("base_url", REAL_HOSTS)
@pytest.mark.parametrize("number", ["+14155550100", "+12125550199", "+442079460999"])
async def test_numbers_of_the_sandbox_do_not_reach_the_real_host(number: str, base_url: str) -> None:
    async with client_of(base_url) as client:
        with pytest.raises(InvalidArgumentError, match="phone_number is one of the numbers kept for fiction"):
            await client.calls.create(agent_id="a", phone_number=number)
        for somebodys in ("+14155560100", "+18005550123", "+18885550100"):
            with pytest.raises(PaymentRequiredError):
                await client.calls.create(agent_id="a", phone_number=somebodys)


@pytest.mark.parametrize("form", ["multipart", "json"])
@pytest.mark.parametrize(
    ("rows", "is_refused"),
    [
        (b"phone,name\n+14155550100,Ada\n", True),
        (b"name,Phone Number\nBob,+14155552671\nAda,+1 (415) 555-0100\n", True),
        (b"phone_number\n+14155552671\n\n+442079460007\n", True),
        (b"phone,phone_number\n+14155552671,+14155550100\n", True),
        (b"phone,name\n+14155552671,+14155550100\n+18005550123\n\n", False),
    ],
)
async def test_files_with_numbers_of_the_sandbox_do_not_reach_the_real_host(
    rows: bytes, form: Literal["multipart", "json"], *, is_refused: bool
) -> None:
    async with client_of() as client:
        with pytest.raises(InvalidArgumentError if is_refused else PaymentRequiredError) as caught:
            await client.contacts.import_file(rows, form=form, folder_id="f")
    assert ("kept for fiction" in str(caught.value)) is is_refused
    assert "0100" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (b"Mobile,phone\n+14155552671,+14155550100\n", PaymentRequiredError),
        (b"Mobile,phone\n+14155550100,+14155552671\n", InvalidArgumentError),
    ],
)
async def test_a_mapped_column_with_numbers_of_the_sandbox_does_not_reach_the_real_host(
    rows: bytes, error: type[TrudyError]
) -> None:
    async with client_of() as client:
        with pytest.raises(error):
            await client.contacts.import_file(
                rows, form="json", folder_id="f", mapping_config={"Mobile": "phone_number"}
            )


async def test_a_hint_is_not_masked_as_if_it_were_a_persons_number() -> None:
    async with Sandbox().async_client() as client:
        with pytest.raises(InvalidArgumentError, match=r"E\.164") as caught:
            await client.calls.create(agent_id="a", phone_number="4155550100")
    assert "*" not in str(caught.value)


async def test_an_id_is_quoted_into_the_path() -> None:
    paths: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(404)

    mock = httpx.MockTransport(answer)
    async with AsyncTrudyClient("k", http_client=lambda: httpx.AsyncClient(transport=mock)) as client:
        with pytest.raises(NotFoundError):
            await client.agents.get("a/../b?c#d")
    assert paths == [b"/api/public/v1/agents/a%2F..%2Fb%3Fc%23d"]


@pytest.mark.parametrize(
    ("asked", "argument"),
    [
        ({}, "phone_number"),
        ({"variables": {}}, "phone_number"),
        ({"variables": [1]}, "variables"),
        ({"variables": "name"}, "variables"),
        ({"agent_id": ""}, "agent_id"),
        ({"agent_id": 5}, "agent_id"),
        ({"trudy_ref": ""}, "trudy_ref"),
        ({"trudy_ref": 5}, "trudy_ref"),
        ({"from_number": ""}, "from_number"),
        ({"phone_number": 14155550100}, "phone_number"),
        ({"agent_id": "a", "limit": 0}, "limit"),
        ({"agent_id": "a", "created_after": "yesterday"}, "created_after"),
        ({"agent_id": "a", "created_before": 5}, "created_before"),
        ({"agent_id": "a", "created_after": datetime(2027, 1, 1)}, "created_after"),  # noqa: DTZ001
    ],
)
async def test_a_search_for_calls_by_something_bad_sends_nothing(asked: dict[str, Any], argument: str) -> None:
    sandbox = Sandbox()
    async with sandbox.async_client() as client:
        with pytest.raises(InvalidArgumentError) as caught:
            await client.calls.find(**asked)
    assert caught.value.argument == argument
    assert sandbox.requests == []


async def test_a_search_takes_a_time_as_text_as_the_list_does() -> None:
    sandbox = Sandbox()
    async with sandbox.async_client() as client:
        assert await client.calls.find(agent_id="a", created_after="2027-01-01T00:00:01Z") == []
    assert "created_after=2027-01-01T00%3A00%3A00Z" in sandbox.requests[0].query


async def test_times_go_out_as_utc() -> None:
    sandbox = Sandbox()
    async with sandbox.async_client() as client:
        await client.calls.list(created_after=datetime(2027, 1, 1, 1, 30, tzinfo=UTC), direction="outbound")
    assert "created_after=2027-01-01T01%3A30%3A00Z" in sandbox.requests[0].query
