"""How answers look as bytes: envelopes, time stamps, and the quirks that change them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, cast

from attrs import frozen

from trudy.sandbox.problems import Problem

QUIRKS: Mapping[str, str] = {
    "naive_timestamps": "time stamps carry no zone",
    "error_early_form": "errors hold request_id and ts inside `error`, and have no `meta`",
    "fastapi_detail": "schema faults, unknown paths and wrong methods answer {'detail': ...}",
    "sliding_reset_at": "reset_at of a 429 is 60 s from now, whenever the window ends",
    "string_numbers": "numbers in data arrive as text",
}
"""What can be switched on with `Sandbox(quirks=...)`, and what it does."""


@frozen
class Wire:
    """Writes bodies; `quirks` are names from `QUIRKS`."""

    quirks: frozenset[str] = frozenset()

    def time(self, moment: float) -> str:
        """An ISO 8601 time stamp in UTC."""
        text = datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        return text if "naive_timestamps" in self.quirks else text + "Z"

    def optional_time(self, moment: float | None) -> str | None:
        """A time stamp, or null for what has not happened."""
        return None if moment is None else self.time(moment)

    def success(self, data: object, *, request_id: str, now: float, pagination: Mapping[str, Any] | None) -> bytes:
        """The documented envelope around `data`."""
        if "string_numbers" in self.quirks:
            data = _numbers_as_text(data)
        body: dict[str, Any] = {"data": data, "meta": {"request_id": request_id, "ts": self.time(now)}}
        if pagination is not None:
            body["pagination"] = pagination
        return encode(body)

    def flat(self, data: object) -> bytes:
        """`data` without any envelope."""
        return encode(data)

    def error(self, problem: Problem, *, request_id: str, now: float) -> bytes:
        """The documented error body."""
        if problem.detail is not None and "fastapi_detail" in self.quirks:
            return encode({"detail": problem.detail})
        meta = {"request_id": request_id, "ts": self.time(now)}
        error = {"code": problem.code, "message": problem.message, "details": problem.details}
        if "error_early_form" in self.quirks:
            return encode({"error": error | meta})
        return encode({"error": error, "meta": meta})


def check_quirks(names: frozenset[str]) -> None:
    """Refuse a name that means nothing."""
    unknown = names - QUIRKS.keys()
    if unknown:
        raise ValueError(f"unknown quirk {', '.join(sorted(unknown))}; there are {', '.join(QUIRKS)}")


def encode(body: object) -> bytes:
    """Compact JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def http_date(moment: float) -> str:
    """The `Date` header."""
    return formatdate(moment, usegmt=True)


def _numbers_as_text(value: object) -> object:
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {name: _numbers_as_text(member) for name, member in members.items()}
    if isinstance(value, list):
        return [_numbers_as_text(item) for item in cast("list[object]", value)]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value
