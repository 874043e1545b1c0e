"""Quirks of whole answers: errors, the rate limit, creates and deletes."""

from __future__ import annotations

import pytest

from tests.sandbox.quirks.quirk_tests import QuirkTests, World
from trudy import NotFoundError, ProviderError, RateLimitError, ServerError, ValidationError

survives = QuirkTests()


@survives("error_early_form")
async def error_early_form(quirk: str) -> None:
    world = World(quirk)
    body = (await world.raw("GET", "/agents/x")).json()
    assert body.keys() == {"error"}
    error = await world.refusal(NotFoundError, world.client.agents.get("x"))
    assert (error.code, bool(error.request_id)) == ("not_found", True)
    world.sandbox.faults.add(path="/agents", status=500)
    shown = (await world.raw("GET", "/agents")).json()["error"]
    assert shown["ts"] is None
    assert "details" not in shown
    error = await world.refusal(ServerError, world.client.with_options(max_retries=0).agents.list())
    assert (error.code, error.details) == ("internal_error", {})


@survives("fastapi_detail")
async def fastapi_detail(quirk: str) -> None:
    world = World(quirk)
    refused = await world.raw("POST", "/agents", world.agent_body() | {"name": "+14155550123" * 30})
    assert refused.json()["detail"][0]["input"].startswith("+14155550123")
    error = await world.refusal(
        ValidationError,
        world.client.agents.create(name="x", voice_id="x", system_prompt="x", extra_body={"name": "+14155550123" * 30}),
    )
    assert [one.field for one in error.field_errors] == ["body.name"]
    assert "14155550123" not in f"{error} {error!r}"


@survives("wrapped_errors")
async def wrapped_errors(quirk: str) -> None:
    world = World(quirk)
    assert (await world.raw("GET", "/agents/x")).json()["detail"].keys() == {"error"}
    error = await world.refusal(NotFoundError, world.client.agents.get("x"))
    assert (error.code, error.message) == ("not_found", "Agent not found")
    assert error.request_id


@survives("octet_stream_errors", "html_errors", "empty_errors")
async def octet_stream_errors(quirk: str) -> None:
    world = World(quirk)
    world.sandbox.faults.add(status=502)
    answer = await world.raw("GET", "/agents")
    expected = {"octet_stream_errors": "application/octet-stream", "html_errors": "text/html"}
    assert answer.headers["content-type"] == expected.get(quirk, "application/json")
    assert (answer.content == b"") is (quirk == "empty_errors")
    quick = world.client.with_options(max_retries=0)
    error = await world.refusal(ServerError, quick.agents.list())
    assert error.status_code == 502
    assert "<html>" not in str(error)
    if quirk == "octet_stream_errors":
        assert error.code == "provider_error"


@survives("no_request_id")
async def no_request_id(quirk: str) -> None:
    world = World(quirk)
    world.sandbox.faults.add(path="/agents", status=500)
    answer = await world.raw("GET", "/agents")
    assert "x-request-id" not in answer.headers
    error = await world.refusal(ServerError, world.client.with_options(max_retries=0).agents.list())
    assert error.request_id == world.sandbox.requests[-1].request_id


@survives("hidden_server_faults")
async def hidden_server_faults(quirk: str) -> None:
    world = World(quirk)
    world.sandbox.faults.add(status=500)
    error = await world.refusal(ValidationError, world.client.agents.list())
    assert (error.status_code, error.code) == (422, "validation_error")


@survives("provider_details")
async def provider_details(quirk: str) -> None:
    world = World(quirk)
    world.sandbox.faults.add(status=502)
    assert (await world.raw("GET", "/agents")).json()["error"]["details"]["httpStatus"] == 503
    error = await world.refusal(ProviderError, world.client.with_options(max_retries=0).agents.list())
    assert error.details == {"provider": "voice", "httpStatus": 503, "retry_after": 1}
    world.sandbox.faults.clear()
    world.sandbox.fail_next(status=502)
    world.sandbox.clock.speed = 60
    assert (await world.client.agents.list()).data == []


