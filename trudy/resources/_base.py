"""What every namespace shares: makes a request of a method's arguments, and a model or a list of its answer."""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from trudy import _checks
from trudy._answer_facts import as_mapping, as_rows
from trudy._cursors import PAGE_SIZE, Cursor, Numbered, Offset, Whole
from trudy._hidden import Hidden, forgetful, forms, hides_arguments
from trudy.errors import InvalidArgumentError, TrudyError
from trudy.options import NotGiven, OnUnknown, QueryValue
from trudy.pagination import AsyncPager, FetchedRows, InvalidRow
from trudy.pipeline.decode import undecodable
from trudy.resources._documented import check_shape, check_words, closed

if TYPE_CHECKING:
    from trudy._settings import Settings
    from trudy.models import BulkDeleteResult, Deleted
    from trudy.options import RequestOptions
    from trudy.pipeline.core import Content, Core
    from trudy.request import Endpoint, Reconciler, Request, Response

T = TypeVar("T")
Query = Mapping[str, QueryValue | NotGiven | None]
logger = logging.getLogger("trudy")
_SHORTEST_SECRET: Final = 4
"""Shorter texts are not masked in errors: they would be found in ordinary words."""
_HALF: Final = re.compile(r"[\ud800-\udfff]")
"""Half of a character: JSON may escape one by itself, and UTF-8 cannot hold it."""


class Resource:
    """A namespace. It holds the client's core, so that `TrudyClient().agents.list()` works, and the options.

    A client keeps its namespaces, and they have a `__dict__`, so that tests can patch their methods.
    """

    def __init_subclass__(cls) -> None:
        hides_arguments(cls)

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
        content: Content | None = None,
        idempotency_key: str | None = None,
        on_unknown: OnUnknown = "raise",
        reconcile: Reconciler | None = None,
    ) -> Request:
        path = endpoint.path
        if ids:
            path = path.format(**{name: _checks.identifier(value, name) for name, value in ids.items()})
        return self._core.build(
            endpoint,
            self._settings.merged(options) if options else self._settings,
            path=path,
            query=query,
            body=body,
            content=content,
            idempotency_key=idempotency_key,
            on_unknown=on_unknown,
            reconcile=reconcile,
        )

    @forgetful
    async def _act(self, request: Request, model: type[T], **asked_for: object) -> T:
        """Send a request that is done once the server says 2xx, where no page tells what the answer holds.

        A member that the model needs and the answer lacks is taken from `asked_for`.
        """
        from trudy.models import ModelError, decode

        response = await self._core.send(request)
        answer = as_mapping(response.facts.data) or {}
        meta = self._core.meta(request, response)
        try:
            return decode(model, answer, meta)
        except ModelError:
            return decode(model, {**answer, **asked_for}, meta)

    async def _delete(self, endpoint: Endpoint, options: RequestOptions, ids: Mapping[str, object]) -> Deleted:
        """Servers answer a delete with `{id, deleted}`, with other words, or with 204 and nothing."""
        from trudy.models import Deleted

        request = self._build(endpoint, options, ids=ids)
        response = await self._core.send(request)
        answer = as_mapping(response.facts.data) or {}
        deleted = answer.get("deleted", answer.get("success", True))
        return Deleted(
            id=str(list(ids.values())[-1]), deleted=deleted is not False, meta=self._core.meta(request, response)
        )

    async def _bulk_delete(self, endpoint: Endpoint, options: RequestOptions, ids: Sequence[str]) -> BulkDeleteResult:
        from trudy.models import BulkDeleteResult

        _checks.identifiers(ids, "ids")
        return await self._core.fetch(self._build(endpoint, options, body={"ids": [*ids]}), BulkDeleteResult)

    def _list(
        self,
        endpoint: Endpoint,
        model: type[T],
        options: RequestOptions,
        *,
        query: Query | None = None,
        body: Mapping[str, object] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        ids: Mapping[str, object] | None = None,
        key: str = "id",
        secrets: Sequence[object] = (),
    ) -> AsyncPager[T]:
        """A list, paged as its endpoint says.

        `key` names the attribute that tells rows from each other; errors do not show the texts in `secrets`.
        """
        check_words(query or {}, model)
        if limit is not None:
            _checks.whole(limit, 1, PAGE_SIZE, "limit")
        if offset is not None:
            _checks.whole(offset, 0, None, "offset")
        _checks.whole(page_size, 1, PAGE_SIZE, "page_size")

        hidden = Hidden(tuple(secrets))

        def request(cursor: Mapping[str, int]) -> Request:
            if endpoint.method == "POST":
                return self._build(endpoint, options, ids=ids, query=query, body={**(body or {}), **cursor})
            return self._build(endpoint, options, ids=ids, query={**(query or {}), **cursor})

        async def fetch(cursor: Cursor) -> FetchedRows[T]:
            with redacted_errors(*hidden.reveal()):
                asked = request(cursor.query())
                return await self._core.read(asked, lambda response: self._rows(asked, response, model, cursor, key))

        request({})
        return AsyncPager(fetch, _first_page(endpoint, limit, offset, page_size))

    def _rows(self, request: Request, response: Response, model: type[T], cursor: Cursor, key: str) -> FetchedRows[T]:
        from trudy.models import ModelError, Pagination, decode
        from trudy.models._converter import without_deep_members

        answer = response.facts
        rows = as_rows(answer.data)
        if rows is None:
            raise undecodable(request, response, "the data is no list")
        meta = self._core.meta(request, response)
        pagination = decode(Pagination, dict(answer.pagination))
        try:
            window = range(len(rows))[cursor.window(len(rows), pagination)]
        except ValueError as fault:
            raise undecodable(request, response, str(fault)) from None
        items: list[tuple[str | None, T]] = []
        invalid: list[InvalidRow] = []
        for index in window:
            try:
                item = decode(model, rows[index], meta)
            except ModelError as fault:
                logger.warning("%s: row %d is left out: %s", request.endpoint.name, index, fault)
                invalid.append(InvalidRow(index=index, reason=str(fault), raw=without_deep_members(rows[index])))
            else:
                items.append((getattr(item, key), item))
        return FetchedRows(items=items, invalid=tuple(invalid), count=len(rows), pagination=pagination, meta=meta)


