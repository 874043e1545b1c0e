"""Requests and answers as the pipeline sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeAlias

from attrs import evolve, fields

from trudy.options import MAX_RATE_LIMIT_WAIT, MAX_RETRIES, Timeout
from trudy.request import Emit, Endpoint, OperationOptions, Progress, Request, Response, RetryClass

AN_ID = "7d0c2b1e-0000-4000-8000-000000000001"
PROGRESS = {attribute.name for attribute in fields(Progress)}
Ending: TypeAlias = Response | Exception


OPTIONS = OperationOptions(
    deadline=None,
    max_retries=MAX_RETRIES,
    max_rate_limit_wait=MAX_RATE_LIMIT_WAIT,
    lane="interactive",
    on_unknown="raise",
    before_send=None,
)


def request_for(
    method: str = "GET", retry: RetryClass = RetryClass.REPEAT, *, emit: Emit | None = None, **facts: object
) -> Request:
    """A request to an endpoint of a kind; `facts` go into its `OperationOptions` and its `Progress`."""
    progress = {name: facts.pop(name) for name in list(facts) if name in PROGRESS}
    endpoint = Endpoint(name="things.do", method=method, path="/things", retry=retry, creates="tool")
    return Request(
        endpoint=endpoint,
        method=method,
        url="https://api.test/v1/things",
        path="/things",
        headers=(("Accept", "application/json"),),
        body=b"{}" if method == "POST" else None,
        timeout=Timeout(),
        idempotency_key="a-key" if endpoint.sends_key else None,
        options=evolve(OPTIONS, **facts),  # type: ignore[arg-type]
        progress=Progress(**progress),  # type: ignore[arg-type]
        emit=emit,
    )


def answer(status: int = 200, body: object = None, **headers: str) -> Response:
    """An answer; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Response(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=content
    )


def success(**data: object) -> Response:
    """The envelope of one object."""
    return answer(200, {"data": {"id": AN_ID, **data}, "meta": {"request_id": "r-1"}})


def failure(status: int, code: str, details: dict[str, object] | None = None, **headers: str) -> Response:
    """The documented error body."""
    error = {"code": code, "message": f"it was {code}", "details": details or {}}
    return answer(status, {"error": error, "meta": {"request_id": "r-1", "ts": "2027-01-15T08:00:00Z"}}, **headers)


class Script:
    """Stands where the next step would: gives one ending after the other, the last one for ever."""

    def __init__(self, *endings: Ending, before: Callable[[Request], None] | None = None) -> None:
        self._endings: Sequence[Ending] = endings
        self._before = before
        self.requests: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        ending = self._endings[min(len(self.requests), len(self._endings) - 1)]
        self.requests.append(request)
        request.progress.attempts += 1
        if self._before is not None:
            self._before(request)
        if isinstance(ending, Exception):
            raise ending
        return ending
