"""The `Authorization` header: a fixed key, or a token from a callable, asked once for all requests that wait for it."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from inspect import isawaitable
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve

from trudy._concurrency.fork import reset_in_child
from trudy._concurrency.loops import thread_safe_event, wake_all
from trudy._hidden import Hidden, forms
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    import anyio

    from trudy.request import CallNext, Request, Response

_SHORTEST = 8
"""Tokens shorter than this, which only tests have, are not masked in answers: they would be found in ordinary words."""

CredentialSource: TypeAlias = str | Callable[[], str | Awaitable[str]]


def check_credential(value: object, name: str) -> str:
    """The key or token, checked. The `ConfigurationError` for a bad one says what is wrong and does not quote it."""
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
    """A key or token. A callable is asked when no token is held; requests that need one wait for its answer."""

    def __init__(self, source: CredentialSource, name: str) -> None:
        self.name = name
        self._source = Hidden(source)
        self._token = None if callable(source) else Hidden(check_credential(source, name))
        self._lock = threading.Lock()
        self._asking = False
        self._waiting: list[Callable[[], None]] = []
        reset_in_child(self)

    @property
    def source(self) -> CredentialSource:
        """What was given: the key itself, or what gives it."""
        return self._source.reveal()

    @property
    def renewable(self) -> bool:
        return callable(self.source)

    def header(self) -> str | None:
        """The value of the header with the token that is held; None without one."""
        return None if self._token is None else f"Bearer {self._token.reveal()}"

    def discard(self, header: str | None) -> None:
        """Forget a token that the server refused, unless it was replaced already."""
        with self._lock:
            if self.header() == header:
                self._token = None

    async def asked(self) -> str:
        """The value of the header; asks the callable when no token is held."""
        if self in _asking_for.get():
            raise ConfigurationError(f"the callable of {self.name} sends requests through the client it is for")
        while True:
            with self._lock:
                if self._token is not None:
                    return f"Bearer {self._token.reveal()}"
                answered = self._queue() if self._asking else None
                self._asking = True
            if answered is None:
                await self._ask()
            else:
                await answered.wait()

    def after_fork(self) -> None:
        """In a child: the threads of the parent that asked or waited are not here."""
        self._lock = threading.Lock()
        self._asking = False
        self._waiting = []

    def _queue(self) -> anyio.Event:
        event, wake = thread_safe_event()
        self._waiting.append(wake)
        return event

    async def _answer(self) -> object:
        source = self.source
        answer = source() if callable(source) else source
        return await answer if isawaitable(answer) else answer

    async def _ask(self) -> None:
        token = None
        mark = _asking_for.set((*_asking_for.get(), self))
        try:
            token = Hidden(check_credential(await self._answer(), self.name))
        finally:
            _asking_for.reset(mark)
            with self._lock:
                self._token = token
                self._asking = False
                waiting, self._waiting = self._waiting, []
            wake_all(waiting)


_asking_for: ContextVar[tuple[Credential, ...]] = ContextVar("trudy_asking_for", default=())


class AuthStep:
    """Adds the header. After a 401 it forgets the token, once an operation, so that the next attempt asks for one."""

    scope = "attempt"

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        # The token has no name in this frame: a traceback that shows local variables would show it.
        signed = request.with_header("Authorization", self._credential.header() or await self._credential.asked())
        response = await call_next(signed)
        if not response.is_success:
            response = _without_token(response, signed)
        if response.status == 401 and self._credential.renewable and not request.progress.renewed:
            self._credential.discard(signed.header("Authorization"))
            request.progress.renewed = True
        return response


def _without_token(response: Response, signed: Request) -> Response:
    """The answer with the token masked: some servers repeat it in a refusal, which is shown in errors."""
    token = (signed.header("Authorization") or "").removeprefix("Bearer ")
    body = response.body
    if len(token) >= _SHORTEST:
        for form in forms(token):
            body = body.replace(form.encode(), b"***")
    return response if body == response.body else evolve(response, body=body)
