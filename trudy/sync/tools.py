# Generated from trudy/resources/tools.py by `python -m trudy.codegen`; change the source, never this file.
"""`client.tools`: what agents may do during a call."""

from __future__ import annotations

from typing import Unpack

from trudy.bridge import SyncResource, bind
from trudy.models import Deleted, Tool, ToolDefinitionParam
from trudy.options import NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, Page
from trudy.resources.tools import AsyncTools


class Tools(SyncResource[AsyncTools]):
    """Tools: make, read, change and delete them."""

    def list(
        self,
        *,
        name: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> Page[Tool]:
        """List tools. `GET /tools`

        Args:
            name: only tools whose name contains this text.
            limit: at most so many tools, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: tools a request when iterating over all, 1 to 100.

        Returns:
            Tools page by page; iterate over it for all of them.
        """
        return Page(
            self._bridge.run(
                bind(self._async.list, name=name, limit=limit, offset=offset, page_size=page_size, **options)
            ),
            self._bridge.run,
        )

    def create(
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
        return self._bridge.run(
            bind(self._async.create, name=name, definition=definition, idempotency_key=idempotency_key, **options)
        )

    def get(self, tool_id: str, **options: Unpack[RequestOptions]) -> Tool:
        """Read one tool. `GET /tools/{tool_id}`

        Raises:
            NotFoundError: no such tool, or not yours.
        """
        return self._bridge.run(bind(self._async.get, tool_id, **options))

    def update(
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
        return self._bridge.run(bind(self._async.update, tool_id, name=name, definition=definition, **options))

    def delete(self, tool_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a tool. `DELETE /tools/{tool_id}`

        Raises:
            NotFoundError: no such tool, or not yours.
        """
        return self._bridge.run(bind(self._async.delete, tool_id, **options))