def _first_page(endpoint: Endpoint, limit: int | None, offset: int | None, page_size: int) -> Cursor:
    match endpoint.paging:
        case "page":
            return Numbered.start(limit, offset, page_size)
        case "search":
            return Numbered.start(limit, offset, page_size, most=page_size, size_name="page_size")
        case "none":
            return Whole()
        case _:
            return Offset.start(limit, offset, page_size)


def body_of(**members: object) -> dict[str, object]:
    """A JSON object of the members that were given; `None` is given, and means null.

    Members of documented objects are checked.
    """
    body = {
        name: written(closed(value, name), name) for name, value in members.items() if not isinstance(value, NotGiven)
    }
    for name, value in body.items():
        check_shape(value, name)
    return body


def written(value: object, name: str) -> Any:
    """The JSON form of an argument, or of a part of it such as `contacts[3]`; an error names it."""
    from trudy.models import to_wire

    argument = name.partition("[")[0]
    try:
        wire = to_wire(value)
        is_unicode = _is_unicode(wire)
    except InvalidArgumentError as fault:
        raise InvalidArgumentError(f"{name}: {fault.message}", argument=argument) from None
    except RecursionError:
        raise InvalidArgumentError(f"{name} holds itself, or is nested too deep", argument=argument) from None
    if not is_unicode:
        raise InvalidArgumentError(f"{name} holds text that is no Unicode", argument=argument)
    return wire


def _is_unicode(wire: object) -> bool:
    """Whether UTF-8 can hold all texts; `to_wire` lets halves of characters pass, since servers send them escaped."""
    if isinstance(wire, str):
        return wire.isascii() or _HALF.search(wire) is None
    if isinstance(wire, list):
        return all(map(_is_unicode, cast("list[object]", wire)))
    if isinstance(wire, dict):
        return all(_is_unicode(part) for member in cast("dict[str, object]", wire).items() for part in member)
    return True


@contextmanager
def redacted_errors(*values: object) -> Generator[None]:
    """Replace each of these texts by `***` in the message, code and details of an error raised inside."""
    secrets = [
        form for value in values if isinstance(value, str) and len(value) >= _SHORTEST_SECRET for form in forms(value)
    ]
    try:
        yield
    except TrudyError as error:
        error.message = cast(str, _without(error.message, secrets))
        error.args = (error.message,)
        error.code = cast(str, _without(error.code, secrets))
        error.details = MappingProxyType(cast(dict[str, object], _without(error.details, secrets)))
        raise


def _without(value: object, secrets: Sequence[str]) -> object:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "***")
        return value
    if isinstance(value, Mapping):
        members = cast(Mapping[object, object], value)
        return {_without(key, secrets): _without(member, secrets) for key, member in members.items()}
    if isinstance(value, list | tuple):
        return [_without(item, secrets) for item in cast(Sequence[object], value)]
    return value
