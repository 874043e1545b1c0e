"""The `pagination` of lists, and the query that asks for a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIMIT = 50


def slice_of(query: Mapping[str, Any]) -> tuple[int, int]:
    """`limit` and `offset`, with the documented defaults."""
    return query.get("limit", LIMIT), query.get("offset", 0)


def by_offset(total: int, limit: int, offset: int) -> dict[str, Any]:
    """The `pagination` member of an offset-style list."""
    return {"total": total, "limit": limit, "offset": offset, "has_more": offset + limit < total}


def by_page(total: int, limit: int, page: int) -> dict[str, Any]:
    """The `pagination` member of a page-style list."""
    return {"page": page, "limit": limit, "total": total, "pages": -(-total // limit)}
