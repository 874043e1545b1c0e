"""The protocol of a replay guard: it knows which events are being handled, and which are done."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

Verdict: TypeAlias = Literal["new", "busy", "done"]
"""Of a key: it is yours to handle; somebody is handling it; it has been handled."""


class ReplayGuard(Protocol):
    """Remembers keys of events in two steps, so that an event whose handler failed is handled when it is sent again.

    Its methods may be called from any thread. If one raises, the delivery is answered with 500.
    """

    @property
    def blocking(self) -> bool:
        """Whether the methods wait for a disk or a network; an async router then calls them in a worker thread."""
        ...

    def begin(self, key: str, ttl: float) -> Verdict:
        """Claim a key. A claim that is neither committed nor abandoned ends after `ttl` seconds: its process died."""
        ...

    def commit(self, key: str, ttl: float) -> None:
        """Record that the event was handled: the key is done for `ttl` seconds."""
        ...

    def abandon(self, key: str) -> None:
        """Drop the claim, if it is this guard's: the event was not handled."""
        ...
