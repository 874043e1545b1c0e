"""Lets a task of any event loop be woken from any thread."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import anyio


def wakeable() -> tuple[anyio.Event, Callable[[], None]]:
    """An event of the running loop, and a thread-safe function that sets it.

    The function raises `RuntimeError` when the loop is closed: the one who waited is gone.
    """
    import anyio

    event = anyio.Event()
    run_soon = _run_soon()

    def wake() -> None:
        run_soon(event.set)

    return event, wake


def _run_soon() -> Callable[[Callable[[], object]], object]:
    import asyncio

    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        if "trio" not in sys.modules:
            raise
    import trio

    token = trio.lowlevel.current_trio_token()

    def run_soon(function: Callable[[], object]) -> None:
        try:
            token.run_sync_soon(function)
        except trio.RunFinishedError as error:
            raise RuntimeError("the loop is closed") from error

    return run_soon
