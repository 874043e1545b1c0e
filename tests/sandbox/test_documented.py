"""The check that stands behind every other test here can fail."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.documented import complaint
from trudy.sandbox.http.api_endpoint import HttpAnswer
from trudy.sandbox.http.contract import operation

META = {"request_id": "r", "ts": "2025-06-15T15:07:00Z"}
TOOL = {"id": "t", "name": "x", "created_at": "2025-06-15T15:07:00Z"}


def answer(body: object, status: int = 200, content_type: str = "application/json") -> HttpAnswer:
    return HttpAnswer(status=status, body=json.dumps(body).encode(), headers={"content-type": content_type})


def test_what_is_documented() -> None:
    assert complaint(operation("get_tool"), answer({"data": TOOL, "meta": META})) is None
    error = {"error": {"code": "not_found", "message": "Tool not found", "details": {}}, "meta": META}
    assert complaint(operation("get_tool"), answer(error, 404)) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answer({"data": TOOL, "meta": META}, 201), "answers 201"),
        (answer({"data": TOOL, "meta": META}, content_type="text/html"), "answers text/html"),
        (answer({"data": TOOL}), "meta is required"),
        (answer({"data": TOOL | {"created_at": "noon"}, "meta": META}), "data.created_at must be an ISO 8601 time"),
        (answer({"data": TOOL | {"id": 7}, "meta": META}), "data.id must be a string"),
        (answer({"error": {"code": "x"}, "meta": META}, 404), "error.message is required"),
    ],
)
def test_what_is_not(given: HttpAnswer, words: str) -> None:
    found = complaint(operation("get_tool"), given)
    assert found is not None
    assert words in found
