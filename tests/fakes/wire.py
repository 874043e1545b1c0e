"""A server of canned answers behind respx, and what it was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx
import respx

BASE_URL = "https://api.test/api/public/v1"
KEY = "truedy_0123456789abcdef"


class Sent(NamedTuple):
    """One request as it came over the wire."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    """Parsed where it is JSON, else bytes; None where there is none."""
    headers: httpx.Headers


class Wire:
    """Gives one answer after the other, the last one for ever. An exception is raised instead."""

    def __init__(self, router: respx.Router) -> None:
        self.sent: list[Sent] = []
        self._answers: list[httpx.Response | Exception] = [envelope({"id": "an-id"})]
        router.route().mock(side_effect=self._handle)

    def answer(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)

    @property
    def last(self) -> Sent:
        return self.sent[-1]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        content = request.content
        is_json = request.headers.get("content-type") == "application/json"
        self.sent.append(
            Sent(
                method=request.method,
                path=request.url.raw_path.decode().partition("?")[0].removeprefix("/api/public/v1"),
                query=dict(request.url.params),
                body=json.loads(content) if is_json else content or None,
                headers=request.headers,
            )
        )
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, Exception):
            raise found
        return found


META = {"request_id": "r-1", "ts": "2027-01-15T08:00:00Z"}


def envelope(data: object, status: int = 200, **pagination: object) -> httpx.Response:
    """The documented answer."""
    body: dict[str, object] = {"data": data, "meta": META}
    if pagination:
        body["pagination"] = pagination
    return httpx.Response(status, json=body)


def rows(*ids: str, **pagination: object) -> httpx.Response:
    """A list of objects that have an id only."""
    return envelope([{"id": each} for each in ids], **pagination)


def refusal(status: int, code: str, message: str = "no", **details: object) -> httpx.Response:
    """The documented error."""
    return httpx.Response(status, json={"error": {"code": code, "message": message, "details": details}, "meta": META})
