"""What runs the shards of a campaign, and when. Policy, placing and sweep know no engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

import anyio
from attrs import Factory, define, frozen


@frozen(kw_only=True)
class Slice:
    """A turn at one shard of a campaign, or at them all: dial for at most `seconds`."""

    campaign: str
    shard: int | None
    seconds: float = 60.0
    """Longer keeps others from a shard for longer, shorter takes it, with a transaction, more often."""


Work: TypeAlias = Callable[[Slice], Awaitable[float | None]]
"""Dials a slice; returns seconds until the shard is worth another turn, None where it is finished."""


class Engine(Protocol):
    """Gives turns to shards."""

    async def ensure(self, campaign: str) -> None:
        """See to it that each shard of it gets turns until it is finished. May be asked again."""
        ...

    async def serve(self, work: Work) -> None:
        """Give turns until every shard is finished."""
        ...


@define(eq=False)
class EmbeddedEngine:
    """Turns in this process, each at all shards, so that who goes first is the first of the whole campaign.

    `sleep` waits until something may have changed.
    """

    sleep: Callable[[float], Awaitable[None]]
    _campaigns: list[str] = Factory(list[str])

    async def ensure(self, campaign: str) -> None:
        if campaign not in self._campaigns:
            self._campaigns.append(campaign)

    async def serve(self, work: Work) -> None:
        waiting = list(self._campaigns)
        while waiting:
            soonest = float("inf")
            for campaign in list(waiting):
                seconds = await work(Slice(campaign=campaign, shard=None))
                if seconds is None:
                    waiting.remove(campaign)
                else:
                    soonest = min(soonest, seconds)
            if waiting and soonest > 0:
                await self.sleep(soonest)
            else:
                await anyio.lowlevel.checkpoint()
