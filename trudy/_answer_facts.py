"""What an answer says, whichever form it has: the envelope, the facts of an error, the limit, the server's clock.

The only place that knows where a body keeps these. Nothing here recurses: a server may nest its JSON as deep as it
likes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import Final, cast

from attrs import field, frozen

from trudy._hidden import Hidden
from trudy._masking import mask_text
from trudy._parse import is_finite, parse_instant, parse_whole

_UPSTREAM_STATUS: Final = (
    *("httpStatus", "http_status", "upstreamStatus", "upstream_status", "providerStatus", "provider_status"),
    *("statusCode", "status_code", "status"),
)
"""Where the details of a `provider_error` may keep the voice provider's own status."""
_ECHOES: Final = frozenset(("input", "ctx", "body"))
"""Members of an error in which servers repeat what the user sent."""
_LONGEST_CODE = 100
_LONGEST_TEXT = 500
"""Characters kept of a message, and of each text in the details: more would let a page of HTML fill the log."""
_MOST_DETAILS = 200
"""Values kept in the details: a validation error of a long list has hundreds, and the first ones say enough."""
_DEEPEST_DETAILS = 8
"""Levels kept of the details: the documented ones have 3, and deeper ones are hard to read in an error."""
_LIKE_A_NUMBER = 10**9
"""A whole number of ten digits or more may be a phone number."""
_CUT = "…"
_UUID: Final = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE_LAG: Final = (-1.5, 3.0)
"""Seconds by which `meta.ts` and `Date` of one answer may differ; the second is cut to whole seconds."""


@frozen
class Stamp:
    """The server's clock in Unix seconds, cut to multiples of `granularity` seconds."""

    time: float
    granularity: float


@frozen(kw_only=True, eq=False)
class AnswerFacts:
    """What an answer says. Each fact is read when first asked for, and kept."""

    status: int
    _headers: Hidden[Mapping[str, str]] = field(alias="headers", repr=False)
    _json: Hidden[object] = field(alias="json", repr=False)
    is_empty: bool
    is_cut: bool = False

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""
        return self._headers.reveal()

    @property
    def json(self) -> object:
        """The body; None where it is empty or no JSON."""
        return self._json.reveal()

    @property
    def body(self) -> Mapping[str, object]:
        """The body where it is an object, else an empty one."""
        return as_mapping(self.json) or {}

    @property
    def data(self) -> object:
        """What the answer is about: the member `data`, or the whole body where there is no envelope."""
        return self.body.get("data", self.json)

    @property
    def has_envelope(self) -> bool:
        """Whether the body has a member `data`."""
        return "data" in self.body

    @property
    def is_error(self) -> bool:
        """Whether the body tells of an error and has no data, whatever the status is."""
        return bool(self.body.get("error")) and self.body.get("data") is None

    @property
    def meta(self) -> Mapping[str, object]:
        """The envelope's `meta`."""
        return (as_mapping(self.body.get("meta")) if self.has_envelope else None) or {}

    @property
    def pagination(self) -> Mapping[str, object]:
        """The envelope's `pagination`."""
        return (as_mapping(self.body.get("pagination")) if self.has_envelope else None) or {}

    @cached_property
    def request_id(self) -> str | None:
        """The server's id of the request: from the body's meta, then from inside the error, then the header.

        Numbers are masked: it is shown in errors, logs and spans.
        """
        for holder in self._holders():
            found = holder.get("request_id")
            if isinstance(found, str) and found:
                return _shown_id(found)
        header = self.headers.get("x-request-id")
        return None if header is None else _shown_id(header)

    @cached_property
    def server_time(self) -> datetime | None:
        """The server's clock to the microsecond, from the body; None when it does not say."""
        for holder in self._holders():
            for name in ("ts", "timestamp"):
                if moment := parse_instant(holder.get(name)):
                    return moment
        return None

    @cached_property
    def date(self) -> datetime | None:
        """The server's clock to the second, from the `Date` header; None when it is missing or no date."""
        return _date(self.headers.get("date", ""))

    @property
    def stamp(self) -> Stamp | None:
        """When the server answered: `meta.ts`, or `Date` where that is missing or contradicts it.

        A create repeated with the same key may be answered with the `meta` of the first answer, which is too old.
        """
        date, precise = self.date, self.server_time
        if precise is None:
            return None if date is None else Stamp(date.timestamp(), 1.0)
        if date is not None and not _DATE_LAG[0] <= (precise - date).total_seconds() <= _DATE_LAG[1]:
            return Stamp(date.timestamp(), 1.0)
        return Stamp(precise.timestamp(), 0.001 if precise.microsecond else 1.0)

    @cached_property
    def code(self) -> str | None:
        """The machine code of an error."""
        code = self._error.get("code")
        return mask_text(_cut(code, _LONGEST_CODE)) if isinstance(code, str) and code else None

    @cached_property
    def message(self) -> str:
        """What an error says, for a person; numbers and secrets masked."""
        detail, error = self.body.get("detail"), self.body.get("error")
        message = self._error.get("message")
        if isinstance(detail, list):
            rows = cast("Sequence[object]", self.details["errors"])
            message = "; ".join(_field_fault(cast("Mapping[str, object]", row)) for row in rows[:_MOST_DETAILS])
        elif isinstance(detail, str):
            message = detail
        elif isinstance(error, str):
            message = error
        if not isinstance(message, str) or not message:
            message = self._reason()
        return mask_text(_cut(message, _LONGEST_TEXT))

    @property
    def details(self) -> Mapping[str, object]:
        """The details of an error as they came; FastAPI's list stands under `errors`."""
        rows = self.body.get("detail")
        if isinstance(rows, list):
            return {"errors": [row for row in map(as_mapping, cast("list[object]", rows)) if row is not None]}
        return as_mapping(self._error.get("details")) or as_mapping(self.body.get("details")) or {}

    @cached_property
    def masked_details(self) -> Mapping[str, object]:
        """The details for errors and logs: without what repeats the user's own data, numbers and secrets masked.

        Links are kept whole, so that they can be opened. Too many values, and values nested too deep, are cut off.
        """
        return _masked(self.details)

    @property
    def limit(self) -> int | None:
        """Requests in one window, as a 429 says it."""
        limit = parse_whole(self.details.get("limit"))
        return limit if limit is not None and 0 < limit < 10**9 else None

    @cached_property
    def reset_at(self) -> datetime | None:
        """When a fresh window opens, on the server's clock, as a 429 says it."""
        return parse_instant(self.details.get("reset_at"))

    @property
    def upstream_status(self) -> int | None:
        """The status that the voice provider answered to the server with a 502 `provider_error`."""
        if self.status != 502 or self.code != "provider_error":
            return None
        return upstream_status_in(self.details)

    def retry_after(self, now: float) -> float | None:
        """Seconds that the answer asks to wait: `Retry-After` (seconds or date), else `details.retry_after` of a 5xx.

        A date counts from the answer's own `Date`; from `now` (Unix seconds) where it has none.
        """
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        if text:
            until = _date(text)
            since = now if self.date is None else self.date.timestamp()
            return None if until is None else max(0.0, until.timestamp() - since)
        asked = self.details.get("retry_after") if self.status >= 500 else None
        if is_finite(asked) and asked >= 0:
            return float(asked)
        return None

    @property
    def _error(self) -> Mapping[str, object]:
        """Where code, message and details stand."""
        detail = as_mapping(self.body.get("detail")) or {}
        return as_mapping(self.body.get("error")) or as_mapping(detail.get("error")) or detail or self.body

    def _holders(self) -> Iterator[Mapping[str, object]]:
        """Where request id and time may stand: the body's meta, the error, the error inside a `detail`."""
        for holder in (self.body, as_mapping(self.body.get("detail")) or {}):
            for name in ("meta", "error"):
                if (found := as_mapping(holder.get(name))) is not None:
                    yield found

    def _reason(self) -> str:
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "unknown status"
        if self.is_cut:
            return f"{phrase}, with a body that is too large or breaks off"
        if self.is_empty:
            return f"{phrase}, with an empty body"
        return f"{phrase}, with a body {'that is no JSON' if self.json is None else 'without a message'}"


