"""What a backend must provide (a pool lends connections, a connection sends and gives a reply), and one pool for each
event loop.

The pools are in a plain dict under a lock: a weak one would never free anything, since a pool holds its loop. Each pool
lives inside an async generator started on its loop, so that the loop's `shutdown_asyncgens` closes it, on asyncio and
trio alike.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, field, frozen

from trudy._concurrency.fork import reset_in_child
from trudy._concurrency.loops import Loop, current_loop, is_asyncio, is_private
from trudy._hidden import Hidden, hide_text
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    from trudy.options import Timeout
    from trudy.request import Headers


logger = logging.getLogger("trudy")


class Outgoing(Protocol):
    """What is sent. No repr shows URL, headers and body, so that tracebacks with local variables do not show them."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def timeout(self) -> Timeout: ...


@frozen(kw_only=True)
class FileRequest:
    """A GET of a file, whose link may be signed."""

    _url: Hidden[str] = field(alias="url", converter=hide_text, repr=False)
    headers: Headers = field(default=(), repr=False)
    timeout: Timeout
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The link."""
        return self._url.reveal()


class Reply(Protocol):
    """An answer whose headers have arrived, and whose body is not read yet."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Lower-case names; see `combine_headers`."""
        ...

    @property
    def is_clean(self) -> bool:
        """Whether the answer came to its end and no byte came after it; False before the end."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive, compressed if the server compressed it. It can be read once."""
        ...

    async def aclose(self, *, keep: bool) -> None:
        """Release the connection, which stays open if `keep` is true and the answer is clean."""
        ...


class Connection(Protocol):
    """Carries one request at a time."""

    async def send(self, request: Outgoing, attempt: AttemptTrace) -> Reply:
        """Send, and return when the headers of the answer have arrived. Notes in `attempt` how far it came."""
        ...


class Pool(Protocol):
    """The connections of one loop. Used on that loop only."""

    async def take(self, origin: str, timeout: float | None) -> Connection | None:
        """A connection for `https://host:port`; None if none came free within `timeout` seconds."""
        ...

    def give_back(self, connection: Any) -> None:
        """The answer was read to its end; the connection may carry the next request."""
        ...

    async def discard(self, connection: Any) -> None:
        """The attempt broke off: its connection is not used again. Not cancellable."""
        ...

    async def drop_connections(self) -> None:
        """Use none of the present connections again: close the idle ones now, the others after their answer."""
        ...

    async def aclose(self) -> None:
        """Close every connection, those with a request too. If it is interrupted it can be called again."""
        ...


def combine_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; the values of one that came several times are joined by commas."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


class AttemptTrace:
    """What the HTTP library reported of one attempt."""

    __slots__ = ("reported", "started")

    def __init__(self) -> None:
        self.reported = False
        """Whether it reported anything, such as that it connects."""
        self.started = False
        """Whether it reported that it began to send the request's headers."""

    @property
    def nothing_sent(self) -> bool:
        """Whether it is proven that no byte of the request was sent."""
        return self.reported and not self.started

    async def trace(self, name: str, info: Mapping[str, object]) -> None:
        """httpx's `trace` extension."""
        self.reported = True
        if name.endswith(".send_request_headers.started"):
            # The CONNECT that opens a tunnel through a proxy is not our request.
            self.started = self.started or getattr(info.get("request"), "method", None) != b"CONNECT"


def origin_of(request: Outgoing) -> str:
    """`https://host:port`, as the request's URL spells it."""
    ends = [end for mark in "/?#" if (end := request.url.find(mark, 8)) != -1]
    return request.url[: min(ends, default=None)]


def path_of(request: Outgoing) -> str:
    """The path of a URL, for errors."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(request.url).path or "/"
    except ValueError:
        return "/"


@define(eq=False)
class _OpenPool:
    pool: Pool
    keeper: AsyncGenerator[None, None]
    closing: object = field(default=None)
    """The task that closes it, held so that the garbage collector does not end it."""

    async def close(self) -> None:
        await self.pool.aclose()
        await self.keeper.aclose()


class PoolByLoop:
    """Finds, opens and closes the pool of the running loop."""

    def __init__(self, open_pool: Callable[[Loop], Pool]) -> None:
        self._open_pool = open_pool
        self._entries: dict[Loop, _OpenPool] = {}
        self._lock = threading.Lock()
        self.closed = False
        reset_in_child(self)

    def __len__(self) -> int:
        return len(self._entries)

    async def here(self) -> Pool:
        """The pool of the running loop, opened at its first use."""
        loop = current_loop()
        entry = self._entries.get(loop)
        return entry.pool if entry is not None else await self._open(loop)

    async def aclose(self) -> None:
        """Close this loop's pool now and have the other loops close theirs. May be called again, from any loop.

        A private loop of the sync client is left alone: it closes its pool when it ends, after the operation under way.
        """
        self.closed = True
        here = current_loop()
        with self._lock:
            entry = self._entries.pop(here, None)
            others = list(self._entries.items())
        for loop, other in others:
            if not is_private(loop):
                self._post(loop, other)
        if entry is not None:
            await entry.close()

    async def _open(self, loop: Loop) -> Pool:
        if self.closed:
            raise ConfigurationError("the client is closed; make a new one")
        pool = self._open_pool(loop)
        entry = _OpenPool(pool, self._keep(loop, pool))
        with self._lock:
            for other in [other for other in self._entries if _is_dead(other)]:
                del self._entries[other]
            self._entries[loop] = entry
        await anext(entry.keeper)
        return pool

    async def _keep(self, loop: Loop, pool: Pool) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            with self._lock:
                entry = self._entries.get(loop)
                if entry is not None and entry.pool is pool:
                    del self._entries[loop]
            await pool.aclose()

    def _post(self, loop: Any, entry: _OpenPool) -> None:
        """Have another loop close its pool. A loop that never runs again keeps its pool until it is shut down."""

        async def close() -> None:
            with self._lock:
                self._entries.pop(loop, None)
            try:
                await entry.close()
            except Exception:  # nobody awaits this task, and on trio the exception would end the whole run
                logger.exception("closing the connections of another event loop failed")

        def start() -> None:
            if is_asyncio(loop):
                entry.closing = loop.create_task(close())
            else:
                sys.modules["trio"].lowlevel.spawn_system_task(close)

        try:
            (loop.call_soon_threadsafe if is_asyncio(loop) else loop.run_sync_soon)(start)
        except RuntimeError:  # the loop is closed, or the trio run has ended, and its sockets are closed too
            with self._lock:
                self._entries.pop(loop, None)

    def after_fork(self) -> None:
        """In a child: the connections are the parent's."""
        _graveyard.append(self._entries)
        self._entries = {}
        self._lock = threading.Lock()


def _is_dead(loop: Any) -> bool:
    return is_asyncio(loop) and bool(loop.is_closed())


_graveyard: list[object] = []
"""The parent's pools in a forked child. Never freed: closing one would change the epoll object that both share."""
