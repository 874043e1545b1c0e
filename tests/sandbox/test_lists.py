"""Everything in a list is deleted as it is iterated over, on both clients and over each style of paging."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from trudy.sandbox import Sandbox


def create(client: Any, kind: str, number: int) -> Any:
    if kind == "contacts":
        return client.contacts.create(phone_number=f"+1415555{number:04d}")
    return client.tools.create(name=f"tool {number}", definition={"type": "http"})


@pytest.mark.parametrize("kind", ["contacts", "tools"])
def test_with_the_sync_client(kind: str) -> None:
    sandbox = Sandbox(rate_limit=None)
    with sandbox.client() as client:
        for number in range(250):
            create(client, kind, number)
        for row in getattr(client, kind).list():
            getattr(client, kind).delete(row.id)
        assert list(getattr(client, kind).list()) == []


@pytest.mark.parametrize("kind", ["contacts", "tools"])
def test_with_the_async_client(kind: str) -> None:
    async def main() -> None:
        sandbox = Sandbox(rate_limit=None)
        async with sandbox.async_client() as client:
            for number in range(250):
                await create(client, kind, number)
            async for row in getattr(client, kind).list():
                await getattr(client, kind).delete(row.id)
            assert [row async for row in getattr(client, kind).list()] == []

    anyio.run(main)
