"""Whole operations: what is sent, how often, and what the caller is told."""

from __future__ import annotations

import io
from uuid import uuid4

import httpx
import pytest
import respx

from tests.fakes.clock import NOON, FakeClock
from tests.fakes.jumping import JumpingClock
from tests.fakes.wire import Wire, envelope, refusal, rows
from tests.pipeline.conftest import MakeClient
from tests.pipeline.operations import (
    CREATES,
    KEYED,
    NUMBER,
    Operation,
    make_agent,
    make_batch,
    make_contact,
    make_tool,
    place_call,
    posts,
)
from trudy import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    CallNext,
    CallOutcomeUnknownError,
    ProviderError,
    Request,
    Response,
    ResponseDecodeError,
    TrudyError,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("operation", CREATES)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 501, 404, 409, 422])
async def test_a_refusal_ends_a_create_after_one_request(
    client: MakeClient, wire: Wire, operation: Operation, status: int
) -> None:
    clock = JumpingClock(NOON)
    wire.answer(httpx.Response(status, headers={"location": "https://elsewhere.test/x?token=s3cret"}))
    async with client(clock=clock) as c:
        with pytest.raises(APIError) as caught:
            await operation(c)
    assert caught.value.status_code == status
    assert not caught.value.retryable
    assert len(wire.sent) == 1
    assert clock.slept == []


@pytest.mark.parametrize(
    ("status", "location", "said"),
    [
        (307, "https://elsewhere.test/api?token=s3cret", "to https://elsewhere.test/api was not followed: it leads to"),
        (308, "http://api.test/api/public/v1/agents", "another scheme, host or port"),
        (302, "/login?next=s3cret", "to https://api.test/login was not followed: after a 302"),
        (303, f"https://user:s3cret@api.test/{NUMBER}", "only 307 and 308"),
        (301, "https://[broken", "no URL"),
        (301, None, "names no target"),
    ],
)
async def test_the_error_for_a_redirect_names_its_target_and_why_nobody_went_there(
    client: MakeClient, wire: Wire, status: int, location: str | None, said: str
) -> None:
    wire.answer(httpx.Response(status, headers={} if location is None else {"location": location}))
    async with client() as c:
        with pytest.raises(APIError) as caught:
            await c.agents.list()
    assert caught.value.code == "redirect_not_followed"
    assert said in str(caught.value)
    assert "s3cret" not in f"{caught.value} {vars(caught.value)}"
    assert NUMBER not in str(caught.value)


async def test_a_redirect_in_circles_says_so(client: MakeClient, wire: Wire) -> None:
    wire.answer(httpx.Response(307, headers={"location": "/api/public/v1/agents/"}))
    async with client() as c:
        with pytest.raises(APIError, match="came after 3 others"):
            await c.agents.list()
    assert len(wire.sent) == 4


@pytest.mark.parametrize("operation", KEYED)
@pytest.mark.parametrize("upstream", [400, 404, 422])
async def test_what_the_provider_refused_is_not_sent_again(
    client: MakeClient, wire: Wire, operation: Operation, upstream: int
) -> None:
    wire.answer(refusal(502, "provider_error", httpStatus=upstream))
    async with client() as c:
        with pytest.raises(ProviderError) as caught:
            await operation(c)
    assert (posts(wire), caught.value.retryable) == (1, False)


async def test_a_call_that_the_provider_refused_is_looked_for_once(client: MakeClient, wire: Wire) -> None:
    wire.answer(refusal(502, "provider_error", httpStatus=422), rows())
    async with client(clock=FakeClock(NOON)) as c:  # which stands still, so that a second look would never come
        with pytest.raises(ProviderError):
            await place_call(c)
    assert [sent.method for sent in wire.sent] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (make_tool, "toolId"),
        (make_tool, "tool_id"),
        (make_agent, "agent_id"),
        (make_agent, "agentId"),
        (make_batch, "batch_call_id"),
        (make_batch, "batchCallId"),
        (make_batch, "batch_id"),
        (place_call, "call_id"),
        (place_call, "callId"),
    ],
)
@pytest.mark.parametrize("is_flat", [False, True])
async def test_an_id_under_any_of_its_names_is_an_answer(
    client: MakeClient, wire: Wire, operation: Operation, name: str, *, is_flat: bool
) -> None:
    wire.answer(httpx.Response(201, json={name: "x1"}) if is_flat else envelope({name: "x1"}, 201))
    async with client() as c:
        made = await operation(c)
    assert made.id == "x1"
    assert len(wire.sent) == 1


