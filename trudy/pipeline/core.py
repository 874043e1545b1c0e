"""One operation: builds the request, sends it down the steps, decodes the answer."""

from __future__ import annotations

import json
import platform
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast
from urllib.parse import urlencode

from trudy._version import __version__
from trudy.errors import (
    APIConnectionError,
    CallOutcomeUnknownError,
    ConfigurationError,
    InvalidArgumentError,
    TrudyError,
)
from trudy.hooks import Emitter, Hook, RequestEnded, RequestStarted
from trudy.options import JSON, NotGiven, OnUnknown, QueryValue, Timeout
from trudy.pipeline.auth import AuthStep, Credential
from trudy.pipeline.decode import to_error, undecodable
from trudy.pipeline.middleware_guard import SealStep, SendOnce
from trudy.pipeline.rate_limit import RateLimitStep
from trudy.pipeline.record import RecordStep
from trudy.pipeline.redirect import RedirectStep
from trudy.pipeline.retry import RetryStep
from trudy.pipeline.unknown_outcome import UnreportedCall
from trudy.raw import capture
from trudy.request import OperationOptions, Request, Response, RetryClass

if TYPE_CHECKING:
    from trudy._settings import Settings
    from trudy.clock import Clock
    from trudy.models import ResponseMeta
    from trudy.rate_limit.protocol import RateLimiter
    from trudy.rate_limit.server_clock import ClockEstimate
    from trudy.request import CallNext, Endpoint, Headers, Middleware, Reconciler
    from trudy.transport.transport import Transport

T = TypeVar("T")
Content: TypeAlias = tuple[bytes, str]
"""A body made elsewhere, and its content type."""

IDEMPOTENCY_HEADER: Final = "X-Idempotency-Key"
_JSON = "application/json"
_DEFAULT_TIMEOUT = Timeout()


