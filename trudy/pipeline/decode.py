"""Makes the error for an answer that is no success, or a success that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from trudy._masking import mask_text
from trudy.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ErrorResponse,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    ResponseDecodeError,
    ServerError,
    ValidationError,
)
from trudy.pipeline.outcome import REDIRECTS, is_retryable
from trudy.pipeline.redirect import why_not_followed
from trudy.request import RetryClass

if TYPE_CHECKING:
    from trudy.request import Request, Response

_LONGEST_HEADER = 200
_SHOWN_HEADERS = frozenset(
    ("content-type", "content-length", "date", "deprecation", "retry-after", "server", "sunset", "via", "x-request-id")
)
_FREE_TEXT = frozenset(("server", "via", "x-request-id"))
"""Those of them in which a number may be a person's; `content-length` is one that must stay."""
_BY_STATUS: Final[Mapping[int, type[APIError]]] = {
    cls.status_code: cls
    for cls in (
        BadRequestError,
        AuthenticationError,
        PaymentRequiredError,
        PermissionDeniedError,
        NotFoundError,
        ConflictError,
        ValidationError,
        RateLimitError,
    )
}


def error_class(status: int, code: str | None) -> type[APIError]:
    """The class for an HTTP status; the code only tells a provider's fault from another 502."""
    if status == 502 and code == ProviderError.default_code:
        return ProviderError
    if status >= 500:
        return ServerError
    return _BY_STATUS.get(status, APIError)


def to_error(request: Request, response: Response) -> APIError:
    """The error for an answer that is no success."""
    facts = response.facts
    cls = error_class(response.status, facts.code)
    is_redirect = response.status in REDIRECTS
    return cls(
        why_not_followed(request.url, response) if is_redirect else facts.message,
        status_code=response.status,
        code="redirect_not_followed" if is_redirect else facts.code,
        details=facts.masked_details,
        request_id=facts.request_id,
        server_time=facts.server_time or facts.date,
        retryable=is_retryable(request.endpoint, response),
        response=ErrorResponse(
            status_code=response.status,
            headers={
                name: mask_text(value[:_LONGEST_HEADER]) if name in _FREE_TEXT else value[:_LONGEST_HEADER]
                for name, value in response.headers.items()
                if name in _SHOWN_HEADERS
            },
        ),
    )


def undecodable(
    request: Request, response: Response, why: str = "the body is not the JSON that the API documents"
) -> ResponseDecodeError:
    """The error for a success that is not what the API documents. `why` must not quote the body."""
    return ResponseDecodeError(
        f"HTTP {response.status} from {request.endpoint.name}: {why}",
        request_id=response.facts.request_id,
        details=None if request.endpoint.retry is RetryClass.REPEAT else {"may_have_happened": True},
    )
