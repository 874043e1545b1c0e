"""What runs the shards of a campaign, and when. Policy, placing and sweep know no engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

import anyio
from attrs import define, frozen


@frozen(kw_only=True)
class Slice:
    """A turn at one shard of a campaign: dial for at most `seconds`."""

    campaign: str
    shard: int
    seconds: float = 60.0


Work: TypeAlias = Callable[[Slice], Awaitable[float | None]]
"""Dials a slice; returns seconds until the shard is worth another turn, None where it is finished."""


class Engine(Protocol):
    """Gives turns to shards."""

    async def ensure(self, campaign: str, shards: int) -> None:
        """See to it that each shard gets turns until it is finished. May be asked again."""
        ...

    async def serve(self, work: Work) -> None:
        """Give turns until every shard is finished."""
        ...


@define(eq=False)
class EmbeddedEngine:
    """Turns in this process, one shard after another; `sleep` waits until something may have changed."""

    sleep: Callable[[float], Awaitable[None]]
    _shards: list[tuple[str, int]] | None = None

    async def ensure(self, campaign: str, shards: int) -> None:
        known = self._shards or []
        self._shards = [*known, *((campaign, shard) for shard in range(shards) if (campaign, shard) not in known)]

    async def serve(self, work: Work) -> None:
        waiting = list(self._shards or [])
        while waiting:
            soonest = float("inf")
            for campaign, shard in list(waiting):
                seconds = await work(Slice(campaign=campaign, shard=shard))
                if seconds is None:
                    waiting.remove((campaign, shard))
                else:
                    soonest = min(soonest, seconds)
            if waiting and soonest > 0:
                await self.sleep(soonest)
            else:
                await anyio.lowlevel.checkpoint()