class Core:
    """What the namespaces, pages and views of a client share: connections, limiter, steps. The client closes it."""

    def __init__(
        self,
        *,
        base_url: str,
        credential: Credential,
        limiter: RateLimiter | None,
        server_clock: ClockEstimate,
        transport: Transport,
        clock: Clock,
        middleware: Sequence[Middleware] = (),
        hooks: Sequence[Hook] = (),
        default_headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = base_url
        self.credential = credential
        self.limiter = limiter
        self.server_clock = server_clock
        self.transport = transport
        self.clock = clock
        self.closed = False
        self._emit = Emitter(hooks) if hooks else None
        self._default_headers = dict(default_headers or {})
        self._standing_headers: Headers | None = None
        self._shared: dict[str, object] = {}
        attempt = [step for step in middleware if getattr(step, "scope", "operation") == "attempt"]
        inner: list[Middleware] = [*(SendOnce(step) for step in attempt), SealStep()] if attempt else []
        self._send = _chain(
            [
                *(SendOnce(step) for step in middleware if step not in attempt),
                RetryStep(clock, limited=limiter is not None),
                RedirectStep(),
                RateLimitStep(limiter, server_clock, clock),
                *inner,
                AuthStep(credential),
                RecordStep(clock),
            ],
            self._exchange,
        )

    def build(
        self,
        endpoint: Endpoint,
        settings: Settings,
        *,
        path: str,
        query: Mapping[str, QueryValue | NotGiven | None] | None = None,
        body: Mapping[str, object] | Sequence[object] | None = None,
        content: Content | None = None,
        idempotency_key: str | None = None,
        on_unknown: OnUnknown = "raise",
        reconcile: Reconciler | None = None,
    ) -> Request:
        """A request that is final: the same bytes at each attempt.

        `content` takes the place of a JSON `body`. `reconcile` finds the call whose answer was lost, where `on_unknown`
        says so.
        """
        key = key_for(endpoint, idempotency_key)
        if content is None:
            sent, content_type = _body(endpoint, body, settings.extra_body), _JSON
        else:
            sent, content_type = _ready(endpoint, content, settings.extra_body)
        timeout = settings.timeout or _DEFAULT_TIMEOUT
        if settings.timeout is None and endpoint.read_timeout is not None:
            timeout = Timeout(read=endpoint.read_timeout)
        return Request(
            endpoint=endpoint,
            method=endpoint.method,
            url=self.base_url + path + _query({**(query or {}), **settings.extra_query}),
            path=path,
            headers=self._headers(settings.extra_headers, key, content_type if sent is not None else None),
            body=sent,
            timeout=timeout,
            idempotency_key=key,
            options=OperationOptions(
                deadline=None if settings.deadline is None else self.clock.monotonic() + settings.deadline,
                max_retries=settings.max_retries,
                max_rate_limit_wait=settings.max_rate_limit_wait,
                lane=settings.lane,
                on_unknown=on_unknown,
                before_send=settings.before_send,
            ),
            emit=self._emit,
            reconcile=reconcile,
        )

    async def _exchange(self, request: Request) -> Response:
        response = await self.transport.send(request)
        if request.reconcile is not None and response.is_success and not request.reconcile.accepts(response):
            await self.transport.drop_connections()  # more answers to other requests may wait on them
            raise APIConnectionError("the answer is not the one to this request", code="foreign_answer")
        if response.is_success:
            request.progress.answer = response
        return response

    async def send(self, request: Request) -> Response:
        """Send a request down all steps: the successful answer, or an error that names the request."""
        return await self.read(request, lambda response: response)

    async def read(self, request: Request, reading: Callable[[Response], T]) -> T:
        """Send, and return what `reading` makes of a successful answer. Errors are given the request they are about."""
        if self.closed:
            raise ConfigurationError("this client is closed")
        call = UnreportedCall(request) if request.endpoint.retry is RetryClass.RECONCILE else None
        try:
            return await self._carry(request, reading)
        except CallOutcomeUnknownError:
            raise  # it holds the idempotency key already
        except BaseException:
            if call is not None:
                call.warn()
            raise

    async def _carry(self, request: Request, reading: Callable[[Response], T]) -> T:
        started = self.clock.monotonic()
        error: BaseException | None = None
        if self._emit is not None:
            await self._emit(_started(request))
        try:
            response = await self._send(request)
            if not response.is_success:
                raise to_error(request, response)
            request.progress.answer = response  # a step may have given another one
            result = reading(response)
        except TrudyError as failure:
            error = failure
            if request.progress.refused:
                raise  # raised by `before_send`: it is the caller's, and stays as it is
            raise _stamped(failure, request) from failure.__cause__
        except BaseException as failure:
            error = failure
            raise
        finally:
            if self._emit is not None:
                await self._emit(_ended(request, error, self.clock.monotonic() - started))
        held = capture.get()
        if held is not None:
            held.response = response
        return result

    async def fetch(self, request: Request, model: type[T]) -> T:
        """Send, and decode the answer's data into a model with its `.meta`."""
        from trudy.models import ModelError, decode

        def reading(response: Response) -> T:
            try:
                return decode(model, response.facts.data, self.meta(request, response))
            except ModelError as fault:
                raise undecodable(request, response, str(fault)) from None

        return await self.read(request, reading)

    def meta(self, request: Request, response: Response) -> ResponseMeta:
        """Facts about request and answer, for `.meta`."""
        from trudy.models import ResponseMeta

        return ResponseMeta(
            request_id=response.facts.request_id,
            server_time=response.facts.server_time,
            attempts=request.progress.attempts,
            idempotency_key=request.idempotency_key,
            reconciled=response.reconciled,
        )

    def shared(self, name: str, make: Callable[[], T]) -> T:
        """An object that a namespace shares among all views of this client; made when first asked for."""
        found = self._shared.get(name)
        return cast(T, self._shared.setdefault(name, make()) if found is None else found)

    async def aclose(self) -> None:
        """Close the connections of every loop. Closing twice is no error."""
        self.closed = True
        await self.transport.aclose()

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            warnings.warn(
                f"unclosed Trudy client for {self.base_url}; use it in a with block, or close it",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )

    def _headers(self, extra: Mapping[str, str], key: str | None, content_type: str | None) -> Headers:
        if self._standing_headers is None:
            self._standing_headers = _merge({**_standing_headers(), **self._default_headers})
        headers = self._standing_headers
        if content_type is not None:
            headers = (*headers, ("Content-Type", content_type))
        if key is not None:
            headers = (*headers, (IDEMPOTENCY_HEADER, key))
        return _merge(dict(headers), extra) if extra else headers


def _stamped(error: TrudyError, request: Request) -> TrudyError:
    """The error, with what it does not hold yet of the request it is about."""
    error.attempts = error.attempts or request.progress.attempts
    error.idempotency_key = error.idempotency_key or request.idempotency_key
    error.method = error.method or request.method
    error.path = error.path or request.path
    return error


def _chain(steps: Sequence[Middleware], end: CallNext) -> CallNext:
    for step in reversed(steps):
        end = _link(step, end)
    return end


def _link(step: Middleware, call_next: CallNext) -> CallNext:
    return lambda request: step(request, call_next)


def _standing_headers() -> dict[str, str]:
    import httpx

    agent = f"trudy-python-sdk/{__version__} python/{platform.python_version()} httpx/{httpx.__version__}"
    return {"User-Agent": agent, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}


def _merge(*layers: Mapping[str, str]) -> Headers:
    merged: dict[str, tuple[str, str]] = {}
    for layer in layers:
        merged.update((name.lower(), (name, value)) for name, value in layer.items())
    return tuple(merged.values())


def _body(
    endpoint: Endpoint, body: Mapping[str, object] | Sequence[object] | None, extra: Mapping[str, JSON]
) -> bytes | None:
    if extra:
        if isinstance(body, Sequence):
            raise InvalidArgumentError(f"{endpoint.name} sends no JSON object to add members to", argument="extra_body")
        if body is not None:
            _json(extra, "extra_body")
            body = {**body, **extra}
    return None if body is None else _json(body, "body")


def _json(value: object, argument: str) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise InvalidArgumentError(f"{argument} holds a value that JSON cannot express", argument=argument) from None


def _ready(endpoint: Endpoint, content: Content, extra: Mapping[str, JSON]) -> Content:
    if extra:
        raise InvalidArgumentError(f"{endpoint.name} sends no JSON object to add members to", argument="extra_body")
    return content


def _query(parameters: Mapping[str, QueryValue | NotGiven | None]) -> str:
    try:
        given = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in parameters.items()
            if value is not None and not isinstance(value, NotGiven)
        }
        return f"?{urlencode(given)}" if given else ""
    except UnicodeEncodeError:
        raise InvalidArgumentError("the query holds text that is no Unicode", argument="query") from None
    except ValueError:
        raise InvalidArgumentError("the query holds a number that is too large", argument="query") from None


