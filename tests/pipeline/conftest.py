"""A whole client over canned answers, whose clock jumps over every wait."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import pytest
import respx

from tests.fakes.clock import NOON
from tests.fakes.jumping import JumpingClock
from tests.fakes.wire import BASE_URL, KEY, Wire
from trudy import AsyncTrudyClient

MakeClient: TypeAlias = Callable[..., AbstractAsyncContextManager[AsyncTrudyClient]]


@pytest.fixture
def wire() -> Iterator[Wire]:
    with respx.mock(assert_all_called=False) as router:
        yield Wire(router)


@pytest.fixture(scope="session")
def ssl_context() -> ssl.SSLContext:
    """One for all tests, as making it takes longer than a test."""
    return ssl.create_default_context()


@pytest.fixture
def client(wire: Wire, ssl_context: ssl.SSLContext) -> MakeClient:
    """Makes clients; `settings` are those of `AsyncTrudyClient`."""

    def make(**settings: object) -> AbstractAsyncContextManager[AsyncTrudyClient]:
        defaults: dict[str, object] = {
            "base_url": BASE_URL,
            "clock": JumpingClock(NOON),
            "ssl_context": ssl_context,
            "rate_limit": False,
        }
        return AsyncTrudyClient(KEY, **{**defaults, **settings})  # type: ignore[arg-type]

    return make
