"""What the router asks of a replay guard: which events are being handled, and which are done."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

Verdict: TypeAlias = Literal["new", "busy", "done"]
"""Of a key: it is yours to handle; somebody is handling it; it has been handled."""


class ReplayGuard(Protocol):
    """Remembers keys of events in two steps, so that a handler that failed does not swallow the sender's retry.

    Its methods may be called from any thread. What they raise is a fault: the delivery is answered with 500.
    """

    @property
    def blocking(self) -> bool:
        """Whether the methods wait for a disk or a network; an async router then calls them in a worker thread."""
        ...

    def begin(self, key: str, ttl: float) -> Verdict:
        """Claim a key. A claim neither committed nor abandoned is given up after `ttl` seconds: its process died."""
        ...

    def commit(self, key: str, ttl: float) -> None:
        """The event was handled: the key is done for `ttl` seconds."""
        ...

    def abandon(self, key: str) -> None:
        """The event was not handled: drop the claim, if it is this guard's."""
        ...
