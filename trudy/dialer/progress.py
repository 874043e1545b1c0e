"""What a run tells while it goes on and when it ends, and where a campaign stands."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from attrs import field, frozen

from trudy.dialer.records import CampaignState


@frozen(kw_only=True)
class DialEvent:
    """One thing that happened in a run.

    Attributes:
        row: None, with an empty `number`, where it is the run that was `paused` or `resumed` by hand, `interrupted` by
            Ctrl-C, or ended by the `breaker`.
        number: masked.
        phone_number: the whole one; in no repr and no text of the event.
    """

    kind: str
    row: int | None
    number: str
    detail: str
    phone_number: str = field(default="", repr=False)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.number, self.detail)))


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


class HookError(Exception):
    """A hook or callback raised `failure`. Its own type, since hooks may raise errors of the API too, which are borne
    where they are the dialer's own."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(repr(failure))
        self.failure = failure


@contextmanager
def of_a_hook() -> Generator[None]:
    """Mark what is raised within as a hook's."""
    try:
        yield
    except Exception as failure:
        raise HookError(failure) from failure
