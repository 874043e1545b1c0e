"""Which loop runs here, and whose it is."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import pytest
import trio

from trudy._concurrency.loops import current_loop, is_asyncio, is_private
from trudy.bridge import Bridge


async def here() -> tuple[bool, bool]:
    loop = current_loop()
    return is_asyncio(loop), is_private(loop)


def test_asyncio_and_trio_are_told_apart_and_a_private_loop_from_both() -> None:
    assert asyncio.run(here()) == (True, False)
    assert trio.run(here) == (False, False)
    assert Bridge().run(here) == (True, True)


def test_without_a_loop_there_is_none() -> None:
    with pytest.raises(RuntimeError):
        current_loop()


def test_a_trio_that_another_thread_is_importing_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("trio", "trio.lowlevel"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))

    async def main() -> bool:
        return current_loop() is asyncio.get_running_loop()

    assert asyncio.run(main())
