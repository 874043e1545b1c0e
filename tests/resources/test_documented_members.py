"""Every documented member reaches the wire: by its name, in its place, with its value, and as null where it may be."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.wire import Wire, envelope, rows
from tests.resources.test_operations import (
    OPERATIONS,
    OPERATIONS_WITHOUT_METHOD,
    PARAMETERS_LEFT_OUT,
    PARAMETERS_UNDER_OTHER_NAMES,
    document,
    endpoint_for,
    method_of,
)
from trudy import AsyncTrudyClient

pytestmark = pytest.mark.anyio

JSON = "application/json"
PATTERNS = {r"^\+[1-9]\d{1,14}$": "+1415555", r"^\d{2}:\d{2}$": "09:"}
WORDS = {"direction": "inbound", "status": "failed", "phone_number_type": "mobile"}
"""Closed in the client, and text in the document."""
FILE = b"phone,name\r\n+14155552671,Ada\r\n"
ENCODED = base64.b64encode(FILE).decode()

NOT_TOGETHER = {
    ("list_contacts", "offset"): "page says where to begin as well; sent alone it is turned into a page",
}
NEVER_NULL = {
    ("import_phone_number", "sip_username"): "a custom SIP needs it",
    ("import_phone_number", "sip_password"): "a custom SIP needs it",
    ("import_phone_number", "sip_server"): "a custom SIP needs it",
}
ALSO_NEEDED = {
    "import_phone_number": ("sip_username", "sip_password", "sip_server"),
    "search_phone_numbers": ("page", "page_size"),
}
NUMBER = envelope({"id": "an-id", "phone_number": "+14155552671"})
ANSWERS: Mapping[str, httpx.Response] = {
    "create_webrtc_call": httpx.Response(
        200, json={"joinUrl": "wss://voice.ultravox.ai/x", "callId": "c", "agentName": "A"}
    ),
    "get_agent_webhook_url": envelope({"webhook_url": "https://example.test/hook"}),
    "import_phone_number": NUMBER,
    "purchase_phone_number": NUMBER,
}
"""Where an object with an id is not enough."""


class Members(NamedTuple):
    """What an operation documents."""

    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    required: frozenset[str]


def resolved(node: Any) -> Any:
    while "$ref" in node:
        target: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


DOCUMENT = document()


def members_of(name: str) -> Members:
    operation = DOCUMENT["paths"][OPERATIONS[name].path][OPERATIONS[name].method.lower()]
    parameters = [resolved(p) for p in operation.get("parameters", ())]
    content = operation.get("requestBody", {}).get("content", {})
    body = resolved(content[JSON]["schema"]) if JSON in content else {}
    return Members(
        path={p["name"]: p["schema"] for p in parameters if p["in"] == "path"},
        query={p["name"]: p["schema"] for p in parameters if p["in"] == "query" and (name, p["name"]) not in LEFT_OUT},
        body={n: schema for n, schema in body.get("properties", {}).items() if (name, n) not in LEFT_OUT},
        required=frozenset(body.get("required", ())),
    )


LEFT_OUT = PARAMETERS_LEFT_OUT.keys() | NOT_TOGETHER.keys()


def value_for(schema: Any, name: str) -> Any:
    """A value that the schema allows, as much as may be unlike those of other members."""
    schema = resolved(schema)
    if "anyOf" in schema:
        return value_for(schema["anyOf"][0], name)
    if name in WORDS:
        return WORDS[name]
    if "enum" in schema:
        return [word for word in schema["enum"] if word is not None][-1]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    number = 10 + sum(name.encode()) % 40
    match kind:
        case "string" if schema.get("pattern") in PATTERNS:
            return f"{PATTERNS[schema['pattern']]}{number}"
        case "string":
            formats = {"date-time": f"2027-01-15T09:{number}:00Z", "uri": f"https://example.test/{name}"}
            return formats.get(schema.get("format"), f"a-{name}")
        case "integer":
            return max(schema.get("minimum", 0), min(number, schema.get("maximum", number)))
        case "number":
            return number / 50
        case "boolean":
            return True
        case "array":
            return [value_for(schema["items"], name)]
        case _:
            inside = {n: value_for(s, f"{name}-{n}") for n, s in schema.get("properties", {}).items()}
            return inside or {"a": f"a-{name}"}


def nullable(schema: Any) -> bool:
    kinds = schema.get("type")
    return (isinstance(kinds, list) and "null" in kinds) or {"type": "null"} in schema.get("anyOf", ())


async def use(client: AsyncTrudyClient, wire: Wire, name: str, arguments: Mapping[str, Any]) -> None:
    if name in ANSWERS:
        wire.answer(ANSWERS[name])
    elif OPERATIONS[name].pages:
        wire.answer(rows())
    answer: Any = method_of(client, endpoint_for(OPERATIONS[name]).name)(**arguments)
    await answer


def path_of(name: str, arguments: Mapping[str, str]) -> str:
    return OPERATIONS[name].path.format(**arguments)


def as_argument(name: str, member: str, value: Any) -> tuple[str, Any]:
    """The argument by which the value is given; files are given as they are, and encoded by the client."""
    argument, _ = PARAMETERS_UNDER_OTHER_NAMES.get((name, member), (member, ""))
    if (name, member) == ("add_kb_document_source", "file"):
        return argument, ("a.pdf", FILE)
    if (name, member) == ("clone_voice", "files"):
        return argument, [("a.mp3", FILE)]
    return argument, value


def on_the_wire(name: str, member: str, value: Any) -> Any:
    if (name, member) == ("add_kb_document_source", "file"):
        return {"filename": "a.pdf", "content_type": "application/pdf", "data": ENCODED}
    if (name, member) == ("clone_voice", "files"):
        return [{"filename": "a.mp3", "content_type": "audio/mpeg", "data": ENCODED}]
    return value


WITH_A_TEST_OF_ITS_OWN = {"import_contacts": "two forms of a file: test_contacts.py"}
NAMES = sorted(OPERATIONS.keys() - OPERATIONS_WITHOUT_METHOD.keys() - WITH_A_TEST_OF_ITS_OWN.keys())


@pytest.mark.parametrize("name", NAMES)
async def test_every_member_is_sent(client: AsyncTrudyClient, wire: Wire, name: str) -> None:
    members = members_of(name)
    ids = {n: value_for(schema, n) for n, schema in members.path.items()}
    query = {n: value_for(schema, n) for n, schema in members.query.items()}
    body = {n: value_for(schema, n) for n, schema in members.body.items()}
    await use(client, wire, name, {**ids, **query, **dict(as_argument(name, n, v) for n, v in body.items())})
    assert (wire.last.method, wire.last.path) == (OPERATIONS[name].method, path_of(name, ids))
    assert wire.last.query == {n: str(v) for n, v in query.items()}
    assert (wire.last.body or {}) == {n: on_the_wire(name, n, v) for n, v in body.items()}


async def test_an_offset_becomes_a_page_where_pages_are_numbered(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(rows())
    await client.contacts.list(offset=14, limit=7)
    assert wire.last.query == {"page": "3", "limit": "7"}


@pytest.mark.parametrize("name", NAMES)
def test_no_two_members_have_the_same_value(name: str) -> None:
    """Or the test above could not see them exchanged."""
    members = members_of(name)
    values = [
        str(value)
        for where in (members.path, members.query, members.body)
        for member, schema in where.items()
        if not isinstance(value := value_for(schema, member), bool)
    ]
    assert len(set(values)) == len(values)


NULLS = [
    (name, member)
    for name in NAMES
    for member, schema in members_of(name).body.items()
    if nullable(schema) and (name, member) not in NEVER_NULL
]


@pytest.mark.parametrize(("name", "member"), NULLS)
async def test_none_is_sent_as_null(client: AsyncTrudyClient, wire: Wire, name: str, member: str) -> None:
    members = members_of(name)
    ids = {n: value_for(schema, n) for n, schema in members.path.items()}
    needed = {n: value_for(members.body[n], n) for n in {*members.required, *ALSO_NEEDED.get(name, ())}}
    given = {**ids, **dict(as_argument(name, n, v) for n, v in needed.items()), member: None}
    await use(client, wire, name, given)
    assert wire.last.body == {**{n: on_the_wire(name, n, v) for n, v in needed.items()}, member: None}


@pytest.mark.parametrize("method", ["create", "create_and_wait"])
async def test_a_call_is_created_with_all_members(client: AsyncTrudyClient, wire: Wire, method: str) -> None:
    """And `direction`, which only the page of the SDK has."""
    body = {n: value_for(schema, n) for n, schema in members_of("create_call").body.items()} | {"direction": "outbound"}
    wire.answer(envelope({"id": "c1", "status": "completed"}))
    await getattr(client.calls, method)(**body)
    assert wire.sent[0].body == body
