"""Everything this library raises.

    TrudyError                       code, message, details, request_id, retryable, attempts, idempotency_key
    ├── ConfigurationError           the client was set up wrongly
    ├── InvalidArgumentError         a bad argument, found before anything was sent; also a ValueError
    ├── APIError                     the server answered with an error; status_code, server_time, response
    │   ├── BadRequestError          400
    │   ├── AuthenticationError      401
    │   ├── PaymentRequiredError     402  reason, redirect_url, balance, required
    │   ├── PermissionDeniedError    403
    │   ├── NotFoundError            404
    │   ├── ConflictError            409
    │   ├── ValidationError          422  field_errors
    │   ├── RateLimitError           429  limit, reset_at
    │   └── ServerError              5xx
    │       └── ProviderError        502 with code provider_error
    ├── APIConnectionError           no answer; request_sent, address
    │   └── APITimeoutError          no answer in time
    ├── CallOutcomeUnknownError      a call may or may not have been placed; candidates
    ├── WaitTimeoutError             `wait` gave up; last
    ├── ResponseDecodeError          an answer that is not what the API documents
    └── webhooks.WebhookVerificationError  a delivery that cannot be trusted; its family is in `trudy.webhooks`

The class of an `APIError` follows the HTTP status alone. Each error pickles, and none holds a key, a body, or a whole
phone number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias, TypedDict, Unpack

from attrs import field, frozen

from trudy._masking import mask_text, one_line
from trudy._parse import parse_instant

if TYPE_CHECKING:
    from trudy.models import BatchCall, Call, KnowledgeBase, Voice

    Waited: TypeAlias = Call | BatchCall | KnowledgeBase | Voice


def _read_only(value: Mapping[str, str]) -> Mapping[str, str]:
    return dict(value)


@frozen(kw_only=True)
class ErrorResponse:
    """What is kept of the answer behind an error: its status and the headers that hold no secret."""

    status_code: int
    headers: Mapping[str, str] = field(converter=_read_only)


@frozen
class FieldError:
    """One rejected member of a request: its dotted path, what is wrong with it, and the server's word for the fault."""

    field: str
    message: str
    type: str | None = None


def _rebuild(cls: type[TrudyError], state: dict[str, object]) -> TrudyError:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    error.__dict__["details"] = MappingProxyType(dict(state["details"]))  # type: ignore[call-overload]
    error.args = (error.message,)
    return error


class Facts(TypedDict, total=False):
    """What every error can be told when it is made; see `TrudyError`."""

    code: str | None
    details: Mapping[str, object] | None
    request_id: str | None
    retryable: bool | None
    attempts: int
    idempotency_key: str | None
    method: str | None
    path: str | None


class TrudyError(Exception):
    """Base of everything this library raises.

    Attributes:
        code: the server's machine code, or this library's own for an error made here.
        message: what happened, for a person.
        details: more facts; always a mapping, perhaps an empty one.
        request_id: the server's id of the request; quote it to support.
        retryable: whether the same operation, made again without a change, may succeed and does no harm. For a create
            that sent an idempotency key this holds with the error's `idempotency_key`; without it there may be two.
        attempts: how many requests were sent.
        idempotency_key: the key sent with a create, if any.
        method, path: the request, without its query.
        partial: what a method that sends several requests had done before this one, such as the call that
            `create_and_wait` has placed, or the contacts that were added; None elsewhere.
    """

    default_code: ClassVar[str] = "error"
    default_retryable: ClassVar[bool] = False

    def __init__(self, message: str, **facts: Unpack[Facts]) -> None:
        self.message = mask_text(message)
        super().__init__(self.message)
        retryable = facts.get("retryable")
        self.code = facts.get("code") or self.default_code
        self.details: Mapping[str, object] = MappingProxyType(dict(facts.get("details") or {}))
        self.request_id = facts.get("request_id")
        self.retryable = self.default_retryable if retryable is None else retryable
        self.attempts = facts.get("attempts", 0)
        self.idempotency_key = facts.get("idempotency_key")
        self.method = facts.get("method")
        self.path = facts.get("path")
        self.partial: object = None

    def __str__(self) -> str:
        text = f"{self._headline()}: {self.message}"
        where = [f"{self.method} {mask_text(self.path)}"] if self.method and self.path else []
        if self.request_id:
            where.append(f"request id {self.request_id}")
        return one_line(f"{text} ({', '.join(where)})" if where else text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Callable[..., TrudyError], tuple[object, ...]]:
        return _rebuild, (type(self), {**self.__dict__, "details": dict(self.details)})

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.args = self.args
        return twin

    def _headline(self) -> str:
        return self.code


class ConfigurationError(TrudyError):
    """The client was set up wrongly; the message names the way to mend it."""

    default_code = "configuration_error"


class InvalidArgumentError(TrudyError, ValueError):
    """An argument is bad; found before any request was sent. `argument` names it."""

    default_code = "invalid_argument"

    def __init__(self, message: str, *, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument


class APIError(TrudyError):
    """The server answered with an error status.

    Attributes:
        status_code: the HTTP status.
        server_time: the server's clock when it answered (aware, UTC).
        response: status and filtered headers; None where the rate limiter refused without asking the server.
    """

    default_code = "api_error"
    status_code: int = 0

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        server_time: datetime | None = None,
        response: ErrorResponse | None = None,
        **facts: Unpack[Facts],
    ) -> None:
        super().__init__(message, **facts)
        self.status_code = type(self).status_code if status_code is None else status_code
        self.server_time = server_time
        self.response = response

    def _headline(self) -> str:
        return f"{self.status_code} {self.code}"


