"""What every namespace shares: the way from a method's arguments through the pipeline to a model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from trudy import _checks
from trudy.options import NotGiven, QueryValue
from trudy.pagination import PAGE_SIZE, AsyncPager, Cursor, InvalidRow, Offset, Rows
from trudy.pipeline.decode import as_mapping, as_rows, envelope, undecodable

if TYPE_CHECKING:
    from trudy._settings import Settings
    from trudy.models import Deleted
    from trudy.options import RequestOptions
    from trudy.pipeline.core import Core
    from trudy.pipeline.request import Endpoint, Request

T = TypeVar("T")
Query = Mapping[str, QueryValue | NotGiven | None]
logger = logging.getLogger("trudy")


class Resource:
    """A namespace: the client's core, held strongly so that `TrudyClient().agents.list()` works, and the options."""

    __slots__ = ("_core", "_settings")

    def __init__(self, core: Core, settings: Settings) -> None:
        self._core = core
        self._settings = settings

    def _build(
        self,
        endpoint: Endpoint,
        options: RequestOptions,
        *,
        ids: Mapping[str, object] | None = None,
        query: Query | None = None,
        body: Mapping[str, object] | None = None,
        idempotency_key: str | None = None,
    ) -> Request:
        path = endpoint.path
        if ids:
            path = path.format(**{name: _checks.identifier(value, name) for name, value in ids.items()})
        return self._core.build(
            endpoint,
            self._settings.merged(options),
            path=path,
            query=query,
            body=body,
            idempotency_key=idempotency_key,
        )

    async def _delete(self, endpoint: Endpoint, options: RequestOptions, ids: Mapping[str, object]) -> Deleted:
        """Servers answer a delete with `{id, deleted}`, with other words, or with 204 and nothing."""
        from trudy.models import Deleted

        request = self._build(endpoint, options, ids=ids)
        response = await self._core.send(request)
        answer = as_mapping(envelope(response).data) or {}
        deleted = answer.get("deleted", answer.get("success", True))
        return Deleted(
            id=str(next(iter(ids.values()))), deleted=deleted is not False, meta=self._core.meta(request, response)
        )

    def _list(
        self,
        endpoint: Endpoint,
        model: type[T],
        options: RequestOptions,
        *,
        query: Query,
        limit: int | None,
        offset: int | None,
        page_size: int,
        ids: Mapping[str, object] | None = None,
    ) -> AsyncPager[T]:
        if limit is not None:
            _checks.whole(limit, 1, PAGE_SIZE, "limit")
        if offset is not None:
            _checks.whole(offset, 0, None, "offset")
        _checks.whole(page_size, 1, PAGE_SIZE, "page_size")
        self._build(endpoint, options, ids=ids, query=query)

        async def fetch(cursor: Cursor) -> Rows[T]:
            request = self._build(endpoint, options, ids=ids, query={**query, **cursor.query()})
            return await self._rows(request, model)

        return AsyncPager(fetch, Offset.start(limit, offset, page_size))

    async def _rows(self, request: Request, model: type[T]) -> Rows[T]:
        from trudy.models import ModelError, Pagination, decode

        response = await self._core.send(request)
        answer = envelope(response)
        rows = as_rows(answer.data)
        if rows is None:
            raise undecodable(request, response, "the data is no list")
        meta = self._core.meta(request, response)
        items: list[tuple[str, T]] = []
        invalid: list[InvalidRow] = []
        for index, row in enumerate(rows):
            try:
                item = decode(model, row, meta)
            except ModelError as fault:
                logger.warning("%s: row %d is left out: %s", request.endpoint.name, index, fault)
                invalid.append(InvalidRow(index=index, reason=str(fault), raw=row))
            else:
                items.append((str(getattr(item, "id", index)), item))
        return Rows(
            items=items,
            invalid=tuple(invalid),
            count=len(rows),
            pagination=decode(Pagination, dict(answer.pagination)),
            meta=meta,
        )


def body_of(**members: object) -> dict[str, object]:
    """A JSON object of the members that were given; `None` is given, and means null."""
    from trudy.models import to_wire

    return {name: to_wire(value) for name, value in members.items() if not isinstance(value, NotGiven)}
