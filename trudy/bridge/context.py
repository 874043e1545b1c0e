"""Context variables across the bridge: what a call sets is seen by its caller, as if it had been awaited."""

from __future__ import annotations

import sys
from contextvars import Context, ContextVar
from typing import Any

from trudy._untold import untold


def carry_back(before: Context, after: Context) -> None:
    """Set in the present context what differs between the two. A variable that was reset to nothing stays as it was."""
    left_out = (_library_variable(), untold)
    for variable, value in after.items():
        if before.get(variable, _ABSENT) is not value and variable not in left_out:
            variable.set(value)


def claim_for_asyncio(context: Context) -> None:
    """Let libraries that ask sniffio find asyncio, where the caller's context still says trio."""
    variable = _library_variable()
    if variable is not None and context.get(variable) not in (None, "asyncio"):
        context.run(variable.set, "asyncio")


def _library_variable() -> ContextVar[Any] | None:
    sniffio = sys.modules.get("sniffio")
    # Another thread may be importing it just now.
    return getattr(sniffio, "current_async_library_cvar", None)


_ABSENT = object()
