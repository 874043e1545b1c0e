"""Runs functions in a forked child."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable


def in_child(function: Callable[[], object], *, fork: Callable[[], int] = os.fork) -> None:
    """Call a function in a forked child, where it must succeed within seconds."""
    child = fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(10)
            function()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def fork_of_c() -> int:
    """Fork as servers written in C do: without Python's fork hooks."""
    child: int = ctypes.PyDLL(None).fork()
    return child
