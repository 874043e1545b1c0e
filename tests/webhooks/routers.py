"""Routers for tests, and deliveries to them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.fakes.clock import NOON, FakeClock
from tests.webhooks.samples import CALL_ID, SECRET
from trudy.testing import make_delivery
from trudy.webhooks import Answer, MemoryReplayGuard, WebhookEvent, WebhookRouter

Send = Callable[..., Awaitable[Answer]]


def make_router(**options: Any) -> WebhookRouter:
    return WebhookRouter(**{"secret": SECRET, "clock": FakeClock(), **options})


def delivery(name: str = "call.ended", **options: Any) -> tuple[dict[str, str], bytes]:
    made = make_delivery(name, secret=options.pop("secret", SECRET), sent_at=NOON, **{"call_id": CALL_ID, **options})
    return made.headers, made.body


def plainly_wrapped(handler: Any) -> Any:
    """Wrap a handler as a decorator does that ignores async functions."""

    @functools.wraps(handler)
    def wrapper(event: WebhookEvent) -> Any:
        return handler(event)

    return wrapper


class HeldGuard(MemoryReplayGuard):
    """A blocking guard; its method `held` does not return before `leave` is set."""

    def __init__(self, held: str) -> None:
        super().__init__()
        self.held = held
        self.entered, self.leave = threading.Event(), threading.Event()

    blocking = True

    def begin(self, key: str, ttl: float) -> Any:
        self._hold("begin")
        return super().begin(key, ttl)

    def commit(self, key: str, ttl: float) -> None:
        self._hold("commit")
        super().commit(key, ttl)

    def abandon(self, key: str) -> None:
        self._hold("abandon")
        super().abandon(key)

    def _hold(self, name: str) -> None:
        if name == self.held:
            self.held = ""
            self.entered.set()
            assert self.leave.wait(60)


async def handle_claimed(router: WebhookRouter, handler: Callable[[Any], Awaitable[None]]) -> int:
    """Handle a delivery with `claimed`; returns the status that such an application answers."""
    try:
        async with router.claimed("POST", *delivery()) as given:
            if isinstance(given, Answer):
                return given.status
            await handler(given)
    except OSError:
        return 500
    return 204


async def post(app: Any, headers: dict[str, str], body: bytes) -> int:
    """Send to an ASGI application in this task, so that cancelling the task cancels the request."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        return (await client.post("/", headers=headers, content=body)).status_code


class BrokenGuard:
    """A guard whose method `broken` fails."""

    blocking = False

    def __init__(self, broken: str) -> None:
        self.broken = broken
        self.calls: list[str] = []

    def begin(self, key: str, ttl: float) -> Any:
        self._call("begin")
        return "new"

    def commit(self, key: str, ttl: float) -> None:
        self._call("commit")

    def abandon(self, key: str) -> None:
        self._call("abandon")

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.broken:
            raise ConnectionError("the store is away")
