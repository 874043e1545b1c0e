"""OpenTelemetry: a span for each operation, a child for each attempt, and metrics. The extra `otel` brings the API.

    from trudy.otel import OpenTelemetryHook

    client = trudy.TrudyClient(hooks=[OpenTelemetryHook()])

It only listens to the client's events. So no header is added, and a keyed create stays the same at each attempt. No
phone number, key or body is recorded: paths are masked, and queries left out.

Spans      `trudy calls.create` (internal); `POST` for each attempt (client), with the names of the HTTP conventions
Events     `rate_limit.wait` and `retry` on the operation's span, with `seconds`
Metrics    `http.client.request.duration` (attempts), `trudy.operation.duration`, `trudy.operation.retries`,
           `trudy.rate_limit.wait.duration`; in seconds
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from trudy._version import __version__
from trudy.errors import ConfigurationError
from trudy.hooks import AttemptEnded, Event, RateLimitWait, RequestEnded, RequestStarted, RetryScheduled

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["OpenTelemetryHook"]

_NANOSECONDS: Final = 1_000_000_000
_PORTS: Final = {"https": 443, "http": 80}


class OpenTelemetryHook:
    """A hook that makes spans and metrics of the client's events. One may serve several clients.

    Args:
        tracer_provider: where spans go; the global one if left out.
        meter_provider: where metrics go; the global one if left out.
        base_url: takes the place of the client's in `server.address` and `url.full`, such as the server behind a proxy.

    Raises:
        ConfigurationError: the extra `otel` is not installed.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        base_url: str | None = None,
    ) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError:
            raise ConfigurationError(
                "OpenTelemetryHook needs opentelemetry-api: pip install 'trudy-python-sdk[otel]'"
            ) from None
        self._trace = trace
        self._base_url = base_url and base_url.rstrip("/")
        self._tracer = trace.get_tracer("trudy", __version__, tracer_provider=tracer_provider)
        meter = metrics.get_meter("trudy", __version__, meter_provider=meter_provider)
        self._request_duration = meter.create_histogram(
            "http.client.request.duration", "s", "Duration of HTTP client requests."
        )
        self._duration = meter.create_histogram("trudy.operation.duration", "s", "Waits and retries included.")
        self._retries = meter.create_counter("trudy.operation.retries", "{retry}", "Attempts that were made again.")
        self._waits = meter.create_histogram("trudy.rate_limit.wait.duration", "s", "Waits for a rate window.")
        # A stack, since looking for a lost call is an operation inside another; each task has its own.
        self._open: ContextVar[tuple[Span, ...]] = ContextVar("trudy_otel_spans", default=())

    def __call__(self, event: Event) -> None:
        """Take an event of the client."""
        match event:
            case RequestStarted():
                self._start(event)
            case AttemptEnded():
                self._attempt(event)
            case RateLimitWait():
                self._waits.record(event.seconds, {"trudy.operation": event.operation})
                self._note("rate_limit.wait", {"seconds": event.seconds})
            case RetryScheduled():
                self._retries.add(1, {"trudy.operation": event.operation, "reason": event.reason})
                self._note("retry", {"seconds": event.seconds, "reason": event.reason, "attempt": event.attempt})
            case RequestEnded():
                self._end(event)

    def _start(self, event: RequestStarted) -> None:
        open_spans = self._open.get()
        context = self._trace.set_span_in_context(open_spans[-1]) if open_spans else None
        span = self._tracer.start_span(
            f"trudy {event.operation}", context=context, attributes={"trudy.operation": event.operation}
        )
        self._open.set((*open_spans, span))

    def _attempt(self, event: AttemptEnded) -> None:
        ended = time.time_ns()
        failure = self._failure(event)
        url = self._base_url + event.path if self._base_url else event.url
        parts = urlsplit(url)
        attributes: dict[str, str | int] = {
            "http.request.method": event.method,
            "server.address": parts.hostname or "",
            "server.port": parts.port or _PORTS.get(parts.scheme, 443),
        }
        if event.status is not None:
            attributes["http.response.status_code"] = event.status
        if failure is not None:
            attributes["error.type"] = failure
        self._request_duration.record(event.seconds, attributes)
        if not (open_spans := self._open.get()):
            return
        details: dict[str, str | int] = {"url.full": url, "trudy.operation": event.operation}
        if event.attempt > 1:
            details["http.request.resend_count"] = event.attempt - 1
        if event.request_id:
            details["trudy.request_id"] = event.request_id
        span = self._tracer.start_span(
            event.method,
            context=self._trace.set_span_in_context(open_spans[-1]),
            kind=self._trace.SpanKind.CLIENT,
            attributes=attributes | details,
            start_time=ended - int(event.seconds * _NANOSECONDS),
        )
        if failure is not None:
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(ended)

    def _end(self, event: RequestEnded) -> None:
        attributes: dict[str, str | int] = {"trudy.operation": event.operation, "trudy.outcome": event.outcome}
        if event.error is not None:
            attributes["error.type"] = event.error
        self._duration.record(event.seconds, attributes)
        if not (open_spans := self._open.get()):
            return
        *others, span = open_spans
        self._open.set(tuple(others))
        span.set_attributes({**attributes, "trudy.attempts": event.attempts})
        if event.outcome != "ok":
            span.set_status(self._trace.StatusCode.ERROR)
        span.end()

    def _note(self, name: str, attributes: dict[str, str | int | float]) -> None:
        if open_spans := self._open.get():
            open_spans[-1].add_event(name, attributes)

    @staticmethod
    def _failure(event: AttemptEnded) -> str | None:
        if event.status is None:
            return event.error or "no_answer"
        return str(event.status) if event.status >= 400 else None
