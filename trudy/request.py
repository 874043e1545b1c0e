"""What travels through the pipeline: a request, which is final when made; an answer; how far an operation has come."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias, cast, runtime_checkable
from urllib.parse import unquote

from attrs import define, field, frozen

from trudy._answer_facts import AnswerFacts
from trudy._hidden import Hidden, hide_text
from trudy._masking import mask_text, one_line
from trudy.errors import APIConnectionError
from trudy.hooks import Event
from trudy.options import AdmissionLane, BeforeSend, OnUnknown, Timeout

_NO_BODY: Final = Hidden(b"")
Headers: TypeAlias = tuple[tuple[str, str], ...]
Emit: TypeAlias = Callable[[Event], Awaitable[None]]


class RetryClass(Enum):
    """What may be done after an attempt whose effect is unknown."""

    REPEAT = "repeat"
    """GET, PUT, PATCH, DELETE and read-only POSTs: repeating does no harm."""
    KEYED = "keyed"
    """A create that knows the idempotency key: repeat with the same key."""
    RECONCILE = "reconcile"
    """POST /calls: knows the key, but a person's phone rings; look before any second try."""
    ONCE = "once"
    """A POST without a key: stop."""


@frozen(kw_only=True)
class Endpoint:
    """What is true of one endpoint of the API. Stands once, beside its resource method.

    Attributes:
        name: the method's public name, such as `calls.create`.
        method: the HTTP verb.
        path: the path below the base URL, with `{placeholders}`.
        retry: what may be done after an attempt whose effect is unknown.
        paging: how its lists page, `"none"` where they come whole; None if it lists nothing.
        read_timeout: seconds the server may think, where it needs longer than the default.
        any_answer: whether anything with a 2xx is an answer, JSON or not.
        creates: the kind of object that a create with a key makes, as `ID_ALIASES` calls it.
    """

    name: str
    method: str
    path: str
    retry: RetryClass = RetryClass.REPEAT
    paging: Literal["offset", "page", "search", "none"] | None = None
    read_timeout: float | None = None
    any_answer: bool = False
    creates: str | None = None

    @property
    def sends_key(self) -> bool:
        """Whether the server knows `X-Idempotency-Key` here."""
        return self.retry in (RetryClass.KEYED, RetryClass.RECONCILE)


@frozen(kw_only=True)
class OperationOptions:
    """What the caller set for one operation, the client's own settings included."""

    deadline: float | None
    """When the operation must have ended, on the monotonic clock."""
    max_retries: int
    max_rate_limit_wait: float
    lane: AdmissionLane
    on_unknown: OnUnknown
    """What to do about a call that was sent and not answered."""
    before_send: BeforeSend | None

    def remaining(self, monotonic: float) -> float | None:
        """Seconds until the deadline; None without one."""
        return None if self.deadline is None else self.deadline - monotonic


@define(kw_only=True, eq=False)
class Progress:
    """What the attempts of one operation have met so far. Each field is written by one step only."""

    attempts: int = 0
    """Requests sent. Written by `RecordStep`, like the next two."""
    sent_at: float = 0.0
    """When the last of them was sent, on the monotonic clock."""
    refused: bool = False
    """Whether `before_send` refused the latest attempt."""
    settled: int = 0
    """How many of the attempts are known to have changed nothing. Written by `RetryStep`."""
    rate_waited: float = 0.0
    """Seconds waited at the rate limiter. Written by `RateLimitStep`."""
    renewed: bool = False
    """Whether the credential was asked for again after a 401. Written by `AuthStep`."""
    sealed: Hidden[tuple[object, ...]] | None = None
    """What an attempt at a create must look like when it is sent. Written by `RedirectStep`, which knows its URL."""
    answer: Response | None = None
    """The successful answer, from the moment it is there. Written by `Core`."""

    @property
    def in_doubt(self) -> bool:
        """Whether a request left whose effect the caller has not learned of."""
        return self.attempts > self.settled


def _hide_headers(value: Headers | Hidden[Headers]) -> Hidden[Headers]:
    return value if isinstance(value, Hidden) else Hidden(value)


def _hide_content(value: bytes | Hidden[bytes | None] | None) -> Hidden[bytes | None]:
    return value if isinstance(value, Hidden) else Hidden(value)


def _hide_mapping(value: Mapping[str, str] | Hidden[Mapping[str, str]]) -> Hidden[Mapping[str, str]]:
    return value if isinstance(value, Hidden) else Hidden(value)


