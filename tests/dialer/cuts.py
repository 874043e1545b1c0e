"""The power goes: proxies around a store and a connection that count boundaries, and end everything at one of them."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from attrs import define, field

from trudy import AsyncTrudyClient
from trudy.dialer.sql_store import SqlStore
from trudy.sandbox import Sandbox
from trudy.sandbox.http.in_process import InProcessTransport


class PowerCut(BaseException):
    """Nothing runs any more; no clean-up either, since whatever it asks for raises this again."""


@define
class Power:
    """Counts boundaries, and goes at some of them."""

    cuts: Sequence[int] = ()
    watch: Callable[[], object] = lambda: None
    is_on: bool = True
    seen: list[object] = field(factory=list[object])
    """What `watch` saw at each boundary."""

    def boundary(self) -> None:
        """One more; raises where the power goes, or is gone."""
        if self.is_on:
            self.seen.append(self.watch())
            self.is_on = len(self.seen) not in self.cuts
        if not self.is_on:
            raise PowerCut

    async def around(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Two boundaries: before and after."""
        self.boundary()
        result = await work()
        self.boundary()
        return result


class CutStore:
    """A store with a boundary before and after each of its methods."""

    def __init__(self, store: SqlStore, power: Power) -> None:
        self._store, self._power = store, power

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._store, name)
        if name in ("id", "close", "export", "hash_of", "may_have_changed"):
            return member

        async def call(*args: Any, **values: Any) -> Any:
            return await self._power.around(lambda: member(*args, **values))

        return call


class CutTransport(httpx.AsyncBaseTransport):
    """A connection with a boundary before a request leaves and after its answer came."""

    def __init__(self, transport: httpx.AsyncBaseTransport, power: Power) -> None:
        self._transport, self._power = transport, power

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        response: httpx.Response = await self._power.around(lambda: self._transport.handle_async_request(request))
        return response


def cut_client(sandbox: Sandbox, power: Power, **options: Any) -> AsyncTrudyClient:
    """A client of a sandbox whose requests are boundaries."""

    def http_client() -> httpx.AsyncClient:
        transport = InProcessTransport(sandbox.world, sandbox.app, real_time=False)
        return httpx.AsyncClient(transport=CutTransport(transport, power))

    return sandbox.async_client(http_client=http_client, **options)


def folder_in_memory() -> tempfile.TemporaryDirectory[str]:
    """A folder on no disk, where there is one: to flush is for crashes of the machine, and here only a process ends."""
    return tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)


def in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a store work in the event loop's own thread: each run is the same, and as quick as it can be."""

    async def run_here(work: Callable[..., object], *args: object, **_: object) -> object:
        await anyio.lowlevel.checkpoint()
        return work(*args)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_here)
