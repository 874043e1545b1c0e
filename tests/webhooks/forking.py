"""Running something in a forked child."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def in_child(function: Callable[[], object]) -> None:
    """Call it in a forked child, where it must end well within seconds."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(10)
            function()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
