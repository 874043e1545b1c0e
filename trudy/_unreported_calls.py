"""Calls that were placed, or may have been, and of which the caller has not heard yet.

The pipeline lists them here. When a signal handler raises, the sync client throws the result of an operation away; its
bridge then logs the calls that are still listed. An async client has no list: its results reach the task that awaits.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

unreported: Final[ContextVar[list[Callable[[], None]] | None]] = ContextVar("trudy_unreported", default=None)
"""Functions of which each logs one such call; None where nobody asks for them."""
