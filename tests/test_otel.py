"""Spans and metrics, taken from the real SDK's in-memory exporter."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import anyio
import httpx
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import trudy
from trudy import APITimeoutError, ConfigurationError, NotFoundError, TrudyError
from trudy.otel import OpenTelemetryHook
from trudy.sandbox import Sandbox

NUMBER = "+14155550100"


class Seen:
    """What was exported."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.sandbox = Sandbox(rate_limit=None)
        self.tracers, self.meters = tracers, meters
        self.tracer = tracers.get_tracer("test")
        self.hook = OpenTelemetryHook(
            tracer_provider=tracers, meter_provider=meters, base_url="https://api.example.test:8443/v1"
        )

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def metrics(self) -> dict[str, Any]:
        data = self.reader.get_metrics_data()
        assert data is not None
        found = [metric for r in data.resource_metrics for scope in r.scope_metrics for metric in scope.metrics]
        return {metric.name: list(metric.data.data_points) for metric in found}


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_an_operation_and_its_attempt(seen: Seen) -> None:
    with seen.sandbox.client(hooks=[seen.hook]) as client, seen.tracer.start_as_current_span("mine") as mine:
        list(client.agents.list())
    (operation,) = seen.named("trudy agents.list")
    (attempt,) = seen.named("GET")
    assert operation.parent is not None
    assert attempt.parent is not None
    assert operation.parent.span_id == mine.get_span_context().span_id
    assert attempt.parent.span_id == operation.get_span_context().span_id
    assert (operation.kind, attempt.kind) == (SpanKind.INTERNAL, SpanKind.CLIENT)
    attributes = dict(attempt.attributes or {})
    assert attributes.pop("trudy.request_id")
    assert attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "api.example.test",
        "server.port": 8443,
        "url.full": "https://api.example.test:8443/v1/agents",
        "trudy.operation": "agents.list",
    }
    assert operation.start_time is not None
    assert attempt.start_time is not None
    assert attempt.end_time is not None
    assert attempt.start_time <= attempt.end_time


def test_retries_are_siblings_with_an_event_between(seen: Seen) -> None:
    seen.sandbox.fail_next(method="GET", path="/agents", status=500)
    with seen.sandbox.client(hooks=[seen.hook]) as client:
        list(client.agents.list())
    first, second = seen.named("GET")
    assert first.parent == second.parent
    assert first.status.status_code is StatusCode.ERROR
    assert (first.attributes or {})["error.type"] == "500"
    assert (second.attributes or {})["http.request.resend_count"] == 1
    (operation,) = seen.named("trudy agents.list")
    assert [event.name for event in operation.events] == ["retry"]
    assert (operation.attributes or {})["trudy.attempts"] == 2
    metrics = seen.metrics()
    assert metrics["trudy.operation.retries"][0].value == 1
    assert sum(point.count for point in metrics["http.client.request.duration"]) == 2
    assert metrics["trudy.operation.duration"][0].count == 1


def test_an_error_is_one(seen: Seen) -> None:
    with seen.sandbox.client(hooks=[seen.hook]) as client, pytest.raises(NotFoundError):
        client.agents.get("nobody")
    (operation,) = seen.named("trudy agents.get")
    assert operation.status.status_code is StatusCode.ERROR
    assert (operation.attributes or {})["error.type"] == "not_found"


def test_a_wait_for_the_rate_window(seen: Seen) -> None:
    sandbox = Sandbox(rate_limit=1, speed=600)
    with sandbox.client(hooks=[seen.hook], rate_limit=1) as client:
        for _ in range(2):
            list(client.agents.list())
    events = [event for span in seen.named("trudy agents.list") for event in span.events]
    assert "rate_limit.wait" in [event.name for event in events]
    assert seen.metrics()["trudy.rate_limit.wait.duration"][0].sum > 0


