"""Every documented operation has a method, every method an operation, and no documented parameter is missing."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any, NamedTuple, get_args

import pytest
from attrs import evolve

import trudy.models
from tests.fakes.answers import Ending, Script, answer, request_for
from tests.fakes.jumping import JumpingClock
from trudy import APIConnectionError, APITimeoutError, AsyncTrudyClient, TrudyError
from trudy.pipeline.decode import to_error
from trudy.pipeline.retry import RetryStep
from trudy.request import Endpoint, RetryClass
from trudy.resources._base import Resource
from trudy.resources._raw_request import MODULES, endpoint_of, endpoints

OPERATIONS_WITHOUT_METHOD = {
    "patch_agent": "update_agent does the same with PUT; only an early server knows PATCH",
}
METHODS_WITHOUT_OPERATION = {
    "calls.wait": "polls get_call, or list_calls for many",
    "calls.create_and_wait": "create, then wait",
    "calls.find": "list_calls, searched",
    "calls.watch": "polls as calls.wait does",
    "calls.wait_for_transcript": "polls get_call_transcript",
    "calls.wait_for_recording": "polls get_call_recording",
    "calls.download_recording": "get_call_recording, then the signed link",
    "batch_calls.wait": "polls get_batch_call, or list_batch_calls for many",
    "knowledge_bases.wait": "polls get_knowledge_base and list_kb_sources",
    "voices.wait": "polls get_voice, or list_voices for many",
}
PARAMETERS_UNDER_OTHER_NAMES = {
    ("import_contacts", "base64_file"): ("file", "the file itself, encoded here"),
    ("add_kb_document_source", "file"): ("file", "name, type and base64 are made here"),
}
PARAMETERS_LEFT_OUT = {
    ("import_contacts", "contacts"): "legacy form of a page of 2026-03; contacts.create and batch_calls.add_contacts",
    (
        "import_contacts",
        "file_key",
    ): "legacy form of a page of 2026-03; names a file that only the dashboard can upload",
}

DEVIATIONS_FROM_THE_SOURCE = {
    "/paths/~1calls~1{call_id}/delete/responses/422": "the reference's prose: refused while the call is under way",
}
"""What the shipped document has beyond the one it is a copy of, as JSON pointers."""
SOURCE_DIGEST = "28dbfb3191e3733a19f8989619308fe021ac90d5cd939e753fe1445a10bc4cc4"
"""SHA-256 of the source as JSON with sorted keys."""


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    parameters: frozenset[str]
    body: frozenset[str]
    takes_key: bool
    pages: bool
    words: Mapping[str, frozenset[str]]


def document() -> Any:
    return json.loads((files("trudy") / "openapi.json").read_text(encoding="utf-8"))


def operations() -> Iterator[Operation]:
    spec = document()

    def resolved(node: Any) -> Any:
        while "$ref" in node:
            target: Any = spec
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            parameters = [resolved(p) for p in operation.get("parameters", ())]
            content = operation.get("requestBody", {}).get("content", {})
            schemas = [resolved(media["schema"]) for media in content.values()]
            members = {name: member for schema in schemas for name, member in schema.get("properties", {}).items()}
            named = {p["name"]: p["schema"] for p in parameters if p["in"] != "header"}
            answer = next(r for code, r in operation["responses"].items() if code.startswith("2"))
            data = resolved(answer["content"]["application/json"]["schema"]).get("properties", {}).get("data", {})
            yield Operation(
                id=operation["operationId"],
                method=method.upper(),
                path=path,
                parameters=frozenset(named),
                body=frozenset(members),
                takes_key=any(p["in"] == "header" and p["name"] == "X-Idempotency-Key" for p in parameters),
                pages=data.get("type") == "array",
                words={
                    name: frozenset(word for word in schema["enum"] if word is not None)
                    for name, schema in {**named, **members}.items()
                    if "enum" in schema
                },
            )


OPERATIONS = {operation.id: operation for operation in operations()}


@pytest.fixture
def client() -> Iterator[AsyncTrudyClient]:
    client = AsyncTrudyClient(api_key="truedy_0123456789", base_url="http://localhost:1", rate_limit=False)
    yield client
    client._core.closed = True


def method_of(client: AsyncTrudyClient, name: str) -> Callable[..., object]:
    found: Any = client
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)
    return found  # type: ignore[no-any-return]


def endpoint_for(operation: Operation) -> Endpoint:
    found = [e for e in endpoints() if e.method == operation.method and e.path == operation.path]
    assert len(found) == 1, f"{operation.id}: {len(found)} endpoints have {operation.method} {operation.path}"
    return found[0]


def methods(client: AsyncTrudyClient) -> Iterator[str]:
    def inside(namespace: Resource, prefix: str) -> Iterator[str]:
        for name in dir(type(namespace)):
            if name.startswith("_"):
                continue
            member = getattr(namespace, name)
            if isinstance(member, Resource):
                yield from inside(member, f"{prefix}{name}.")
            else:
                yield prefix + name

    for module in MODULES:
        yield from inside(getattr(client, module), f"{module}.")


with_method = pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - OPERATIONS_WITHOUT_METHOD.keys()))


def test_the_document_has_all_operations() -> None:
    assert len(OPERATIONS) == 67


def test_the_document_is_its_source_but_for_the_named_deviations() -> None:
    source = document()
    for pointer in DEVIATIONS_FROM_THE_SOURCE:
        *way, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.removeprefix("/").split("/"))
        holder = source
        for part in way:
            holder = holder[part]
        del holder[last]
    assert hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest() == SOURCE_DIGEST


@with_method
def test_an_operation_has_one_method(client: AsyncTrudyClient, name: str) -> None:
    endpoint = endpoint_for(OPERATIONS[name])
    assert inspect.isroutine(method_of(client, endpoint.name))


@with_method
def test_no_documented_parameter_is_missing(client: AsyncTrudyClient, name: str) -> None:
    operation = OPERATIONS[name]
    signature = inspect.signature(method_of(client, endpoint_for(operation).name))
    wanted = set(operation.parameters | operation.body)
    wanted -= {member for id_, member in PARAMETERS_LEFT_OUT if id_ == name}
    renamed = {member: other for (id_, member), (other, _) in PARAMETERS_UNDER_OTHER_NAMES.items() if id_ == name}
    assert {renamed.get(member, member) for member in wanted} <= signature.parameters.keys()
    assert "options" in signature.parameters


@with_method
def test_only_endpoints_that_know_the_key_take_one(client: AsyncTrudyClient, name: str) -> None:
    operation = OPERATIONS[name]
    endpoint = endpoint_for(operation)
    assert endpoint.sends_key == operation.takes_key
    signature = inspect.signature(method_of(client, endpoint.name))
    assert ("idempotency_key" in signature.parameters) == operation.takes_key


@with_method
def test_lists_page_and_nothing_else_does(name: str) -> None:
    operation = OPERATIONS[name]
    endpoint = endpoint_for(operation)
    assert (endpoint.paging is not None) == operation.pages
    style = {
        frozenset({"limit", "offset"}): "offset",
        frozenset({"page", "limit", "offset"}): "page",
        frozenset({"page", "page_size"}): "search",
        frozenset(): "none",
    }[(operation.parameters | operation.body) & {"page", "page_size", "limit", "offset"}]
    assert not operation.pages or endpoint.paging == style


@with_method
def test_closed_vocabularies_are_spelt_out_for_editors(client: AsyncTrudyClient, name: str) -> None:
    operation = OPERATIONS[name]
    parameters = inspect.signature(method_of(client, endpoint_for(operation).name)).parameters
    for name_, words in operation.words.items():
        annotation = parameters[name_].annotation
        assert words <= words_of(annotation), f"{name_}: {annotation} does not have {sorted(words)}"


def words_of(annotation: str) -> frozenset[str]:
    """The words of the literal types in an annotation, and of those that its names stand for."""
    aliases = [getattr(trudy.models, name) for name in re.findall(r"\w+", annotation) if name in trudy.models.__all__]
    spelt = (text for literal in re.findall(r"Literal\[([^\]]*)\]", annotation) for text in literal.split(","))
    return frozenset([*(w for a in aliases for w in get_args(a)), *(text.strip(" \"'") for text in spelt)])


def test_a_method_has_an_operation_or_a_reason(client: AsyncTrudyClient) -> None:
    with_endpoint = {endpoint.name for endpoint in endpoints()}
    assert set(methods(client)) == with_endpoint | METHODS_WITHOUT_OPERATION.keys()
    assert not with_endpoint & METHODS_WITHOUT_OPERATION.keys()


def test_an_endpoint_has_an_operation() -> None:
    documented = {(operation.method, operation.path) for operation in OPERATIONS.values()}
    assert {(e.method, e.path) for e in endpoints()} == documented - {
        (OPERATIONS[name].method, OPERATIONS[name].path) for name in OPERATIONS_WITHOUT_METHOD
    }


def test_the_exceptions_are_still_needed() -> None:
    for id_, member in PARAMETERS_LEFT_OUT.keys() | PARAMETERS_UNDER_OTHER_NAMES.keys():
        assert member in OPERATIONS[id_].body


@with_method
def test_a_path_leads_to_its_own_endpoint(name: str) -> None:
    operation = OPERATIONS[name]
    path = "/".join("some-id" if part.startswith("{") else part for part in operation.path.split("/"))
    assert endpoint_of(operation.method, path) is endpoint_for(operation)


def test_only_a_read_only_post_is_repeated() -> None:
    repeated = [e.name for e in endpoints() if e.method == "POST" and e.retry is RetryClass.REPEAT]
    assert repeated == ["telephony.numbers.search"]


MAY_BE_REPEATED = frozenset(("agents.create", "batch_calls.create", "tools.create", "telephony.numbers.search"))
"""The POSTs that do no harm when they are sent again, three of them because of the idempotency key."""


@pytest.mark.parametrize("endpoint", endpoints(), ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize(
    ("ending", "may_have_happened"),
    [
        (APIConnectionError("reset"), True),
        (APITimeoutError("no answer"), True),
        (answer(500), True),
        (answer(504, b"<html>"), True),
        (APIConnectionError("no route", request_sent=False), False),
        (answer(429), False),
    ],
    ids=["reset", "slow", "500", "504", "not sent", "429"],
)
@pytest.mark.anyio
async def test_no_error_calls_retryable_what_would_happen_twice(
    endpoint: Endpoint, ending: Ending, *, may_have_happened: bool
) -> None:
    request = evolve(request_for(endpoint.method, max_retries=0, max_rate_limit_wait=0.0), endpoint=endpoint)
    harmless = not may_have_happened or endpoint.method != "POST" or endpoint.name in MAY_BE_REPEATED
    with pytest.raises(TrudyError) as caught:
        raise to_error(request, await RetryStep(JumpingClock(), limited=False)(request, Script(ending)))
    assert caught.value.retryable is harmless
