"""From an answer to data or to one `TrudyError`: every envelope and every form of error body, in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from attrs import frozen

from trudy._masking import mask_text
from trudy._parse import identifier
from trudy._time import parse_time
from trudy.errors import APIConnectionError, APIError, ErrorResponse, ResponseDecodeError, error_class
from trudy.request import RetryClass

if TYPE_CHECKING:
    from trudy.request import Request, Response

_SHOWN_HEADERS = frozenset(
    ("content-type", "content-length", "date", "deprecation", "retry-after", "server", "sunset", "via", "x-request-id")
)
_ECHOES = frozenset(("input", "ctx", "body"))
_LONGEST_MESSAGE = 500


@frozen(kw_only=True)
class Envelope:
    """A successful answer taken apart. `data` is the whole body where there is no envelope."""

    data: object
    meta: Mapping[str, object]
    pagination: Mapping[str, object]


@frozen(kw_only=True)
class ErrorFacts:
    """What an error body says, whichever of its forms it has."""

    code: str | None
    message: str
    details: Mapping[str, object]
    request_id: str | None
    server_time: datetime | None


def envelope(response: Response) -> Envelope:
    """Split `{data, meta, pagination}`; a flat body is its own data."""
    body = as_mapping(response.json())
    if body is None or "data" not in body:
        return Envelope(data=response.json(), meta={}, pagination={})
    return Envelope(
        data=body["data"],
        meta=as_mapping(body.get("meta")) or {},
        pagination=as_mapping(body.get("pagination")) or {},
    )


def is_answer(request: Request, response: Response) -> bool:
    """Whether a 2xx says what it should: JSON, with an id for a create, or nothing where nothing is expected."""
    if request.endpoint.any_answer:
        return True
    body = as_mapping(response.json())
    if body is not None and "error" in body and "data" not in body:
        return False
    if request.endpoint.sends_key:
        return _is_id((as_mapping(envelope(response).data) or {}).get("id"))
    if response.body:
        return isinstance(response.json(), (dict, list))
    return response.status == 204 or request.method == "DELETE"


def request_id(response: Response) -> str | None:
    """The server's id of the request: from the body's meta, then from inside the error, then the header."""
    for facts in _facts(response):
        found = facts.get("request_id")
        if isinstance(found, str) and found:
            return found
    return response.headers.get("x-request-id")


def server_time(response: Response) -> datetime | None:
    """The server's clock to the microsecond, from the body; None when it does not say."""
    for facts in _facts(response):
        for name in ("ts", "timestamp"):
            text = facts.get(name)
            if isinstance(text, str) and (moment := parse_time(text)):
                return moment
    return None


def date_header(response: Response) -> datetime | None:
    """The server's clock to the second, from the `Date` header; None when it is missing or no date."""
    try:
        return parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def error_facts(response: Response) -> ErrorFacts:
    """Read any error body: documented, early server, FastAPI's `detail`, wrapped, a proxy's, empty."""
    body = as_mapping(response.json()) or {}
    detail = body.get("detail")
    wrapped = as_mapping(detail) or {}
    error = as_mapping(body.get("error")) or as_mapping(wrapped.get("error")) or wrapped or body
    code = error.get("code")
    message = error.get("message")
    details = _clean_mapping(as_mapping(error.get("details")) or {})
    if isinstance(detail, list):
        rows = [_clean_mapping(row) for row in map(as_mapping, cast(list[object], detail)) if row is not None]
        details = {"errors": rows}
        message = "; ".join(_field_fault(row) for row in rows) or None
    elif isinstance(detail, str):
        message = detail
    elif isinstance(body.get("error"), str):
        message = body["error"]
    if not isinstance(message, str) or not message:
        message = _reason(response)
    return ErrorFacts(
        code=code if isinstance(code, str) and code else None,
        message=mask_text(message[:_LONGEST_MESSAGE]),
        details=details,
        request_id=request_id(response),
        server_time=server_time(response) or date_header(response),
    )