@pytest.mark.parametrize("operation", KEYED)
@pytest.mark.parametrize("data", [{}, {"name": "N"}, {"id": ""}, {"id": None}, {"id": ["x"]}])
async def test_an_answer_with_an_object_is_never_repeated_even_without_an_id(
    client: MakeClient, wire: Wire, operation: Operation, data: object
) -> None:
    wire.answer(envelope(data, 201))
    async with client() as c:
        with pytest.raises(ResponseDecodeError) as caught:
            await operation(c)
    assert len(wire.sent) == 1
    assert caught.value.details["may_have_happened"] is True
    assert not caught.value.retryable


async def test_a_call_whose_answer_holds_no_id_is_looked_for(client: MakeClient, wire: Wire) -> None:
    row = {
        "id": str(uuid4()),
        "to": NUMBER,
        "agent_id": "a",
        "created_at": "2027-01-15T08:00:00.5Z",
        "status": "queued",
    }
    wire.answer(envelope({"status": "queued"}, 201), envelope([row], has_more=False))
    async with client(clock=FakeClock(NOON)) as c:
        call = await c.calls.create(agent_id="a", phone_number=NUMBER)
    assert call.id == row["id"]
    assert posts(wire) == 1


@pytest.mark.parametrize("status", [408, 425, 460, 499])
async def test_what_a_gateway_lost_may_have_happened(client: MakeClient, wire: Wire, status: int) -> None:
    async with client() as c:
        wire.answer(httpx.Response(status))
        with pytest.raises(CallOutcomeUnknownError):
            await c.calls.create(agent_id="a", phone_number=NUMBER, on_unknown="raise")
        assert len(wire.sent) == 1
        with pytest.raises(APIError) as once:
            await make_contact(c)
        assert (len(wire.sent), once.value.retryable) == (2, False)
        wire.sent.clear()
        wire.answer(httpx.Response(status), envelope({"id": "a1"}, 201))
        await make_agent(c)
        assert len({sent.headers["x-idempotency-key"] for sent in wire.sent}) == 1
        assert posts(wire) == 2
        wire.sent.clear()
        wire.answer(httpx.Response(status), envelope({"id": "a1"}))
        await c.agents.get("a1")
        assert len(wire.sent) == 2


@pytest.mark.parametrize("refused", [refusal(402, "payment_required"), httpx.Response(501), httpx.Response(302)])
async def test_no_later_refusal_hides_that_it_may_have_happened(
    client: MakeClient, wire: Wire, refused: httpx.Response
) -> None:
    async with client() as c:
        wire.answer(httpx.Response(503), refused)
        with pytest.raises(APIError) as create:
            await make_agent(c)
        wire.answer(httpx.Response(503), refused)
        with pytest.raises(APIError) as change:
            await c.agents.update("a1", name="B")
        wire.answer(httpx.Response(503), refused)
        with pytest.raises(CallOutcomeUnknownError):
            await c.calls.create(agent_id="a", phone_number=NUMBER, on_unknown="retry")
        wire.answer(httpx.Response(503), refused)
        with pytest.raises(APIError) as read:
            await c.agents.get("a1")
    assert create.value.details["may_have_happened"] is True
    assert change.value.details["may_have_happened"] is True
    assert "may_have_happened" not in read.value.details


async def test_with_on_unknown_retry_a_call_is_sent_once_more_at_most(client: MakeClient, wire: Wire) -> None:
    async with client(max_retries=5) as c:
        wire.answer(httpx.Response(503))
        with pytest.raises(CallOutcomeUnknownError):
            await c.calls.create(agent_id="a", phone_number=NUMBER, on_unknown="retry")
        assert (posts(wire), len(wire.sent)) == (2, 2)


class Passing:
    scope = "attempt"

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        return await call_next(request)


