"""Calls to people whose outcome their caller has not been told yet.

The pipeline lists them here; the bridge, which may have to throw a result away when a signal handler raises, has those
that are left log themselves. Nobody listens on an async client: there a result reaches the task that awaits it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

untold: Final[ContextVar[list[Callable[[], None]] | None]] = ContextVar("trudy_untold", default=None)
"""What logs each of them, once."""
