from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fakes.wire import Wire, envelope, rows
from trudy import AsyncTrudyClient, InvalidArgumentError
from trudy.models import HttpTool, ToolParameter

Use = Callable[[AsyncTrudyClient], Awaitable[object]]
BOOK = HttpTool(
    url="https://shop.test/book",
    method="POST",
    name="book",
    description="Book a table.",
    parameters=[
        ToolParameter(name="day", description="Which day", enum=["mon", "tue"]),
        ToolParameter(name="seats", type="integer", required=False, location="query"),
        ToolParameter(name="note", schema={"type": "string", "maxLength": 20}),
        ToolParameter(name="X-Api-Key", location="header", value="s3cret"),
    ],
    security={"options": [{"requirements": {}}]},
)
BOOK_ON_THE_WIRE = {
    "modelToolName": "book",
    "type": "http",
    "description": "Book a table.",
    "dynamicParameters": [
        {
            "name": "day",
            "location": "PARAMETER_LOCATION_BODY",
            "schema": {"type": "string", "description": "Which day", "enum": ["mon", "tue"]},
            "required": True,
        },
        {
            "name": "seats",
            "location": "PARAMETER_LOCATION_QUERY",
            "schema": {"type": "integer"},
            "required": False,
        },
        {
            "name": "note",
            "location": "PARAMETER_LOCATION_BODY",
            "schema": {"type": "string", "maxLength": 20},
            "required": True,
        },
    ],
    "staticParameters": [{"name": "X-Api-Key", "location": "PARAMETER_LOCATION_HEADER", "value": "s3cret"}],
    "http": {"baseUrlPattern": "https://shop.test/book", "httpMethod": "POST"},
    "requirements": {"httpSecurityOptions": {"options": [{"requirements": {}}]}},
}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("use", "method", "path", "body"),
    [
        (lambda c: c.tools.get("t1"), "GET", "/tools/t1", None),
        (lambda c: c.tools.delete("t1"), "DELETE", "/tools/t1", None),
        (lambda c: c.tools.create(name="N"), "POST", "/tools", {"name": "N"}),
        (
            lambda c: c.tools.create(definition={"modelToolName": "n", "any": [None, {"x": 1}]}),
            "POST",
            "/tools",
            {"definition": {"modelToolName": "n", "any": [None, {"x": 1}]}},
        ),
        (
            lambda c: c.tools.create(name="Book", definition=BOOK),
            "POST",
            "/tools",
            {"name": "Book", "definition": BOOK_ON_THE_WIRE},
        ),
        (lambda c: c.tools.update("t1", definition=None), "PATCH", "/tools/t1", {"definition": None}),
        (lambda c: c.tools.update("t1", name="M"), "PATCH", "/tools/t1", {"name": "M"}),
    ],
)
async def test_what_goes_over_the_wire(
    client: AsyncTrudyClient, wire: Wire, use: Use, method: str, path: str, body: object
) -> None:
    await use(client)
    assert (wire.last.method, wire.last.path, wire.last.body) == (method, path, body)
    assert ("x-idempotency-key" in wire.last.headers) == (method == "POST")


@pytest.mark.anyio
async def test_a_key_of_ones_own_is_sent_and_shown(client: AsyncTrudyClient, wire: Wire) -> None:
    tool = await client.tools.create(name="N", idempotency_key="mine")
    assert wire.last.headers["x-idempotency-key"] == "mine"
    assert tool.meta is not None
    assert tool.meta.idempotency_key == "mine"


@pytest.mark.anyio
async def test_lists_filter_and_page(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(rows("a", has_more=False))
    assert [tool.id async for tool in client.tools.list(name="book", limit=5, offset=2)] == ["a"]
    assert wire.last.query == {"name": "book", "limit": "5", "offset": "2"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("use", "argument"),
    [
        (lambda c: c.tools.create(), "name"),
        (lambda c: c.tools.create(definition={}), "name"),
        (lambda c: c.tools.create(name=""), "name"),
        (lambda c: c.tools.create(name="x" * 256), "name"),
        (lambda c: c.tools.create(name="N", definition="x"), "definition"),
        (lambda c: c.tools.update("t", name=""), "name"),
        (lambda c: c.tools.update(""), "tool_id"),
    ],
)
async def test_bad_arguments_are_refused_before_anything_is_sent(
    client: AsyncTrudyClient, wire: Wire, use: Use, argument: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await use(client)
    assert caught.value.argument == argument
    assert wire.sent == []


@pytest.mark.parametrize(
    "facts",
    [
        {"url": "shop.test"},
        {"url": "ftp://shop.test"},
        {"url": "https://shop.test", "method": "HEAD"},
        {"url": "https://shop.test", "name": "two words"},
        {"url": "https://shop.test", "name": "x" * 65},
        {"url": "https://shop.test", "name": ""},
    ],
)
def test_a_tool_that_cannot_be_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        HttpTool(**facts)


def test_a_parameter_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="needs a name"):
        ToolParameter(name="")
    with pytest.raises(InvalidArgumentError, match="location"):
        ToolParameter(name="a", location="cookie")  # type: ignore[arg-type]


@pytest.mark.parametrize("parameters", [[{"name": "a"}], ["a"], "a", ToolParameter(name="a"), None])
def test_what_is_no_list_of_parameters_is_refused(parameters: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="ToolParameter") as caught:
        HttpTool(url="https://shop.test", parameters=parameters)
    assert caught.value.argument == "parameters"


@pytest.mark.parametrize(
    ("method", "location"),
    [("GET", "QUERY"), ("DELETE", "QUERY"), ("POST", "BODY"), ("PUT", "BODY"), ("PATCH", "BODY")],
)
def test_a_parameter_goes_where_its_method_has_room(method: Any, location: str) -> None:
    tool = HttpTool(url="https://shop.test", method=method, parameters=[ToolParameter(name="a")])
    (parameter,) = tool.to_dict()["dynamicParameters"]
    assert parameter["location"] == f"PARAMETER_LOCATION_{location}"


def test_a_null_may_be_sent_each_time() -> None:
    tool = HttpTool(url="https://shop.test", parameters=[ToolParameter(name="a", value=None)])
    assert tool.to_dict()["staticParameters"] == [{"name": "a", "location": "PARAMETER_LOCATION_QUERY", "value": None}]


def test_a_tool_shows_none_of_its_secrets() -> None:
    tool = HttpTool(
        url="https://user:pass@shop.test/x?key=s3cret",
        parameters=[ToolParameter(name="a", value="s3cret")],
        security={"token": "s3cret"},
    )
    assert "s3cret" not in repr(tool)
    assert "pass" not in repr(tool)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "row",
    [
        {"url": "https://x.test", "method": "POST", "description": "d"},
        {"definition": {"http": {"url": "https://x.test", "method": "POST"}, "description": "d"}},
        {"definition": {"http": {"baseUrlPattern": "https://x.test", "httpMethod": "POST"}, "description": "d"}},
        {"definition": {"base_url": "https://x.test", "method": "POST", "description": "d"}, "url": None},
    ],
)
async def test_all_forms_of_a_definition_read_alike(
    client: AsyncTrudyClient, wire: Wire, row: dict[str, object]
) -> None:
    wire.answer(envelope({"id": "t1", "name": "N", **row}))
    tool = await client.tools.get("t1")
    assert (tool.url, tool.method, tool.description) == ("https://x.test", "POST", "d")
