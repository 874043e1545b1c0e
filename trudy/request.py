"""What travels through the pipeline: a request that is final when made, an answer, the facts of one operation."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Literal, Protocol, TypeAlias, cast, runtime_checkable

from attrs import define, field, frozen

from trudy._answer_facts import AnswerFacts
from trudy.errors import APIConnectionError
from trudy.hooks import Event
from trudy.options import AdmissionLane, Timeout

Headers: TypeAlias = tuple[tuple[str, str], ...]
Scope: TypeAlias = Literal["operation", "attempt"]


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
    """

    name: str
    method: str
    path: str
    retry: RetryClass = RetryClass.REPEAT
    paging: Literal["offset", "page", "search", "none"] | None = None
    read_timeout: float | None = None
    any_answer: bool = False

    @property
    def sends_key(self) -> bool:
        """Whether the server knows `X-Idempotency-Key` here."""
        return self.retry in (RetryClass.KEYED, RetryClass.RECONCILE)


@define(kw_only=True, eq=False)
class Progress:
    """The notebook of one operation: what its attempts have met so far."""

    deadline: float | None = None
    """When the call must have ended, on the monotonic clock."""
    max_retries: int = 2
    max_rate_limit_wait: float = 120.0
    lane: AdmissionLane = "interactive"
    attempts: int = 0
    sent_at: float = 0.0
    """When the last attempt left, in Unix seconds of our clock."""
    in_doubt: bool = False
    """Whether a request left whose effect the caller has not learned of."""
    rate_waited: float = 0.0
    """Seconds waited for rate windows."""
    renewed: bool = False
    """Whether the credential was asked for again after a 401."""
    sealed: tuple[object, ...] | None = None
    """Method, URL, headers and body that every attempt of a keyed POST must have."""
    emit: Callable[[Event], Awaitable[None]] | None = None
    """Takes the typed events; None when nobody listens, so that no event is made."""

    def remaining(self, monotonic: float) -> float | None:
        """Seconds until the deadline; None without one."""
        return None if self.deadline is None else self.deadline - monotonic


@frozen(kw_only=True)
class Request:
    """One request, final when made: a retry sends the same bytes. Only `Authorization` is added at each attempt."""

    endpoint: Endpoint
    method: str
    url: str = field(repr=False)
    path: str
    """The path without query and without the base URL's own path, numbers masked; for logs and errors."""
    headers: Headers = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: Timeout
    idempotency_key: str | None = None
    progress: Progress = field(factory=Progress, repr=False, eq=False)
    reconcile: Reconciler | None = field(default=None, repr=False, eq=False)
    repeat_unknown: bool = False
    """Whether to trust the key and send a call again whose answer is lost."""

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
            url=self.url,
            path=self.path,
            headers=(*kept, (name, value)),
            body=self.body,
            timeout=self.timeout,
            idempotency_key=self.idempotency_key,
            progress=self.progress,
            reconcile=self.reconcile,
            repeat_unknown=self.repeat_unknown,
        )


@define(kw_only=True, eq=False)
class Response:
    """One answer: status, headers (lower-case names) and the whole body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    reconciled: bool = False
    """Whether this is a call found by looking, not the answer to the POST itself."""
    _facts: AnswerFacts | None = field(default=None, init=False, repr=False)

    def json(self) -> object:
        """The body as JSON, whatever its content type says; None where it is empty or no JSON."""
        return self.facts.json

    @property
    def facts(self) -> AnswerFacts:
        """What the answer says about itself, in whichever form."""
        if self._facts is None:
            self._facts = AnswerFacts(
                status=self.status, headers=self.headers, json=parse_json(self.body), is_empty=not self.body
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
    """Looks for the trace of an attempt whose effect is unknown: the answer it would have had, or an error."""

    async def __call__(self, request: Request, failure: APIConnectionError | Response) -> Response: ...


def parse_json(body: bytes) -> object:
    """JSON of an untrusted body; None where it is empty, broken, or nested beyond reason."""
    if not body:
        return None
    try:
        return cast(object, json.loads(body))
    except (ValueError, RecursionError):
        return None
