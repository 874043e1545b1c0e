# Generated from trudy/client.py by `python -m trudy.codegen`; change the source, never this file.
"""`TrudyClient`: settings in, namespaces out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NoReturn, ParamSpec, Self, TypeVar, Unpack

from trudy._hidden import hides_arguments
from trudy._lazy import made_once
from trudy.bridge import Bridge, bind, refuse_ready_client
from trudy.client import AsyncTrudyClient
from trudy.clock import Clock
from trudy.hooks import Hook
from trudy.options import (
    JSON,
    MAX_RATE_LIMIT_WAIT,
    MAX_RETRIES,
    HTTPClient,
    QueryValue,
    RateLimit,
    RequestOptions,
    Timeout,
)
from trudy.pipeline.auth import CredentialSource
from trudy.raw import Capture, RawResponse, capture
from trudy.request import Middleware
from trudy.transport.body import MAX_RESPONSE_BYTES
from trudy.transport.transport import Backend

if TYPE_CHECKING:
    import ssl

    from trudy.rate_limit.limiter import RateLimitStatus
    from trudy.rate_limit.protocol import RateLimiter
    from trudy.rate_limit.server_clock import ServerClock
    from trudy.sync.agents import Agents
    from trudy.sync.batch_calls import BatchCalls
    from trudy.sync.calls import Calls
    from trudy.sync.contacts import Contacts
    from trudy.sync.knowledge_bases import KnowledgeBases
    from trudy.sync.telephony import Telephony
    from trudy.sync.tools import Tools
    from trudy.sync.voices import Voices
    from trudy.sync.webrtc import WebRTC
    from trudy.webhooks.unwrapping import Webhooks

P = ParamSpec("P")
T = TypeVar("T")


@hides_arguments
class TrudyClient:
    """The Truedy API for code without an event loop.

    Use it in `with`, or call `close()`. It may be used from any thread.

    Args:
        api_key: the key, or a callable (sync or async) that gives it, asked when none is held and once after a 401.
            `TRUDY_API_KEY`, then `TRUEDY_API_KEY`, in the environment if left out.
        jwt_token: a token instead of a key, likewise.
        base_url: where the API is; `TRUDY_BASE_URL` in the environment if left out.
        timeout: seconds for each phase of an attempt, or a `Timeout`; 5 to connect, 60 to read (180 for a call to be
            placed), 30 to write, 60 for a free connection by default.
        max_retries: how often a fault is tried again.
        deadline: seconds for a whole operation, waits and retries included; None for no bound.
        rate_limit: requests a minute, or a `RateLimit`, to pace from the start; None learns it from the first 429;
            False never waits ahead.
        rate_limit_group: a name shared by clients whose keys share one limit.
        rate_limiter: a `RateLimiter` of your own in place of this process's: one that serves a fleet, say. Not beside
            `rate_limit` or `rate_limit_group`.
        max_rate_limit_wait: the longest wait for a rate window, in seconds.
        http_backend: `"httpx"`, or `"aiohttp"` (extra `aiohttp`), about half the CPU a request;
            `TRUDY_HTTP_BACKEND` in the environment if left out. Not beside `http_client`.
        proxy: URL of a proxy.
        ssl_context: for a private certificate authority or a client certificate.
        http_client: a function that makes an `httpx.AsyncClient` (or `httpx2.AsyncClient`), called once for each
            of the client's own event loops.
        max_response_bytes: the largest answer that is read, in bytes, compressed or not; a larger one is an
            `APIConnectionError` with the code `response_too_large`. Recordings have `max_bytes` of their own.
        middleware: your own steps; each says by `scope` whether it wraps the whole `"operation"` or each `"attempt"`.
        hooks: called, or awaited, with each typed event.
        default_headers: headers added to each request.
        clock: what tells the time and sleeps; `sandbox.clock` in tests. If left out, that of a served sandbox whose
            `TRUDY_BASE_URL` and `TRUDY_SANDBOX_CLOCK` are in the environment, or the machine's.
        allow_http: allow `http://` to a host that is not this machine.

    Raises:
        ConfigurationError: no credential, two of them, or a setting that cannot work.
    """

    def __init__(
        self,
        api_key: CredentialSource | None = None,
        *,
        jwt_token: CredentialSource | None = None,
        base_url: str | None = None,
        timeout: float | Timeout | None = None,
        max_retries: int = MAX_RETRIES,
        deadline: float | None = None,
        rate_limit: RateLimit | int | Literal[False] | None = None,
        rate_limit_group: str | None = None,
        rate_limiter: RateLimiter | None = None,
        max_rate_limit_wait: float = MAX_RATE_LIMIT_WAIT,
        http_backend: Backend | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        http_client: Callable[[], HTTPClient] | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        middleware: Sequence[Middleware] = (),
        hooks: Sequence[Hook] = (),
        default_headers: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        allow_http: bool = False,
    ) -> None:
        refuse_ready_client(http_client)
        self._async = AsyncTrudyClient(
            api_key,
            jwt_token=jwt_token,
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            deadline=deadline,
            rate_limit=rate_limit,
            rate_limit_group=rate_limit_group,
            rate_limiter=rate_limiter,
            max_rate_limit_wait=max_rate_limit_wait,
            http_backend=http_backend,
            proxy=proxy,
            ssl_context=ssl_context,
            http_client=http_client,
            max_response_bytes=max_response_bytes,
            middleware=middleware,
            hooks=hooks,
            default_headers=default_headers,
            clock=clock,
            allow_http=allow_http,
        )
        self._bridge = Bridge(self._async)
        self._is_view = False

    @made_once
    def agents(self) -> Agents:
        """Agents: make, read, change and delete them."""
        from trudy.sync.agents import Agents

        return Agents(self._async.agents, self._bridge)

    @made_once
    def calls(self) -> Calls:
        """Calls: place them, wait for their end, read transcript and recording."""
        from trudy.sync.calls import Calls

        return Calls(self._async.calls, self._bridge)

    @made_once
    def webrtc(self) -> WebRTC:
        """Calls from a browser."""
        from trudy.sync.webrtc import WebRTC

        return WebRTC(self._async.webrtc, self._bridge)

    @made_once
    def batch_calls(self) -> BatchCalls:
        """Campaigns that the server dials by itself: make, fill, start, pause, follow."""
        from trudy.sync.batch_calls import BatchCalls

        return BatchCalls(self._async.batch_calls, self._bridge)

    @made_once
    def contacts(self) -> Contacts:
        """Contacts: make, read, change and delete them, or import them from a file."""
        from trudy.sync.contacts import Contacts

        return Contacts(self._async.contacts, self._bridge)

    @made_once
    def tools(self) -> Tools:
        """Tools that agents may use: make, read, change and delete them."""
        from trudy.sync.tools import Tools

        return Tools(self._async.tools, self._bridge)

    @made_once
    def knowledge_bases(self) -> KnowledgeBases:
        """Knowledge bases: make, fill, read, change and delete them."""
        from trudy.sync.knowledge_bases import KnowledgeBases

        return KnowledgeBases(self._async.knowledge_bases, self._bridge)

    @made_once
    def voices(self) -> Voices:
        """Voices: list, import, clone, change and delete them."""
        from trudy.sync.voices import Voices

        return Voices(self._async.voices, self._bridge)

    @made_once
    def telephony(self) -> Telephony:
        """Phone numbers, and which agent uses them."""
        from trudy.sync.telephony import Telephony

        return Telephony(self._async.telephony, self._bridge)

    @made_once
    def webhooks(self) -> Webhooks:
        """Webhook events: `client.webhooks.unwrap(body, headers, secret=...)`, a plain function."""
        return self._async.webhooks

    @property
    def rate_limit(self) -> RateLimitStatus | None:
        """The rate limit as this process knows it: limit, used, reset_at, waiting.

        None with `rate_limit=False`, and with a `rate_limiter` of your own.
        """
        return self._async.rate_limit

    @property
    def clock(self) -> Clock:
        """What tells the client the time and sleeps: `clock=`, that of a served sandbox, or the machine's."""
        return self._async.clock

    @property
    def server_clock(self) -> ServerClock | None:
        """The server's clock as the answers show it: offset, uncertainty, `now()`; None while no answer has told."""
        return self._async.server_clock

    def pace(self, rate_limit: RateLimit | int) -> None:
        """Pace this client from now on, as `rate_limit=` would have from the start.

        It holds for all clients of the credential; of several paces the slowest holds. Requests that wait already are
        paced too.

        Args:
            rate_limit: requests a minute, or a `RateLimit`.

        Raises:
            ConfigurationError: the client was made with `rate_limit=False` or with a `rate_limiter` of its own.
        """
        return self._async.pace(rate_limit)

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._async.base_url

    def with_options(self, **options: Unpack[RequestOptions]) -> Self:
        """A view of this client with other options, on the same connections and the same rate limiter.

        Closing a view closes nothing.
        """
        view = object.__new__(type(self))
        view._async = self._async.with_options(**options)
        view._bridge = self._bridge
        view._is_view = True
        return view

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: Mapping[str, JSON] | Sequence[JSON] | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> RawResponse[JSON]:
        """Reach any endpoint, with the retries, the rate limit and the errors of the named methods.

        Args:
            method: the HTTP verb.
            path: the path below the base URL, such as `/agents`.
            query: query parameters.
            body: JSON to send.
            idempotency_key: a key of your own, for the creates that know one.

        Returns:
            The answer; `.parsed` is its whole JSON body, None if it is empty.

        Raises:
            CallOutcomeUnknownError: a `POST /calls` may have placed a call; it is never repeated here.
        """
        return self._bridge.run(
            bind(self._async.request, method, path, query=query, body=body, idempotency_key=idempotency_key, **options)
        )

    def raw(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        """Call a method and keep the answer as it came: `client.raw(client.calls.get, call_id)`.

        Returns:
            Status, headers and body of the last answer, and as `.parsed` what the method returns.
        """
        held = Capture()
        token = capture.set(held)
        try:
            parsed = method(*args, **kwargs)
        finally:
            capture.reset(token)
        return held.raw(parsed)

    def close(self) -> None:
        """Close all connections. Closing twice is no error; closing a view closes nothing."""
        if not self._is_view:
            self._bridge.close(self._async.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return type(self).__name__ + repr(self._async).removeprefix(type(self._async).__name__)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds connections and a key and cannot be pickled or copied; make one where it is"
            " needed, or use with_options() for other settings"
        )