@pytest.mark.parametrize(
    "second", [refusal(429, "rate_limit_exceeded", limit=5), httpx.Response(503), refusal(401, "unauthorized")]
)
async def test_a_create_that_was_redirected_and_then_repeated_counts_as_unchanged(
    client: MakeClient, wire: Wire, second: httpx.Response
) -> None:
    moved = httpx.Response(307, headers={"location": "/api/public/v1/agents/"})
    wire.answer(moved, second, moved, envelope({"id": "a1"}, 201))
    async with client(middleware=[Passing()]) as c:
        if second.status_code == 401:
            with pytest.raises(AuthenticationError):
                await make_agent(c)
        else:
            await make_agent(c)
            assert [sent.path for sent in wire.sent] == ["/agents", "/agents/"] * 2


async def test_an_answer_nested_too_deep_is_one_of_our_errors(client: MakeClient, wire: Wire) -> None:
    deep = '{"a":' * 600 + "1" + "}" * 600
    error = f'{{"error": {{"code": "x", "message": "m", "details": {deep}}}}}'
    for status, body in ((422, error), (422, deep), (500, deep), (200, deep), (422, f'{{"detail": [{deep}]}}')):
        wire.answer(httpx.Response(status, text=body))
        async with client() as c:
            for operation in (*CREATES, lambda c: c.agents.get("a"), lambda c: c.agents.list()):
                with pytest.raises(TrudyError) as caught:
                    await operation(c)
                assert len(repr(caught.value)) < 3_000


async def test_a_call_that_the_provider_refused_and_the_server_stored_is_returned(
    client: MakeClient, wire: Wire
) -> None:
    row = {
        "id": str(uuid4()),
        "to": NUMBER,
        "agent_id": "a",
        "created_at": "2027-01-15T08:00:00.5Z",
        "status": "failed",
    }
    wire.answer(refusal(502, "provider_error", httpStatus=422), envelope([row], has_more=False))
    async with client(clock=FakeClock(NOON)) as c:
        call = await c.calls.create(agent_id="a", phone_number=NUMBER)
    assert (call.id, str(call.status)) == (row["id"], "failed")


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("https://api.test/api/public/v1", "api.test:443"),
        ("http://127.0.0.1:8443/v1", "127.0.0.1:8443"),
        ("http://[::1]:9/v1", "[::1]:9"),
        ("https://192.168.100.200:14155/v1", "192.168.100.200:14155"),
    ],
)
async def test_a_connection_error_names_the_host_and_the_number_of_attempts(
    client: MakeClient, wire: Wire, base_url: str, address: str
) -> None:
    wire.answer(httpx.ConnectError("no"))
    async with client(base_url=base_url) as c:
        with pytest.raises(APIConnectionError) as caught:
            await c.agents.get("a1")
        with pytest.raises(CallOutcomeUnknownError) as unknown:
            await c.calls.create(agent_id="a", phone_number=NUMBER, on_unknown="raise")
    assert str(caught.value).startswith(f"connection_error at {address} after 3 attempts: could not connect")
    assert caught.value.address == address
    assert str(unknown.value.__cause__).startswith(f"connection_error at {address} after 1 attempt: ")


async def test_the_error_of_a_call_that_was_not_repeated_does_not_say_that_it_was(
    client: MakeClient, wire: Wire
) -> None:
    wire.answer(httpx.Response(503))
    async with client(max_retries=0) as c:
        with pytest.raises(CallOutcomeUnknownError, match="it was not looked for"):
            await c.calls.create(agent_id="a", phone_number=NUMBER, on_unknown="retry")
    assert len(wire.sent) == 1


async def test_a_link_that_cannot_be_reached_is_named_by_host_and_port(client: MakeClient, wire: Wire) -> None:
    link = {"call_id": "c1", "recording_url": "https://files.test:8443/a.mp3?sig=s3cret"}
    wire.answer(envelope(link))
    with respx.mock(assert_all_called=False) as router:
        router.route(host="files.test").mock(side_effect=httpx.ConnectError("no"))
        router.route().mock(return_value=envelope(link))
        async with client() as c:
            with pytest.raises(APIConnectionError) as caught:
                await c.calls.download_recording("c1", to=io.BytesIO())
    assert str(caught.value).startswith("connection_error at files.test:8443 after 3 attempts: ")
    assert "s3cret" not in str(caught.value)
