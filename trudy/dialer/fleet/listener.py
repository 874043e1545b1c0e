"""Hears from PostgreSQL that something has changed. What is missed while the connection is lost is found by looking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import anyio
import psycopg

from trudy.dialer.sql_postgres import CHANNEL

_AGAIN_AFTER: Final = 1.0
"""Seconds between two tries to connect: more would leave the workers to their looks, fewer would press a database that
is coming back."""


async def listen(settings: Mapping[str, Any], store_id: str, heard: Callable[[str], None]) -> None:
    """For ever: `heard` is called with what has changed in a store."""
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(**settings, autocommit=True)
            async with connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                async for notice in connection.notifies():
                    of_store, _, what = notice.payload.partition(" ")
                    if of_store == store_id:
                        heard(what)
        except psycopg.Error:
            await anyio.sleep(_AGAIN_AFTER)