@survives("create_500_after")
async def create_500_after(quirk: str) -> None:
    world = World(quirk, speed=300)
    assert (await world.raw("POST", "/agents", world.agent_body())).status_code == 500
    for lane in range(3):
        call = await world.call(f"+1415555010{lane}")
        assert call.to == f"+1415555010{lane}"
    world.sandbox.assert_no_number_dialed_twice()
    assert len(world.sandbox.placed_calls) == 3


@survives("sliding_reset_at", "naive_reset_at", "offset_reset_at", "no_reset_at", "past_reset_at", "far_reset_at")
async def sliding_reset_at(quirk: str) -> None:
    world = World(quirk, rate_limit=2)
    for _ in range(2):
        await world.raw("GET", "/agents")
    shown = (await world.raw("GET", "/agents")).json()["error"]["details"].get("reset_at")
    assert (
        shown
        == {
            "sliding_reset_at": "2025-06-15T15:08:20.000000Z",
            "naive_reset_at": "2025-06-15T15:08:00",
            "offset_reset_at": "2025-06-15T15:08:00+00:00",
            "no_reset_at": None,
            "past_reset_at": "2025-06-15T14:07:20.000000Z",
            "far_reset_at": "9999-12-31T23:59:59.999999Z",
        }[quirk]
    )
    hasty = world.new_client(rate_limit=False, max_rate_limit_wait=0)
    error = await world.refusal(RateLimitError, hasty.agents.list())
    assert error.details.get("reset_at") == shown
    # Whatever `reset_at` says, the wait is bounded and ends in an answer.
    patient = World(quirk, rate_limit=2, speed=100)
    for _ in range(5):
        await patient.client.agents.list()
    waited = patient.sandbox.clock.monotonic()
    assert 60 < waited < 600
    assert sum(window.refused for window in patient.sandbox.requests_per_window()) < 12


@survives("several_counters")
async def several_counters(quirk: str) -> None:
    plain, world = World(rate_limit=10), World(quirk, rate_limit=10)
    statuses = [(await world.raw("GET", "/agents")).status_code for _ in range(60)]
    assert statuses.count(200) == 30
    assert 200 in statuses[statuses.index(429) :]
    assert [(await plain.raw("GET", "/agents")).status_code for _ in range(60)].count(200) == 10
    patient = World(quirk, rate_limit=10, speed=300)
    for _ in range(25):
        await patient.client.agents.list()


@survives("key_over_headers")
async def key_over_headers(quirk: str) -> None:
    world = World(quirk, speed=300)
    key = {"X-Idempotency-Key": "k"}
    for more, expected in (({}, 1), ({}, 1), ({"User-Agent": "other"}, 1), ({"traceparent": "1"}, 2)):
        await world.raw("POST", "/agents", world.agent_body(), **key, **more)
        assert (await world.raw("GET", "/agents")).json()["pagination"]["total"] == expected
    world.sandbox.fail_next(method="POST", reset="after")
    await world.agent()
    assert (await world.raw("GET", "/agents")).json()["pagination"]["total"] == 3


@survives("creates_answer_200")
async def creates_answer_200(quirk: str) -> None:
    world = World(quirk)
    key = {"X-Idempotency-Key": "k"}
    statuses = [(await world.raw("POST", "/agents", world.agent_body(), **key)).status_code for _ in range(3)]
    assert statuses == [200, 201, 201]
    assert (await world.agent()).name == "Ada"


@survives("slow_creates")
async def slow_creates(quirk: str) -> None:
    world = World(quirk, speed=300)
    begun = world.sandbox.clock.monotonic()
    await world.agent()
    between = world.sandbox.clock.monotonic()
    call = await world.call()
    assert between - begun >= 20
    assert world.sandbox.clock.monotonic() - between >= 150
    assert [placed.id for placed in world.sandbox.placed_calls] == [call.id]
    # A shorter timeout makes the client look for the call.
    call = await world.call("+14155550101", timeout=60)
    assert [placed.id for placed in world.sandbox.calls_to("+14155550101")] == [call.id]


@pytest.mark.asyncio
@pytest.mark.parametrize("quirk", survives.by_quirk)
async def test_the_sdk_survives(quirk: str) -> None:
    await survives.run(quirk)
