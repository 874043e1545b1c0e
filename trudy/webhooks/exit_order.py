"""Runs a function when the interpreter begins to end: before `atexit`, and while executors still take work.

Only `threading._register_atexit` comes so early, which executors themselves use. It is private: where it is missing,
nothing runs before `atexit`. Python 3.12.0 and 3.12.1 start no thread any more even then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


def before_executors_end(function: Callable[[], None]) -> None:
    """Have it called once, in a forked child too. It cannot be taken back, and never runs where the end has begun."""
    register: Any = getattr(threading, "_register_atexit", None)
    if register is None:
        return
    try:
        # Theirs is registered by this, and so runs after ours: the last comes first.
        import concurrent.futures.thread  # noqa: F401 # pyright: ignore[reportUnusedImport]

        register(function)
    except RuntimeError:
        return
