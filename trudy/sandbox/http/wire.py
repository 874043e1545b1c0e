"""Writes answers as bytes: envelopes, time stamps, and the quirks that change them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, cast

from attrs import define, field

from trudy.sandbox.http.problems import Problem
from trudy.sandbox.quirks.names import ZONES, Turns


@define(eq=False)
class AnswerFormat:
    """Writes bodies; `quirks` are names from `QUIRKS`."""

    quirks: frozenset[str] = frozenset()
    _turns: Turns = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._turns = Turns(self.quirks)

    def time(self, moment: float) -> str:
        """An ISO 8601 time stamp in UTC."""
        text = datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        if not self.quirks:
            return text + "Z"
        if "odd_fractions" in self.quirks:
            digits = self._turns.count("odd_fractions") % 7
            text = text[: len(text) - 6 + digits] if digits else text[:-7]
        return text + {"naive_timestamps": "", "offset_timestamps": "+00:00", None: "Z"}[self._turns.pick(ZONES)]

    def optional_time(self, moment: float | None) -> str | None:
        """A time stamp, or null for an event that has not happened."""
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
        meta: dict[str, Any] = {"request_id": request_id, "ts": self.time(now)}
        error = {"code": problem.code, "message": problem.message, "details": problem.details}
        if "error_early_form" in self.quirks:
            if problem.status == 500:
                del error["details"]
                meta["ts"] = None
            return encode({"error": error | meta})
        return encode({"error": error, "meta": meta})


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
