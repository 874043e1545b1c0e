"""The one sweep of all workers, in turns like a shard's; the breaker after it, the amnesia guard before any claim."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal

import anyio
from attrs import define, field

from trudy._concurrency.loops import Wakeup
from trudy.clock import Clock
from trudy.dialer.amnesia_guard import FORGOTTEN, AmnesiaGuard
from trudy.dialer.records import CampaignRecord, CampaignState, DueRow
from trudy.dialer.running import NUDGED_EVERY, SWEEP_EVERY
from trudy.dialer.store import Store
from trudy.dialer.sweep import Sweep
from trudy.errors import TrudyError

TURN: Final = 60.0
"""Seconds of a turn. Less would let a sweep forget more often what it has seen, which costs requests."""
_RUNS: Final[tuple[CampaignState, ...]] = ("running",)


@define(kw_only=True, eq=False)
class FleetSweep:
    """Looks for the ends of all calls of the store, while it is this worker's turn.

    Attributes:
        is_stopping: whether this worker is to end.
        on_event: told that the breaker has paused a campaign.
        safely: runs a look; after a fault of the database the next one is tried.
    """

    store: Store
    sweep: Sweep
    clock: Clock
    server_now: Callable[[], float]
    look_soon: Wakeup
    is_stopping: Callable[[], bool]
    on_event: Callable[[str, DueRow | None, str], None]
    safely: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
    is_on: bool = field(init=False, default=False)
    """Whether it is this worker's turn."""

    async def turn(self) -> None:
        """One turn."""
        self.is_on = True
        try:
            async with anyio.create_task_group() as beside:
                beside.start_soon(self._keep_guarding)
                await self._keep_looking()
                beside.cancel_scope.cancel()
        finally:
            self.is_on = False

    async def judge(self, campaign: str) -> None:
        """Let the breaker of a campaign look at its last ends since it was started or resumed."""
        await self._judge(await self.store.campaign(campaign))

    async def _keep_looking(self) -> None:
        until = self.clock.monotonic() + TURN
        while not self.is_stopping() and (began := self.clock.monotonic()) < until:
            await self.safely(self._look)
            await self.look_soon.wait(began + SWEEP_EVERY - self.clock.monotonic(), self.clock)
            await self.clock.sleep(max(0.0, began + NUDGED_EVERY - self.clock.monotonic()))
            self.look_soon.clear()

    async def _look(self) -> None:
        await self.store.take_hints()
        try:
            looked = await self.sweep.once()
        except TrudyError as error:
            if not error.retryable:
                await self._halt_refused(error.code)
            return
        if looked.adopted:
            await self._halt_forgotten(looked.adopted)
        if looked.ends:
            for campaign in await self._running():
                await self._judge(campaign)

    async def _keep_guarding(self) -> None:
        """Compare the store with the API's record, whenever the database is on another server than it was."""
        guard = AmnesiaGuard(
            store=self.store,
            sweep=self.sweep,
            clock=self.clock,
            server_now=self.server_now,
            on_forgotten=self._halt_forgotten,
            on_refused=self._halt_refused,
        )

        async def look() -> None:
            if await self.store.server_change() is not None:
                await guard.passes()

        while True:
            await self.safely(look)
            await self.clock.sleep(NUDGED_EVERY)

    async def _judge(self, campaign: CampaignRecord) -> None:
        breaker = campaign.policy.breaker
        ends = await self.store.last_ends(
            campaign.id, max(breaker.of_last, breaker.short_calls), since=campaign.running_since or 0.0
        )
        if (reason := breaker.trips(ends)) is not None and await self._move(campaign.id, "paused", reason):
            self.on_event("breaker", None, reason)

    async def pause(self, campaign: str, reason: str) -> None:
        """Pause a campaign that runs."""
        await self._move(campaign, "paused", reason)

    async def _halt_forgotten(self, count: int) -> None:
        await self._halt(FORGOTTEN.format(count))

    async def _halt_refused(self, code: str) -> None:
        await self._halt(f"calls cannot be looked for: {code}")

    async def _halt(self, reason: str) -> None:
        for campaign in await self._running():
            await self._move(campaign.id, "halted", reason)

    async def _running(self) -> list[CampaignRecord]:
        return [campaign for campaign in await self.store.campaigns() if campaign.state == "running"]

    async def _move(self, campaign: str, to: Literal["paused", "halted"], reason: str) -> bool:
        return await self.store.move_campaign(campaign, to, reason=reason, now=self.server_now(), was=_RUNS)
