"""What a run tells while it goes on and when it ends, and where a campaign stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import frozen

from trudy.dialer.store import CampaignState


@frozen(kw_only=True)
class DialEvent:
    """One thing that happened in a run. `number` is masked."""

    kind: str
    row: int
    number: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number} {self.detail}".rstrip()


OnEvent: TypeAlias = Callable[[DialEvent], object]
"""Told of each thing that happens in a run."""


@frozen(kw_only=True)
class RunResult:
    """How a run ended.

    Attributes:
        state: that of the campaign: `done`, `paused`, `stopped` or `halted`.
        counts: rows by state.
        live: calls that still talk; no endpoint ends them.
    """

    campaign: str
    state: CampaignState
    reason: str | None
    counts: Mapping[str, int]
    live: int


@frozen(kw_only=True)
class CampaignStatus:
    """Where a campaign stands."""

    campaign: str
    state: CampaignState
    reason: str | None
    counts: Mapping[str, int]
    live: int
    dialed: int
    spent: float
    reserved: float
