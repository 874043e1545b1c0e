"""The pytest plugin: fixtures that give each test a sandbox and clients of it. The sandbox is imported when first used.

    def test_signup(trudy_client, trudy_sandbox):
        call = signup(trudy_client)
        trudy_sandbox.advance(minutes=1)
        assert trudy_client.calls.get(call.id).status.is_final

`@pytest.mark.trudy_sandbox(speed=0, quirks={"naive_timestamps"})` sets options of the sandbox for a test, class or
module. To set them for a directory, define the fixture `trudy_sandbox_options` in its `conftest.py`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from trudy import AsyncTrudyClient, TrudyClient
    from trudy.sandbox import JumpingClock, Sandbox, SandboxServer

MONDAY = 1_780_315_200.0
"""Unix seconds of 2026-06-01 12:00 UTC, within the working hours of most batches."""
SPEED = 60.0
"""Sandbox seconds for each real second: a call of half a minute is over in half a second. Faster, and a busy machine
would miss the short states, such as ringing."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, for `--strict-markers` and `--markers`."""
    config.addinivalue_line(
        "markers", "trudy_sandbox(**options): options of the sandbox behind trudy_sandbox, trudy_client and the others"
    )


@pytest.fixture
def trudy_sandbox_options() -> Mapping[str, Any]:
    """Arguments for each test's `Sandbox`. Define this fixture again to change them; the marker overrides it."""
    return {}


@pytest.fixture
def trudy_sandbox(
    request: pytest.FixtureRequest, trudy_sandbox_options: Mapping[str, Any]
) -> Generator[Sandbox, None, None]:
    """A `trudy.sandbox.Sandbox` for this test alone; by default its clock runs 60 times as fast as real time.

    At the end it is disconnected from its routers.
    """
    from trudy.sandbox import Sandbox

    options: dict[str, Any] = {"speed": SPEED}
    if "trudy_jumping_clock" in request.fixturenames:
        options = {"clock": request.getfixturevalue("trudy_jumping_clock")}
    options |= trudy_sandbox_options
    # The marker nearest to the test comes first, so it is applied last.
    for marker in reversed(list(request.node.iter_markers("trudy_sandbox"))):
        if marker.args:
            raise pytest.UsageError("the marker trudy_sandbox takes keyword arguments only, those of Sandbox")
        options |= marker.kwargs
    sandbox = Sandbox(**options)
    yield sandbox
    for receiver in sandbox.webhooks.receivers:
        sandbox.webhooks.remove(receiver)


@pytest.fixture
def trudy_jumping_clock() -> JumpingClock:
    """A `trudy.sandbox.JumpingClock` for this test's sandbox: in `trudy_jumping_clock.run(main())` days pass at once.

    It begins on Monday, 1 June 2026, at noon UTC, in each run.
    """
    from trudy.sandbox import JumpingClock

    return JumpingClock(start=MONDAY)


@pytest.fixture
def trudy_client(trudy_sandbox: Sandbox) -> Generator[TrudyClient, None, None]:
    """A `TrudyClient` of this test's sandbox, without a socket."""
    with trudy_sandbox.client() as client:
        yield client


@pytest.fixture
def async_trudy_client(trudy_sandbox: Sandbox) -> Generator[AsyncTrudyClient, None, None]:
    """An `AsyncTrudyClient` of this test's sandbox, without a socket.

    It is not an async fixture, so that it works with pytest-asyncio, anyio and trio.
    """
    from trudy.bridge import Bridge
    from trudy.bridge.worker import in_thread, loop_runs_here

    client = trudy_sandbox.async_client()
    yield client
    # The test's own event loop has ended, but pytest may run inside the loop of a notebook.
    bridge = Bridge()
    if loop_runs_here():
        in_thread(lambda: bridge.run(client.aclose))
    else:
        bridge.run(client.aclose)


@pytest.fixture
def trudy_sandbox_server(trudy_sandbox: Sandbox) -> Generator[SandboxServer, None, None]:
    """This test's sandbox, served on a loopback port for other processes: see its `base_url` and `environment`."""
    with trudy_sandbox.serve() as server:
        yield server
