"""`client.tools`: what agents may do during a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Unpack

from trudy import _checks
from trudy.errors import InvalidArgumentError
from trudy.models import Deleted, HttpTool, Tool, ToolDefinitionParam
from trudy.options import NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, AsyncPager
from trudy.request import Endpoint, RetryClass
from trudy.resources._base import Resource, body_of

LIST: Final = Endpoint(name="tools.list", method="GET", path="/tools", paging="offset")
CREATE: Final = Endpoint(name="tools.create", method="POST", path="/tools", retry=RetryClass.KEYED, creates="tool")
GET: Final = Endpoint(name="tools.get", method="GET", path="/tools/{tool_id}")
UPDATE: Final = Endpoint(name="tools.update", method="PATCH", path="/tools/{tool_id}")
DELETE: Final = Endpoint(name="tools.delete", method="DELETE", path="/tools/{tool_id}")


class AsyncTools(Resource):
    """Tools: make, read, change and delete them."""

    def list(
        self,
        *,
        name: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> AsyncPager[Tool]:
        """List tools. `GET /tools`

        Args:
            name: only tools whose name contains this text.
            limit: at most so many tools, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: tools a request when iterating over all, 1 to 100.

        Returns:
            Tools page by page; iterate over it for all of them.
        """
        return self._list(LIST, Tool, options, query={"name": name}, limit=limit, offset=offset, page_size=page_size)

    async def create(
        self,
        *,
        name: str | NotGiven = NOT_GIVEN,
        definition: ToolDefinitionParam | NotGiven = NOT_GIVEN,
        idempotency_key: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Tool:
        """Make a tool. `POST /tools`

        Args:
            name: 1 to 255 characters; may be left out only where the definition has a `modelToolName`.
            definition: a `trudy.models.HttpTool`, or a mapping in any form that the server knows, which goes out as it
                is.
            idempotency_key: a key of your own for this create; made by itself if left out.

        Raises:
            InvalidArgumentError: an argument is bad; nothing was sent.
            ValidationError: the server refused the definition.
        """
        members = body_of(name=name, definition=_definition(definition))
        _check(members)
        if "name" not in members and not _has_name(members.get("definition")):
            raise InvalidArgumentError("name is needed where the definition has no modelToolName", argument="name")
        request = self._build(CREATE, options, body=members, idempotency_key=idempotency_key)
        return await self._core.fetch(request, Tool)

    async def get(self, tool_id: str, **options: Unpack[RequestOptions]) -> Tool:
        """Read one tool. `GET /tools/{tool_id}`

        Raises:
            NotFoundError: no such tool, or not yours.
        """
        return await self._core.fetch(self._build(GET, options, ids={"tool_id": tool_id}), Tool)

    async def update(
        self,
        tool_id: str,
        *,
        name: str | NotGiven | None = NOT_GIVEN,
        definition: ToolDefinitionParam | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> Tool:
        """Change a tool; only what is given changes, `None` clears. `PATCH /tools/{tool_id}`

        The arguments are those of `create`.

        Raises:
            NotFoundError: no such tool, or not yours.
            ValidationError: the server refused the definition.
        """
        members = body_of(name=name, definition=_definition(definition))
        _check(members)
        return await self._core.fetch(self._build(UPDATE, options, ids={"tool_id": tool_id}, body=members), Tool)

    async def delete(self, tool_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a tool. `DELETE /tools/{tool_id}`

        Raises:
            NotFoundError: no such tool, or not yours.
        """
        return await self._delete(DELETE, options, {"tool_id": tool_id})


def _definition(value: ToolDefinitionParam | NotGiven | None) -> Mapping[str, object] | NotGiven | None:
    return value.to_dict() if isinstance(value, HttpTool) else value


def _has_name(definition: object) -> bool:
    return isinstance(definition, Mapping) and bool(definition.get("modelToolName"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _check(members: Mapping[str, object]) -> None:
    if members.get("name") is not None:
        _checks.non_empty(members["name"], "name")
        _checks.no_longer_than(members["name"], 255, "name")
    definition = members.get("definition")
    if definition is not None and not isinstance(definition, Mapping):
        raise InvalidArgumentError("definition must be an HttpTool or a mapping", argument="definition")
