"""What must be made anew in a forked child: locks that a thread of the parent may hold, and queues nobody waits in."""

from __future__ import annotations

import os
from typing import Final, Protocol
from weakref import WeakSet


class ResetsInChild(Protocol):
    def after_fork(self) -> None:
        """Called in the child, before any of its code runs."""
        ...


_listed: Final[WeakSet[ResetsInChild]] = WeakSet()


def reset_in_child(thing: ResetsInChild) -> None:
    """Have `after_fork` called in every child forked while the object lives."""
    _listed.add(thing)


def _after_fork() -> None:
    for thing in list(_listed):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
