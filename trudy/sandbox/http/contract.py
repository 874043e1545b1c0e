"""The operations of the API document in this package, and checks of requests against it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast
from urllib.parse import parse_qsl

from attrs import frozen

from trudy.sandbox.http import multipart, problems
from trudy.sandbox.http.schema import Check

Json = dict[str, Any]

BASE_PATH = "/api/public/v1"
"""What the document's paths follow, on any host."""
JSON_TYPE = "application/json"
FORM_TYPE = "multipart/form-data"
_METHODS = ("get", "post", "put", "patch", "delete")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@frozen
class Parameter:
    """One parameter of a query."""

    name: str
    type: str
    check: Check

    def read(self, text: str) -> Any:
        """The value of `text`; raises 422 for one that the document does not allow."""
        value: Any = int(text) if self.type == "integer" and _INTEGER.fullmatch(text) and len(text) < 20 else text
        if (fault := self.check.fault(value)) is not None:
            raise problems.invalid(self.name, fault.reason, value=text, where="query")
        return value


@frozen(kw_only=True, eq=False)
class Operation:
    """One method of one path.

    Attributes:
        by_key: whether it takes an idempotency key.
        bodies: checks of the request body, by media type.
        booleans: the members of a form that are booleans, and neither text nor files.
    """

    id: str
    method: str
    path: str
    by_key: bool
    parameters: Mapping[str, Parameter]
    bodies: Mapping[str, Check]
    booleans: frozenset[str]
    body_required: bool

    def read_query(self, query_string: bytes) -> Json:
        """The documented parameters in a query; others are ignored."""
        if not query_string or not self.parameters:
            return {}
        sent = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="replace")
        return {name: self.parameters[name].read(text) for name, text in sent if name in self.parameters}

    def read_body(self, content_type: str, body: bytes) -> Json:
        """The members of a request body; empty if there is none and none is needed."""
        if not self.bodies or (not body and not self.body_required):
            return {}
        if not body:
            raise problems.invalid("body", "is required")
        if FORM_TYPE in self.bodies and content_type.partition(";")[0].strip().lower() == FORM_TYPE:
            form = multipart.read_form(content_type, body, booleans=self.booleans)
            _check(self.bodies[FORM_TYPE], multipart.as_json(form))
            return form
        members = _parse(body)
        _check(self.bodies[JSON_TYPE], members)
        # The document has only bodies that are objects.
        return cast("Json", members)


@cache
def document() -> Json:
    """The API document. It is shared: do not change it."""
    loaded: Json = json.loads(files("trudy").joinpath("openapi.json").read_bytes())
    return loaded


@cache
def operations() -> tuple[Operation, ...]:
    """All operations of the document, in its order; read once for all sandboxes of the process."""
    return tuple(
        _operation(path, method, item[method])
        for path, item in document()["paths"].items()
        for method in _METHODS
        if method in item
    )


@cache
def operation(name: str) -> Operation:
    """The operation with this `operationId`."""
    return next(found for found in operations() if found.id == name)


def resolved(part: Any) -> Any:
    """A part of the document with its references replaced by what they name. No schema there refers to itself."""
    if isinstance(part, dict):
        members = cast("Json", part)
        reference: str | None = members.get("$ref")
        if reference is None:
            return {name: resolved(value) for name, value in members.items()}
        target: Any = document()
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        return resolved(target)
    if isinstance(part, list):
        return [resolved(item) for item in part]  # pyright: ignore[reportUnknownVariableType]  # to mypy it is Any
    return part


def _operation(path: str, method: str, described: Json) -> Operation:
    parameters: list[Json] = resolved(described.get("parameters", []))
    request: Json = resolved(described.get("requestBody", {}))
    schemas = {kind: content["schema"] for kind, content in request.get("content", {}).items()}
    form: Json = schemas.get(FORM_TYPE, {}).get("properties", {})
    return Operation(
        id=described["operationId"],
        method=method.upper(),
        path=path,
        by_key=any(parameter["name"] == "X-Idempotency-Key" for parameter in parameters),
        parameters={
            parameter["name"]: Parameter(parameter["name"], parameter["schema"]["type"], Check(parameter["schema"]))
            for parameter in parameters
            if parameter["in"] == "query"
        },
        bodies={kind: Check(schema) for kind, schema in schemas.items()},
        booleans=frozenset(name for name, member in form.items() if member["type"] == "boolean"),
        body_required=request.get("required", False),
    )


def _parse(body: bytes) -> object:
    try:
        value = json.loads(body, parse_constant=_no_constant)
        if _SURROGATE.search(body):
            # A lone half of a surrogate pair cannot be written as UTF-8 in an answer.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise problems.bad_request("The body is not valid JSON") from None
    return value


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _check(check: Check, value: object) -> None:
    if (fault := check.fault(value)) is not None:
        raise problems.invalid(fault.field or "body", fault.reason, value=fault.value)
