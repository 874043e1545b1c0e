"""From an answer to one `TrudyError`, and what an answer must hold to be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trudy._answer_facts import as_mapping
from trudy._parse import identifier
from trudy.errors import APIConnectionError, APIError, ErrorResponse, ResponseDecodeError, error_class
from trudy.request import RetryClass

if TYPE_CHECKING:
    from trudy.request import Request, Response

_SHOWN_HEADERS = frozenset(
    ("content-type", "content-length", "date", "deprecation", "retry-after", "server", "sunset", "via", "x-request-id")
)


def is_answer(request: Request, response: Response) -> bool:
    """Whether a 2xx says what it should: JSON, with an id for a create, or nothing where nothing is expected."""
    if request.endpoint.any_answer:
        return True
    facts = response.facts
    if "error" in facts.body and "data" not in facts.body:
        return False
    if request.endpoint.sends_key:
        return _is_id((as_mapping(facts.data) or {}).get("id"))
    if response.body:
        return isinstance(facts.json, (dict, list))
    return response.status == 204 or request.method == "DELETE"


def to_error(request: Request, response: Response) -> APIError:
    """The one error for an answer that is no success."""
    facts = response.facts
    cls = error_class(response.status, facts.code)
    return cls(
        facts.message,
        status_code=response.status,
        code=facts.code,
        details=facts.masked_details,
        request_id=facts.request_id,
        server_time=facts.server_time or facts.date,
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
        f"HTTP {response.status} from {request.endpoint.name}: {why}", request_id=response.facts.request_id
    )


def is_retryable(request: Request, ending: Response | APIConnectionError) -> bool | None:
    """Whether the same call may be made again, now that it ended so; None where the class of the error knows it."""
    does_no_harm = request.endpoint.retry in (RetryClass.REPEAT, RetryClass.KEYED)
    if isinstance(ending, APIConnectionError):
        return does_no_harm or not ending.request_sent
    return does_no_harm and not is_upstream_refusal(ending) if ending.status >= 500 else None


def is_upstream_refusal(response: Response) -> bool:
    """Whether a 502 `provider_error` passes on an upstream 4xx, which no retry will cure."""
    upstream = response.facts.upstream_status
    return upstream is not None and 400 <= upstream < 500


def _is_id(value: object) -> bool:
    try:
        identifier(value)
    except ValueError:
        return False
    return True
