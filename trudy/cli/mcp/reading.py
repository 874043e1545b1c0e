"""Tools that read: one for each operation of the tables that changes nothing, with the schema of its arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import frozen

from trudy.cli.mcp.results import shortened
from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup
from trudy.cli.operations.tables import RESOURCES

if TYPE_CHECKING:
    from trudy import AsyncTrudyClient
    from trudy.models import Agent
    from trudy.pagination import AsyncPage

Schema: TypeAlias = dict[str, Any]
DEFAULT_LIMIT: Final = 20
"""Objects of a list where the agent asks for no number: more of them fill its memory before it knows what it needs."""
MOST: Final = 100
"""The most objects that one request gives."""
_SEARCH: Final = "POST /telephony/numbers/search"
"""The one operation that reads by POST."""
_LEFT_OUT: Final = frozenset({"page_size", "api_key"})
"""How many requests a walk takes is decided here, and no agent should hold the key of a carrier."""


@frozen(kw_only=True)
class ReadingTool:
    """A tool that reads.

    Attributes:
        name: such as `calls_get_transcript`.
        description: what it does, in the words of the library.
        schema: JSON Schema of its arguments.
        operation: what the table says of it.
    """

    name: str
    description: str
    schema: Schema
    operation: ApiCommand

    async def run(self, client: AsyncTrudyClient, arguments: Mapping[str, object]) -> dict[str, object]:
        """Ask the API; arguments have been checked by the schema.

        Raises:
            TrudyError: as the client's method does.
        """
        named = dict(arguments)
        positional = [named.pop(one.name) for one in self.operation.arguments if one.is_positional]
        method: Callable[..., Awaitable[Any]] = attrgetter(self.operation.name)(client)
        if self.operation.result != "pages":
            found: Agent | Sequence[Agent] = await method(*positional, **named)
            return _listed(found) if isinstance(found, Sequence) else found.to_dict()
        if any(one.name == "limit" for one in self.operation.arguments):
            named.setdefault("limit", DEFAULT_LIMIT)
        page: AsyncPage[Agent] = await method(*positional, **named)
        return {**_listed(page.data), "total": page.pagination.total}


def _listed(found: Sequence[Agent]) -> dict[str, object]:
    rows = [shortened(row.to_dict()) for row in found[:MOST]]
    return {"items": rows, "count": len(rows)}


def reading_tools() -> Iterator[ReadingTool]:
    """All of them, in the order of the API."""
    for resource in RESOURCES:
        table = import_module(f"trudy.cli.operations.tables.{resource.replace('-', '_')}")
        for operation in _operations(table.GROUP):
            if reads(operation):
                yield _tool(operation)


def reads(operation: ApiCommand) -> bool:
    """Whether it changes nothing anywhere: not on the server, and no file here. What waits for minutes is left out."""
    names = {argument.name for argument in operation.arguments}
    changes_nothing = operation.endpoint.startswith("GET ") or operation.endpoint == _SEARCH
    writes_file = any(argument.kind in ("path", "paths") for argument in operation.arguments)
    return changes_nothing and not writes_file and "max_wait" not in names and operation.result != "steps"


def _operations(group: ApiGroup) -> Iterator[ApiCommand]:
    yield from group.operations
    for inner in group.inner:
        yield from _operations(inner)


def _tool(operation: ApiCommand) -> ReadingTool:
    arguments = [argument for argument in operation.arguments if argument.name not in _LEFT_OUT]
    schema: Schema = {
        "type": "object",
        "properties": {argument.name: _schema(argument) for argument in arguments},
        "required": [argument.name for argument in arguments if argument.is_required],
        "additionalProperties": False,
    }
    name = operation.name.replace(".", "_").strip("_")
    return ReadingTool(
        name=name, description=f"{operation.summary} {operation.endpoint}", schema=schema, operation=operation
    )


def _schema(argument: ApiArgument) -> Schema:
    told = f"{argument.help} One of: {', '.join(argument.words)}." if argument.words else argument.help
    if argument.name == "limit":
        return {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT, "description": _LIMIT}
    match argument.kind:
        case "word":
            return {"type": "string", "enum": list(argument.words), "description": argument.help}
        case "whole":
            return {"type": "integer", "minimum": 0, "description": told}
        case "instant":
            return {"type": "string", "format": "date-time", "description": f"{told} ISO 8601 with a zone."}
        case "mapping":
            return {"type": "object", "description": told}
        case "text":
            return {"type": "string", "minLength": 1, "description": told}
        case _:
            raise TypeError(f"no schema for {argument.kind} of {argument.name}")


_LIMIT: Final = "At most so many."
