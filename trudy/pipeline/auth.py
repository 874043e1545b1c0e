"""The `Authorization` header: a fixed key, or one that is asked for, once for all who wait."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from trudy.errors import ConfigurationError
from trudy.pipeline.fork import reset_in_child
from trudy.pipeline.wake import wakeable

if TYPE_CHECKING:
    import anyio

    from trudy.pipeline.request import CallNext, Request, Response

CredentialSource: TypeAlias = str | Callable[[], str | Awaitable[str]]


def check_credential(value: object, name: str) -> str:
    """The key or token itself, or a `ConfigurationError` that says what is wrong with it, never what it is."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a string or a callable that gives one, not {type(value).__name__}")
    if not value:
        raise ConfigurationError(f"{name} is empty")
    if any(letter.isspace() for letter in value):
        raise ConfigurationError(f"{name} contains white space; was it read from a file without .strip()?")
    if not value.isascii() or not value.isprintable():
        raise ConfigurationError(f"{name} contains a character that no key has; was it copied from formatted text?")
    return value


class Credential:
    """A key or token. A callable is asked when none is held; those who ask meanwhile wait for the same answer."""

    def __init__(self, source: CredentialSource, name: str) -> None:
        self.name = name
        self.source = source
        self._token = None if callable(source) else check_credential(source, name)
        self._lock = threading.Lock()
        self._asking = False
        self._waiting: list[Callable[[], None]] = []
        reset_in_child(self)

    @property
    def renewable(self) -> bool:
        return callable(self.source)

    def held(self) -> str | None:
        """The token at hand, if any."""
        return self._token

    def discard(self, token: str) -> None:
        """Forget a token that the server refused, unless a newer one has come already."""
        with self._lock:
            if self._token == token:
                self._token = None

    async def get(self) -> str:
        """The token; asks the callable when none is held."""
        while True:
            with self._lock:
                if self._token is not None:
                    return self._token
                answered = self._queue() if self._asking else None
                self._asking = True
            if answered is None:
                return await self._ask()
            await answered.wait()

    def after_fork(self) -> None:
        """In a child: nobody else asks, and nobody waits."""
        self._lock = threading.Lock()
        self._asking = False
        self._waiting = []

    def _queue(self) -> anyio.Event:
        event, wake = wakeable()
        self._waiting.append(wake)
        return event

    async def _ask(self) -> str:
        token = None
        try:
            answer = self.source() if callable(self.source) else self.source
            token = check_credential(answer if isinstance(answer, str) else await answer, self.name)
            return token
        finally:
            with self._lock:
                self._token = token
                self._asking = False
                waiting, self._waiting = self._waiting, []
            for wake in waiting:
                _wake(wake)


class AuthStep:
    """Adds the header; after a 401 gives up the token, so that the next attempt asks for another, once a call."""

    scope = "attempt"

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        token = self._credential.held() or await self._credential.get()
        response = await call_next(request.with_header("Authorization", f"Bearer {token}"))
        if response.status == 401 and self._credential.renewable and not request.call.renewed:
            self._credential.discard(token)
            request.call.renewed = True
        return response


def _wake(wake: Callable[[], None]) -> None:
    try:
        wake()
    except RuntimeError:
        return  # that waiter's loop is closed: it is gone
