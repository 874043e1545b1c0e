"""The arguments and results of the routes' handlers: a checked request, a reply, and the pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from trudy.sandbox.faults.rules import NO_FAULT, Fault
from trudy.sandbox.http import problems
from trudy.sandbox.http.connection import ClientConnection
from trudy.sandbox.http.contract import Json, Operation
from trudy.sandbox.http.problems import Problem

if TYPE_CHECKING:
    from trudy.sandbox.world import World

LIMIT = 50


@frozen(kw_only=True)
class ApiRequest:
    """A request that was checked against the API document.

    Attributes:
        query: the documented parameters that were sent.
        body: the members of the body; an upload in a form is a `multipart.FormFile`.
    """

    world: World
    connection: ClientConnection
    now: float
    params: Mapping[str, str]
    query: Mapping[str, Any]
    body: Json = field(repr=False)
    idempotency_key: str | None


@frozen(kw_only=True)
class HandlerReply:
    """The result of a handler.

    Attributes:
        is_flat: `data` is the whole body, without the envelope.
        fault: the fault of the answer that the number in the request forces.
    """

    data: object
    status: int = 200
    is_flat: bool = False
    pagination: Mapping[str, Any] | None = None
    fault: Fault = NO_FAULT


Handler = Callable[[ApiRequest], HandlerReply]


@frozen(kw_only=True)
class Method:
    """The operation and the handler of one method of one path.

    Attributes:
        params: values of parameters that this path has as fixed words.
    """

    operation: Operation
    handle: Handler
    params: Mapping[str, str] = field(factory=dict[str, str])


def slice_of(query: Mapping[str, Any]) -> tuple[int, int]:
    """`limit` and `offset`, with the documented defaults."""
    return query.get("limit", LIMIT), query.get("offset", 0)


def by_offset(total: int, limit: int, offset: int) -> dict[str, Any]:
    """The `pagination` member of an offset-style list."""
    return {"total": total, "limit": limit, "offset": offset, "has_more": offset + limit < total}


def by_page(total: int, limit: int, page: int) -> dict[str, Any]:
    """The `pagination` member of a page-style list."""
    return {"page": page, "limit": limit, "total": total, "pages": -(-total // limit)}


def rate_limited(world: World, connection: ClientConnection, now: float) -> Problem:
    """The 429 of a full window; `reset_at` is told in the client's time."""
    limit = world.limiter.limit or 0
    left = world.limiter.ends_at(now) - now
    return problems.rate_limited(limit, world.wire.time(now + connection.seconds_for_caller(left)))