def upstream_status_in(details: Mapping[str, object]) -> int | None:
    """The voice provider's status in the details of a `provider_error`; None where they do not tell it."""
    return next((found for name in _UPSTREAM_STATUS if (found := parse_whole(details.get(name))) is not None), None)


def as_mapping(value: object) -> Mapping[str, object] | None:
    """The value where it is a JSON object, else None."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None


def as_rows(value: object) -> Sequence[object] | None:
    """The value where it is a JSON array, else None."""
    return cast("Sequence[object]", value) if isinstance(value, list) else None


def _date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # it imports sockets

    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _shown_id(found: str) -> str:
    # Each answer has one. A UUID is no phone number, and looking for one in it costs every request.
    return found if _UUID.fullmatch(found) else mask_text(_cut(found, _LONGEST_CODE))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + _CUT


def _field_fault(row: Mapping[str, object]) -> str:
    loc, message = row.get("loc"), row.get("msg")
    path = ".".join(str(part) for part in cast("list[object]", loc)[:_DEEPEST_DETAILS]) if isinstance(loc, list) else ""
    said = message if isinstance(message, str) else "invalid"
    return f"{_cut(path, _LONGEST_TEXT)}: {said}" if path else said


def _masked(details: Mapping[str, object]) -> dict[str, object]:
    whole: dict[str, object] = {}
    left = _MOST_DETAILS
    waiting: list[tuple[object, dict[str, object] | list[object], int]] = [(details, whole, 1)]
    while waiting:
        source, copy, depth = waiting.pop(0)
        members = as_mapping(source)
        parts = members.items() if members is not None else ((None, part) for part in cast("list[object]", source))
        for name, value in parts:
            if name in _ECHOES:
                continue
            left -= 1
            if left < 0:
                break
            shown: object = value
            if name == "reset_at" and (moment := parse_instant(value)) is not None:
                # Unix time would be masked, as it looks like a phone number.
                shown = value if isinstance(value, str) and ":" in value else moment.isoformat()
            elif isinstance(value, str):
                is_link = value.startswith(("https://", "http://"))
                shown = value if is_link and len(value) <= _LONGEST_TEXT else mask_text(_cut(value, _LONGEST_TEXT))
            elif isinstance(value, int) and abs(value) >= _LIKE_A_NUMBER:
                shown = mask_text(str(value)[:_LONGEST_CODE])
            elif isinstance(value, dict | list):
                nested: dict[str, object] | list[object] = {} if isinstance(value, dict) else []
                shown = nested if depth < _DEEPEST_DETAILS else _CUT
                if depth < _DEEPEST_DETAILS:
                    waiting.append((cast("object", value), nested, depth + 1))
            if isinstance(copy, list):
                copy.append(shown)
            else:
                copy[mask_text(_cut(str(name), _LONGEST_CODE))] = shown
    return whole