def _hide_bytes(value: bytes | Hidden[bytes]) -> Hidden[bytes]:
    return value if isinstance(value, Hidden) else Hidden(value)


@frozen(kw_only=True)
class Request:
    """One request, final when made: a retry sends the same bytes. Only `Authorization` is added at each attempt."""

    endpoint: Endpoint
    method: str
    _url: Hidden[str] = field(alias="url", converter=hide_text, repr=False)
    _path: Hidden[str] = field(alias="path", converter=hide_text, repr=False)
    _headers: Hidden[Headers] = field(alias="headers", converter=_hide_headers, repr=False)
    _body: Hidden[bytes | None] = field(default=None, alias="body", converter=_hide_content, repr=False)
    timeout: Timeout
    idempotency_key: str | None = None
    options: OperationOptions = field(repr=False, eq=False)
    progress: Progress = field(factory=Progress, repr=False, eq=False)
    emit: Emit | None = field(default=None, repr=False, eq=False)
    """Takes the typed events; None when nobody listens, so that no event is made."""
    reconcile: Reconciler | None = field(default=None, repr=False, eq=False)
    """Looks for the call that a lost answer was about."""

    @property
    def url(self) -> str:
        """The whole URL, query included."""
        return self._url.reveal()

    @property
    def path(self) -> str:
        """The path without query and without the base URL's own path, numbers masked; for logs and errors."""
        return one_line(mask_text(unquote(self._path.reveal())))

    @property
    def headers(self) -> Headers:
        """Names and values, in order."""
        return self._headers.reveal()

    @property
    def body(self) -> bytes | None:
        """The bytes to send; None where there is no body."""
        return self._body.reveal()

    def header(self, name: str) -> str | None:
        """The value of a header, any case; None if it is not there."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)

    def with_header(self, name: str, value: str) -> Request:
        """The same request with one header set."""
        lower = name.lower()
        kept = [pair for pair in self.headers if pair[0].lower() != lower]
        # Written out, because each attempt comes by here, and `evolve` first asks the class for its attributes.
        return Request(
            endpoint=self.endpoint,
            method=self.method,
            url=self._url,
            path=self._path,
            headers=(*kept, (name, value)),
            body=self._body,
            timeout=self.timeout,
            idempotency_key=self.idempotency_key,
            options=self.options,
            progress=self.progress,
            emit=self.emit,
            reconcile=self.reconcile,
        )


@define(kw_only=True, eq=False)
class Response:
    """One answer: status, headers (lower-case names) and the whole body."""

    status: int
    _headers: Hidden[Mapping[str, str]] = field(alias="headers", converter=_hide_mapping, repr=False)
    _body: Hidden[bytes] = field(default=_NO_BODY, alias="body", converter=_hide_bytes, repr=False)
    is_cut: bool = False
    """Whether there was more of a body than could be read."""
    reconciled: bool = False
    """Whether this is a call found by looking, not the answer to the POST itself."""
    _facts: AnswerFacts | None = field(default=None, init=False, repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""
        return self._headers.reveal()

    @property
    def body(self) -> bytes:
        """The body's bytes."""
        return self._body.reveal()

    def json(self) -> object:
        """The body as JSON, whatever its content type says; None where it is empty or no JSON."""
        return self.facts.json

    @property
    def facts(self) -> AnswerFacts:
        """What the answer says about itself, in whichever form."""
        if self._facts is None:
            self._facts = AnswerFacts(
                status=self.status,
                headers=self._headers,
                json=Hidden(parse_json(self.body)),
                is_empty=not self.body,
                is_cut=self.is_cut,
            )
        return self._facts

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


CallNext: TypeAlias = Callable[[Request], Awaitable[Response]]


@runtime_checkable
class Middleware(Protocol):
    """One step of the pipeline. `scope`: it wraps the whole `"operation"` (the default) or each `"attempt"`."""

    async def __call__(self, request: Request, call_next: CallNext) -> Response: ...


class Reconciler(Protocol):
    """Looks for what an attempt with an unknown outcome did: gives the answer it would have had, or raises."""

    def accepts(self, response: Response) -> bool:
        """Whether a 2xx can be the answer to the request; one that cannot is no answer."""
        ...

    async def __call__(self, request: Request, failure: APIConnectionError | Response) -> Response: ...


def parse_json(body: bytes) -> object:
    """JSON of an untrusted body; None where it is empty, broken, or nested beyond reason."""
    if not body:
        return None
    try:
        return cast(object, json.loads(body))
    except (ValueError, RecursionError):
        return None