def _started(request: Request) -> RequestStarted:
    return RequestStarted(
        operation=request.endpoint.name,
        method=request.method,
        path=request.path,
        idempotency_key=request.idempotency_key,
    )


def _ended(request: Request, error: BaseException | None, seconds: float) -> RequestEnded:
    return RequestEnded(
        operation=request.endpoint.name,
        method=request.method,
        path=request.path,
        outcome="ok" if error is None else "error" if isinstance(error, Exception) else "cancelled",
        attempts=request.progress.attempts,
        seconds=seconds,
        error=error.code if isinstance(error, TrudyError) else type(error).__name__ if error else None,
    )


def key_for(endpoint: Endpoint, given: object) -> str | None:
    """The caller's own key, or a new UUID4; None where the server knows no key."""
    if given is None:
        return str(uuid.uuid4()) if endpoint.sends_key else None
    if not endpoint.sends_key:
        raise InvalidArgumentError(f"{endpoint.name} knows no idempotency key", argument="idempotency_key")
    if not isinstance(given, str):
        raise InvalidArgumentError(
            f"idempotency_key must be a string, not {type(given).__name__}", argument="idempotency_key"
        )
    if not 0 < len(given) <= 255 or not all("!" <= letter <= "~" for letter in given):
        raise InvalidArgumentError(
            "idempotency_key must be 1 to 255 printable ASCII characters without spaces", argument="idempotency_key"
        )
    return given