def to_error(request: Request, response: Response) -> APIError:
    """The one error for an answer that is no success."""
    facts = error_facts(response)
    cls = error_class(response.status, facts.code)
    return cls(
        facts.message,
        status_code=response.status,
        code=facts.code,
        details=facts.details,
        request_id=facts.request_id,
        server_time=facts.server_time,
        retryable=is_retryable(request, response),
        response=ErrorResponse(
            status_code=response.status,
            headers={name: value for name, value in response.headers.items() if name in _SHOWN_HEADERS},
        ),
    )


def undecodable(
    request: Request, response: Response, why: str = "the body is not the JSON that the API documents"
) -> ResponseDecodeError:
    """The error for a success that is not what the API documents. `why` must not quote the body."""
    return ResponseDecodeError(
        f"HTTP {response.status} from {request.endpoint.name}: {why}", request_id=request_id(response)
    )


def is_retryable(request: Request, ending: Response | APIConnectionError) -> bool | None:
    """Whether the same call may be made again, now that it ended so; None where the class of the error knows it."""
    does_no_harm = request.endpoint.retry in (RetryClass.REPEAT, RetryClass.KEYED)
    if isinstance(ending, APIConnectionError):
        return does_no_harm or not ending.request_sent
    return does_no_harm and not is_upstream_refusal(ending) if ending.status >= 500 else None


def is_upstream_refusal(response: Response) -> bool:
    """Whether a 502 `provider_error` passes on an upstream 4xx, which no retry will cure."""
    if response.status != 502:
        return False
    facts = error_facts(response)
    upstream = facts.details.get("httpStatus")
    return facts.code == "provider_error" and isinstance(upstream, int) and 400 <= upstream < 500


def retry_after(response: Response, now: datetime) -> float | None:
    """Seconds that the answer asks to wait: `Retry-After` (seconds or date), else `details.retry_after`."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    if text:
        try:
            return max(0.0, (parsedate_to_datetime(text).astimezone(UTC) - now).total_seconds())
        except (ValueError, OverflowError):
            return None
    asked = error_facts(response).details.get("retry_after") if response.status >= 500 else None
    if isinstance(asked, int | float) and not isinstance(asked, bool) and 0 <= asked < float("inf"):
        return float(asked)
    return None


def as_mapping(value: object) -> Mapping[str, object] | None:
    """The value where it is a JSON object, else None."""
    return cast(Mapping[str, object], value) if isinstance(value, dict) else None


def as_rows(value: object) -> Sequence[object] | None:
    """The value where it is a JSON array, else None."""
    return cast(Sequence[object], value) if isinstance(value, list) else None


def _is_id(value: object) -> bool:
    try:
        identifier(value)
    except ValueError:
        return False
    return True


def _facts(response: Response) -> Iterator[Mapping[str, object]]:
    """Where the facts about an answer may stand: the body's meta, the error, the error inside a `detail`."""
    body = as_mapping(response.json()) or {}
    if (meta := as_mapping(body.get("meta"))) is not None:
        yield meta
    for holder in (body, as_mapping(body.get("detail")) or {}):
        if (error := as_mapping(holder.get("error"))) is not None:
            yield error


def _reason(response: Response) -> str:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "unknown status"
    if not response.body:
        return f"{phrase}, with an empty body"
    return f"{phrase}, with a body {'that is no JSON' if response.json() is None else 'without a message'}"


def _field_fault(row: Mapping[str, object]) -> str:
    loc = row.get("loc")
    path = ".".join(map(str, cast(Sequence[object], loc))) if isinstance(loc, list) else ""
    return f"{path}: {row.get('msg', 'invalid')}" if path else str(row.get("msg", "invalid"))


def _clean_mapping(value: Mapping[str, object]) -> dict[str, object]:
    """Drop what echoes the user's own data; mask numbers and secrets; leave links alone, so that they still lead on."""
    return {mask_text(str(key)): _clean(item) for key, item in value.items() if key not in _ECHOES}


def _clean(value: object) -> object:
    if isinstance(value, str):
        return value if value.startswith(("https://", "http://")) else mask_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in cast(list[object], value)]
    nested = as_mapping(value)
    return value if nested is None else _clean_mapping(nested)
