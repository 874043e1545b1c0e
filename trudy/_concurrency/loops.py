"""Which event loop runs here, of which library, and whether it is a private one of the sync client."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import TypeAlias, cast

Loop: TypeAlias = Hashable
"""An asyncio loop or a trio token."""


def current_loop() -> Loop:
    """The asyncio loop or trio token of the caller. Raises RuntimeError where neither runs."""
    # trio is asked first, since around a trio guest run there is an asyncio loop. It answers nothing as long as another
    # thread is importing it.
    lowlevel = sys.modules.get("trio.lowlevel")
    in_trio_task = getattr(lowlevel, "in_trio_task", None)
    if lowlevel is not None and in_trio_task is not None and in_trio_task():
        return cast(Loop, lowlevel.current_trio_token())
    import asyncio

    return asyncio.get_running_loop()


def is_asyncio(loop: Loop) -> bool:
    """Whether it is an asyncio loop (else a trio token)."""
    return hasattr(loop, "call_soon_threadsafe")


def is_private(loop: Loop) -> bool:
    """Whether it belongs to a sync client: nobody else uses it, and it closes by itself what was opened on it."""
    return getattr(loop, "is_private", False) is True
