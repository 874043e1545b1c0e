"""What answers of all kinds have: `.meta`, pagination, deletions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import Factory, field, frozen

from trudy.models._fields import own_id, wire
from trudy.models._wire import Model


@frozen(kw_only=True)
class ResponseMeta(Model):
    """Facts of the answer that an object came in: the object's `.meta`, which equality and repr leave out."""

    request_id: str | None = None
    """The server's id of the request; quote it to support. A UUID, or `req_...`."""
    server_time: datetime | None = None
    """The server's clock when it answered, UTC (wire: `ts`, before March 2026 `timestamp`)."""
    attempts: int = 1
    """How many requests were sent for this answer."""
    idempotency_key: str | None = None
    """The key sent with a create; None where none was."""
    reconciled: bool = False
    """Whether this call was found by looking for it after its answer was lost."""


@frozen(kw_only=True)
class Pagination(Model):
    """The place of a page in its list, as the server says. Any member may be missing; `has_more` may be wrong."""

    total: int | None = field(default=None, metadata=wire("total", "total_results"))
    """Rows in the whole list (search: `total_results`)."""
    limit: int | None = field(default=None, metadata=wire("limit", "page_size"))
    """Most rows a page may have (search: `page_size`)."""
    offset: int | None = None
    """Rows before this page; offset style only."""
    has_more: bool | None = None
    """Whether the server says that rows follow; offset and search style."""
    page: int | None = None
    """Number of this page, from 1; page and search style only."""
    pages: int | None = field(default=None, metadata=wire("pages", "total_pages"))
    """How many pages there are (search: `total_pages`); page and search style only."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, and values it could not read."""


@frozen(kw_only=True)
class Deleted(Model):
    """What a DELETE answers. A 204 without a body reads as `deleted`."""

    id: str | None = field(default=None, metadata=own_id("contact"))
    """Id of what was deleted (contacts on the early server: `contact_id`); None where the server does not repeat it."""
    deleted: bool = field(default=True, metadata=wire("deleted", "success"))
    """Whether it is gone (knowledge bases on the early server: `success`)."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, and values it could not read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class BulkDeleteResult(Model):
    """The result of deleting several objects at once."""

    deleted_ids: tuple[str, ...] = ()
    failed_ids: tuple[str, ...] = ()
    """Ids that are still there, or never were."""
    deleted_count: int = field(default=Factory(lambda result: len(result.deleted_ids), takes_self=True))
    """How many are gone."""
    failed_count: int = field(default=Factory(lambda result: len(result.failed_ids), takes_self=True))
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, and values it could not read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""