class BadRequestError(APIError):
    """400: the body or the query is malformed."""

    default_code = "bad_request"
    status_code = 400


class AuthenticationError(APIError):
    """401: the key or token is missing, wrong, revoked or expired."""

    default_code = "unauthorized"
    status_code = 401


class PaymentRequiredError(APIError):
    """402: the trial has not started or is over, the subscription is inactive, or credits are short."""

    default_code = "payment_required"
    status_code = 402

    @property
    def reason(self) -> str | None:
        """Such as `trial_not_started`, `trial_expired`, `subscription_inactive`, `insufficient_credits`."""
        return _text(self.details.get("reason"))

    @property
    def redirect_url(self) -> str | None:
        """Where the account's owner can pay or start a trial."""
        return _text(self.details.get("redirect_url"))

    @property
    def balance(self) -> float | None:
        """Credits left."""
        balance = _number(self.details.get("balance"))
        return _number(self.details.get("available")) if balance is None else balance

    @property
    def required(self) -> float | None:
        """Credits needed."""
        return _number(self.details.get("required"))


class PermissionDeniedError(APIError):
    """403: for example an address that is not on the key's list."""

    default_code = "forbidden"
    status_code = 403


class NotFoundError(APIError):
    """404: no such id, or not yours; for a transcript or recording, perhaps not yet there."""

    default_code = "not_found"
    status_code = 404


class ConflictError(APIError):
    """409: the object's state does not allow it."""

    default_code = "conflict"
    status_code = 409


class ValidationError(APIError):
    """422: a member of the request or a business rule. `field_errors` says which."""

    default_code = "validation_error"
    status_code = 422

    @property
    def field_errors(self) -> Sequence[FieldError]:
        """The rejected members, as far as the server names them."""
        rows = self.details.get("errors")
        if isinstance(rows, Sequence) and not isinstance(rows, str):
            return tuple(_field_error(row) for row in rows if isinstance(row, Mapping))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return (_field_error(self.details),) if "field" in self.details else ()


class RateLimitError(APIError):
    """429: over the rate limit, and the wait for the next window is longer than allowed.

    Attributes:
        limit: requests in one window.
        reset_at: when the window ends, on the server's clock (aware, UTC).
    """

    default_code = "rate_limit_exceeded"
    default_retryable = True
    status_code = 429

    @property
    def limit(self) -> int | None:
        limit = _number(self.details.get("limit"))
        return None if limit is None else int(limit)

    @property
    def reset_at(self) -> datetime | None:
        return parse_instant(self.details.get("reset_at"))


class ServerError(APIError):
    """5xx: a fault on the server's side. After a create it does not prove that nothing happened."""

    default_code = "internal_error"
    default_retryable = True
    status_code = 500


class ProviderError(ServerError):
    """502 `provider_error`: the voice provider or carrier behind the server failed."""

    default_code = "provider_error"
    status_code = 502


class APIConnectionError(TrudyError):
    """No answer.

    Attributes:
        request_sent: False only with proof that no byte of the request left.
        address: host and port that were to be reached, such as `api.truedy.ai:443`; None where no attempt was made.
    """

    default_code = "connection_error"
    default_retryable = True

    def __init__(
        self, message: str, *, request_sent: bool = True, address: str | None = None, **facts: Unpack[Facts]
    ) -> None:
        super().__init__(message, **facts)
        self.request_sent = request_sent
        self.address = address

    def _headline(self) -> str:
        where = "" if self.address is None else f" at {self.address}"
        tries = f" after {self.attempts} attempt{'' if self.attempts == 1 else 's'}" if self.attempts else ""
        return f"{self.code}{where}{tries}"


class APITimeoutError(APIConnectionError):
    """No answer in time: a phase of the attempt, or the deadline of the whole operation."""

    default_code = "timeout"


class CallOutcomeUnknownError(TrudyError):
    """A call was sent, no answer came, and looking for it did not settle whether it was placed.

    Do not dial again blindly: the server may still place it for up to 160 seconds.

    Attributes:
        idempotency_key: the key of the attempt.
        candidates: calls (`trudy.models.Call`) that may be this one, newest first.
    """

    default_code = "call_outcome_unknown"

    def __init__(self, message: str, *, candidates: Sequence[Call] = (), **facts: Unpack[Facts]) -> None:
        super().__init__(message, **facts)
        self.candidates = tuple(candidates)


class WaitTimeoutError(TrudyError):
    """The object reached no final status in time. `last` is the object as it was last seen, None if it never was."""

    default_code = "wait_timeout"
    default_retryable = True

    def __init__(self, message: str, *, last: Waited | None = None) -> None:
        super().__init__(message)
        self.last = last


class ResponseDecodeError(TrudyError):
    """The server answered with success, but not with what the API documents."""

    default_code = "response_decode_error"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _field_error(row: Mapping[str, object]) -> FieldError:
    loc = row.get("loc", row.get("field", ""))
    path = ".".join(str(part) for part in loc) if isinstance(loc, list | tuple) else str(loc)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    message = row.get("msg", row.get("reason", row.get("message", "")))
    kind = row.get("type")
    return FieldError(path, mask_text(str(message)), kind if isinstance(kind, str) else None)
