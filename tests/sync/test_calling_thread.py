"""Where a call runs: threads, running loops, callbacks, and the caller's context."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest
import trio

import trudy
from tests.fakes.loopback import Loopback
from trudy.bridge import worker

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")


class Spy:
    """A step of the caller's."""

    scope = "attempt"

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look
        self.seen: list[object] = []

    async def __call__(self, request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
        self.seen.append(self._look())
        return await call_next(request)


def test_64_threads_share_a_client(url: str, server: Loopback) -> None:
    together = threading.Barrier(64)
    step = Spy(lambda: (together.wait(timeout=60), threading.get_ident())[1])
    threads = threading.active_count()
    with trudy.TrudyClient("a-key", base_url=url, middleware=[step]) as client:
        with ThreadPoolExecutor(64) as callers:
            own = set(callers.map(lambda _: (client.agents.get("a-1").name, threading.get_ident())[1], range(64)))
        assert set(step.seen) == own
        for _ in range(64):
            together = threading.Barrier(1)
            client.agents.get("a-1")
    server.wait(lambda: server.open_connections == 0)
    assert threading.active_count() == threads


def test_connections_are_kept_between_calls_of_many_threads(client: trudy.TrudyClient, server: Loopback) -> None:
    with ThreadPoolExecutor(4) as callers:
        assert {agent.name for agent in callers.map(client.agents.get, ["a-1"] * 200)} == {"Ada"}
    assert server.accepted <= 4


def test_a_context_variable_is_seen_by_a_step_and_its_change_by_the_caller(url: str) -> None:
    def look() -> str:
        seen = tenant.get()
        tenant.set("changed by the step")
        return seen

    step = Spy(look)
    token = tenant.set("acme")
    try:
        with trudy.TrudyClient("a-key", base_url=url, middleware=[step]) as client:
            client.agents.get("a-1")
            assert (step.seen, tenant.get()) == (["acme"], "changed by the step")
    finally:
        tenant.reset(token)


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])
def test_inside_a_running_loop(
    client: trudy.TrudyClient, run: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_warned", False)

    async def main() -> None:
        with pytest.warns(RuntimeWarning, match="AsyncTrudyClient") as caught:
            assert client.agents.get("a-1").name == "Ada"
        assert caught[0].filename == __file__
        assert client.agents.get("a-1").name == "Ada"

    client.agents.get("a-1")
    threads = threading.active_count()
    run(main())
    assert client.agents.get("a-1").name == "Ada"
    assert threading.active_count() == threads


def test_from_inside_a_hook_and_a_step(url: str, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_warned", True)
    names: list[str] = []

    def hook(event: trudy.Event) -> None:
        if isinstance(event, trudy.RequestStarted) and event.path == "/agents/a-1":
            names.append(client.agents.get("a-2").name)

    def look() -> None:
        if not step.seen:
            step.seen.append("once")
            names.append(client.agents.get("a-3").name)

    step = Spy(look)
    with trudy.TrudyClient("a-key", base_url=url, hooks=[hook], middleware=[step]) as client:
        client.agents.get("a-1")
    assert names == ["Ada", "Ada"]
    assert [seen.target for seen in server.seen] == ["/agents/a-3", "/agents/a-2", "/agents/a-1"]


def test_closing_inside_a_running_loop(url: str, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_warned", True)

    async def main() -> None:
        with trudy.TrudyClient("a-key", base_url=url) as client:
            client.agents.get("a-1")

    asyncio.run(main())
    server.wait(lambda: server.open_connections == 0)
