"""Found first on the path of every Python under `nox -s days`: `time.sleep` the way libfaketime can do it.

libfaketime 0.9.10 breaks sleeping until a moment of the monotonic clock, which is what `time.sleep` does since Python
3.11: it fails with "Invalid argument". Waiting for an event takes another way, which works.
"""

from __future__ import annotations

import threading
import time


def sleep(seconds: float) -> None:
    """Wait as `time.sleep` does."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    threading.Event().wait(seconds)


time.sleep = sleep
