"""Checks answers against the API document: status, content type and body."""

from __future__ import annotations

import json
from functools import cache

from trudy.sandbox.http.api_endpoint import HttpAnswer
from trudy.sandbox.http.contract import Operation, document, resolved
from trudy.sandbox.http.schema import Check

JSON_TYPE = "application/json"


def complaint(operation: Operation, answer: HttpAnswer) -> str | None:
    """What is wrong with an answer of that operation, or None."""
    checks = _answers(operation)
    check = checks.get(answer.status)
    if check is None:
        return f"{operation.id} answers {answer.status}, and the document knows {sorted(checks)}"
    if answer.headers.get("content-type") != JSON_TYPE:
        return f"{operation.id} answers {answer.headers.get('content-type')}"
    fault = check.fault(json.loads(answer.body))
    return None if fault is None else f"{operation.id} answers {answer.status} where {fault.field} {fault.reason}"


@cache
def _answers(operation: Operation) -> dict[int, Check]:
    described = document()["paths"][operation.path][operation.method.lower()]["responses"]
    return {
        int(status): Check(resolved(answer)["content"][JSON_TYPE]["schema"]) for status, answer in described.items()
    }
