"""Stands between a process and its PostgreSQL, and lets connections die as some networks do: nobody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field


@define(eq=False)
class SilentProxy:
    """Passes on what is said over a connection, until it is silenced."""

    to_port: int
    port: int = 0
    connections: list[asyncio.Event] = field(factory=list[asyncio.Event])
    """Set where they are silent."""

    def silence(self) -> None:
        """Those that are there now, for good."""
        for each in self.connections:
            each.set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        is_silent = asyncio.Event()
        self.connections.append(is_silent)
        await asyncio.gather(self._pass(reader, their_writer, is_silent), self._pass(their_reader, writer, is_silent))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silent: asyncio.Event) -> None:
        try:
            while data := await reader.read(65_536):
                if not silent.is_set():
                    writer.write(data)
        except ConnectionError:
            pass
        if not silent.is_set():
            writer.close()


@asynccontextmanager
async def silent_proxy(to_port: int) -> AsyncIterator[SilentProxy]:
    proxy = SilentProxy(to_port)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