def test_nothing_private_is_exported_and_no_header_is_added(seen: Seen) -> None:
    bare = seen.sandbox
    with bare.client(hooks=[seen.hook]) as client:
        agent = client.agents.create(name="Ada", voice_id=bare.voices[0].id, system_prompt="secret prompt")
        with pytest.raises(NotFoundError):
            client.calls.get(NUMBER)
        client.contacts.create(phone_number=NUMBER)
    text = " ".join(span.to_json() for span in seen.spans) + repr(seen.metrics())
    for secret in (bare.api_key, NUMBER, NUMBER[1:], "secret prompt", "Bearer"):
        assert secret not in text
    assert agent.meta is not None
    assert agent.meta.idempotency_key is not None
    assert agent.meta.idempotency_key not in text


def test_operations_at_the_same_time_keep_their_own(seen: Seen) -> None:
    async def main() -> None:
        async with seen.sandbox.async_client(hooks=[seen.hook]) as client, anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(client.voices.list().first)
                group.start_soon(client.agents.list().first)

    anyio.run(main)
    parents = {span.get_span_context().span_id: span.name for span in seen.spans if span.name.startswith("trudy")}
    assert len(parents) == 10
    assert len(seen.named("GET")) == 10
    for attempt in seen.named("GET"):
        assert attempt.parent is not None
        assert parents.pop(attempt.parent.span_id) == f"trudy {(attempt.attributes or {})['trudy.operation']}"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError, match=r"trudy-python-sdk\[otel\]"):
        OpenTelemetryHook()


def test_a_cancelled_attempt_has_an_ended_span(seen: Seen) -> None:
    seen.sandbox.fail_next(method="GET", path="/agents", delay=3600)

    async def main() -> None:
        async with seen.sandbox.async_client(hooks=[seen.hook]) as client:
            with anyio.move_on_after(0.05):
                await client.agents.list()

    anyio.run(main)
    (operation,) = seen.named("trudy agents.list")
    (attempt,) = seen.named("GET")
    assert attempt.parent is not None
    assert attempt.parent.span_id == operation.get_span_context().span_id
    assert attempt.status.status_code is operation.status.status_code is StatusCode.ERROR
    assert (attempt.attributes or {})["error.type"] == "cancelled"


def test_an_attempt_that_the_deadline_ends_has_one_span(seen: Seen) -> None:
    seen.sandbox.fail_next(method="GET", path="/agents", delay=3600)
    with seen.sandbox.client(hooks=[seen.hook]) as client, pytest.raises(APITimeoutError):
        client.agents.list(deadline=0.05)
    (attempt,) = seen.named("GET")
    assert (attempt.attributes or {})["error.type"] == "timeout"


def test_the_server_is_the_client_s_own(seen: Seen) -> None:
    hook = OpenTelemetryHook(tracer_provider=seen.tracers, meter_provider=seen.meters)
    for base_url in ("http://localhost:8123/v1", "https://[2001:db8::1]/api"):
        with seen.sandbox.client(hooks=[hook], base_url=base_url, max_retries=0) as client, suppress(TrudyError):
            client.calls.get(NUMBER)
    first, second = (dict(span.attributes or {}) for span in seen.named("GET"))
    assert (first["server.address"], first["server.port"]) == ("localhost", 8123)
    assert first["url.full"] == "http://localhost:8123/v1/calls/+1415***0100"
    assert (second["server.address"], second["server.port"]) == ("2001:db8::1", 443)
    assert second["url.full"] == "https://[2001:db8::1]/api/calls/+1415***0100"


def test_a_number_that_comes_as_the_request_id(seen: Seen) -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, headers={"X-Request-ID": f"call-{NUMBER}", "Via": f"1.1 {NUMBER}"})

    transport = httpx.MockTransport(answered)
    client = trudy.TrudyClient(
        api_key="k" * 20, http_client=lambda: httpx.AsyncClient(transport=transport), hooks=[seen.hook]
    )
    with client, pytest.raises(NotFoundError) as caught:
        client.agents.get("a")
    assert caught.value.request_id == "call-+1415***0100"
    shown = f"{caught.value} {caught.value.response} {seen.named('GET')[0].to_json()}"
    assert NUMBER[1:] not in shown
