"""A limit of time for what cannot be interrupted: a look-up of names hangs as long as the system lets it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, function: Callable[[], T]) -> T:
    """What a function gives or raises. It is left behind, in a thread that ends with the process, if it takes longer.

    Raises:
        TimeoutError: it did not end in time.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            # The thread that waits raises it.
            future.set_exception(error)

    threading.Thread(target=run, name="trudy-doctor", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError as error:
        if future.done():
            raise
        raise TimeoutError(f"nothing within {seconds:g} s") from error
