"""`AsyncTrudyClient`: settings in, namespaces out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NoReturn, ParamSpec, Self, TypeVar, Unpack, cast

from trudy import _checks
from trudy._environment import (
    find_backend,
    find_base_url,
    find_credential,
    find_sandbox_clock,
)
from trudy._hidden import hides_arguments
from trudy._lazy import made_once
from trudy._settings import Settings, check_headers, check_mapping
from trudy.clock import FOLLOWS_SANDBOX_CLOCK, Clock, SystemClock
from trudy.errors import ConfigurationError, InvalidArgumentError
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
from trudy.pipeline.core import Core
from trudy.pipeline.logs import log_as_environment_says
from trudy.rate_limit.in_process import InProcessRateLimiter
from trudy.rate_limit.registry import limiter_for
from trudy.rate_limit.server_clock import ClockEstimate
from trudy.raw import Capture, RawResponse, capture
from trudy.request import Middleware
from trudy.transport.body import MAX_RESPONSE_BYTES
from trudy.transport.transport import Backend, Transport

if TYPE_CHECKING:
    import ssl

    from trudy.rate_limit.limiter import RateLimitStatus
    from trudy.rate_limit.protocol import RateLimiter
    from trudy.rate_limit.server_clock import ServerClock
    from trudy.resources.agents import AsyncAgents
    from trudy.resources.batch_calls import AsyncBatchCalls
    from trudy.resources.calls import AsyncCalls
    from trudy.resources.contacts import AsyncContacts
    from trudy.resources.knowledge_bases import AsyncKnowledgeBases
    from trudy.resources.telephony import AsyncTelephony
    from trudy.resources.tools import AsyncTools
    from trudy.resources.voices import AsyncVoices
    from trudy.resources.webrtc import AsyncWebRTC
    from trudy.webhooks.unwrapping import Webhooks

P = ParamSpec("P")
T = TypeVar("T")


@hides_arguments
class AsyncTrudyClient:
    """The Truedy API for asyncio and trio.

    Use it in `async with`, or call `aclose()`. It may be used from any event loop and any thread.

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
        http_client: an `httpx.AsyncClient` (or `httpx2.AsyncClient`) of your own, which stays yours to close and on its
            event loop, or a function that makes one, called once for each event loop. With httpx 0.28 prefer the
            function: its pool loses connections to cancelled requests, and then the client can be replaced.
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
        http_client: HTTPClient | Callable[[], HTTPClient] | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        middleware: Sequence[Middleware] = (),
        hooks: Sequence[Hook] = (),
        default_headers: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        allow_http: bool = False,
    ) -> None:
        self._settings = Settings().merged(
            {"max_retries": max_retries, "deadline": deadline, "max_rate_limit_wait": max_rate_limit_wait}
        )
        if timeout is not None:
            self._settings = self._settings.merged({"timeout": timeout})
        check_headers(default_headers or {}, "default_headers")
        _checks.steps(middleware, "middleware")
        _checks.steps(hooks, "hooks")
        _checks.clock(clock, "clock")
        _checks.limiter(rate_limiter, rate_limit, rate_limit_group)
        log_as_environment_says()
        credential = find_credential(api_key, jwt_token)
        url = find_base_url(base_url, allow_http=allow_http)
        if clock is None and not base_url and (clock := find_sandbox_clock(url)) is not None:
            default_headers = {FOLLOWS_SANDBOX_CLOCK: "1", **(default_headers or {})}
        clock = clock or SystemClock()
        pace = RateLimit.of(rate_limit)
        shared = None if rate_limiter else limiter_for(url, credential.source, rate_limit_group, pace, clock)
        self._core = Core(
            base_url=url,
            credential=credential,
            limiter=rate_limiter if shared is None else InProcessRateLimiter(shared, clock),
            server_clock=ClockEstimate() if shared is None else shared.server_clock,
            transport=Transport(
                backend=find_backend(http_backend, http_client),
                proxy=proxy,
                ssl_context=ssl_context,
                http_client=http_client,
                max_response_bytes=max_response_bytes,
            ),
            clock=clock,
            middleware=middleware,
            hooks=hooks,
            default_headers=default_headers,
        )
        self._is_view = False

    @made_once
    def agents(self) -> AsyncAgents:
        """Agents: make, read, change and delete them."""
        from trudy.resources.agents import AsyncAgents

        return AsyncAgents(self._core, self._settings)

    @made_once
    def calls(self) -> AsyncCalls:
        """Calls: place them, wait for their end, read transcript and recording."""
        from trudy.resources.calls import AsyncCalls

        return AsyncCalls(self._core, self._settings)

    @made_once
    def webrtc(self) -> AsyncWebRTC:
        """Calls from a browser."""
        from trudy.resources.webrtc import AsyncWebRTC

        return AsyncWebRTC(self._core, self._settings)

    @made_once
    def batch_calls(self) -> AsyncBatchCalls:
        """Campaigns that the server dials by itself: make, fill, start, pause, follow."""
        from trudy.resources.batch_calls import AsyncBatchCalls

        return AsyncBatchCalls(self._core, self._settings)

    @made_once
    def contacts(self) -> AsyncContacts:
        """Contacts: make, read, change and delete them, or import them from a file."""
        from trudy.resources.contacts import AsyncContacts

        return AsyncContacts(self._core, self._settings)

    @made_once
    def tools(self) -> AsyncTools:
        """Tools that agents may use: make, read, change and delete them."""
        from trudy.resources.tools import AsyncTools

        return AsyncTools(self._core, self._settings)

    @made_once
    def knowledge_bases(self) -> AsyncKnowledgeBases:
        """Knowledge bases: make, fill, read, change and delete them."""
        from trudy.resources.knowledge_bases import AsyncKnowledgeBases

        return AsyncKnowledgeBases(self._core, self._settings)

    @made_once
    def voices(self) -> AsyncVoices:
        """Voices: list, import, clone, change and delete them."""
        from trudy.resources.voices import AsyncVoices

        return AsyncVoices(self._core, self._settings)

    @made_once
    def telephony(self) -> AsyncTelephony:
        """Phone numbers, and which agent uses them."""
        from trudy.resources.telephony import AsyncTelephony

        return AsyncTelephony(self._core, self._settings)

    @made_once
    def webhooks(self) -> Webhooks:
        """Webhook events: `client.webhooks.unwrap(body, headers, secret=...)`, a plain function."""
        from trudy.webhooks.unwrapping import Webhooks

        return Webhooks()

    @property
    def rate_limit(self) -> RateLimitStatus | None:
        """The rate limit as this process knows it: limit, used, reset_at, waiting.

        None with `rate_limit=False`, and with a `rate_limiter` of your own.
        """
        limiter = self._core.limiter
        return limiter.status() if isinstance(limiter, InProcessRateLimiter) else None

    @property
    def clock(self) -> Clock:
        """What tells the client the time and sleeps: `clock=`, that of a served sandbox, or the machine's."""
        return self._core.clock

    @property
    def server_clock(self) -> ServerClock | None:
        """The server's clock as the answers show it: offset, uncertainty, `now()`; None while no answer has told."""
        clock = self._core.clock
        return self._core.server_clock.reading(wall=clock.time(), monotonic=clock.monotonic)

    def pace(self, rate_limit: RateLimit | int) -> None:
        """Pace this client from now on, as `rate_limit=` would have from the start.

        It holds for all clients of the credential; of several paces the slowest holds. Requests that wait already are
        paced too.

        Args:
            rate_limit: requests a minute, or a `RateLimit`.

        Raises:
            ConfigurationError: the client was made with `rate_limit=False` or with a `rate_limiter` of its own.
        """
        pace = RateLimit.of(rate_limit)
        if not isinstance(pace, RateLimit):
            raise InvalidArgumentError("rate_limit must be a number or a RateLimit", argument="rate_limit")
        limiter = self._core.limiter
        if not isinstance(limiter, InProcessRateLimiter):
            raise ConfigurationError("this client has no rate limiter of this process that could be paced")
        limiter.limiter.tighten(pace)

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._core.base_url

    def with_options(self, **options: Unpack[RequestOptions]) -> Self:
        """A view of this client with other options, on the same connections and the same rate limiter.

        Closing a view closes nothing.
        """
        view = object.__new__(type(self))
        made = {name for name in self.__dict__ if isinstance(getattr(type(self), name, None), made_once)}
        view.__dict__.update({name: value for name, value in self.__dict__.items() if name not in made})
        view._settings = self._settings.merged(options)
        view._is_view = True
        return view

    async def request(
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
        from trudy.resources._raw_request import endpoint_of, reconciler_of, send_raw

        endpoint = endpoint_of(method, path)
        check_mapping(query or {}, "query")
        settings = self._settings.merged(options)
        reconciler = reconciler_of(self._core, settings, endpoint)
        request = self._core.build(
            endpoint,
            settings,
            path=path,
            query=query,
            body=body,
            idempotency_key=idempotency_key,
            reconcile=reconciler,
        )
        response = await send_raw(self._core, request, reconciler)
        return Capture(response).raw(cast(JSON, response.json()))

    async def raw(self, method: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        """Call a method and keep the answer as it came: `await client.raw(client.calls.get, call_id)`.

        Returns:
            Status, headers and body of the last answer, and as `.parsed` what the method returns.
        """
        held = Capture()
        token = capture.set(held)
        try:
            parsed = await method(*args, **kwargs)
        finally:
            capture.reset(token)
        return held.raw(parsed)

    async def aclose(self) -> None:
        """Close all connections. Closing twice is no error; closing a view closes nothing."""
        if not self._is_view:
            await self._core.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._core.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds connections and a key and cannot be pickled or copied; make one where it is"
            " needed, or use with_options() for other settings"
        )
