"""One run of a campaign: a task that places calls, a task that looks for their ends, and how both come to an end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import anyio
from attrs import Factory, define, field

from trudy._concurrency.loops import Wakeup
from trudy.dialer.engine import EmbeddedEngine, Slice
from trudy.dialer.placing import HELD_UNTIL, Placer
from trudy.dialer.store import CampaignRecord, DueRow, Store
from trudy.dialer.sweep import Sweep
from trudy.errors import TrudyError

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient
    from trudy.clock import Clock
    from trudy.dialer.plan import Plan

SWEEP_EVERY: Final = 10.0
"""Seconds between two sweeps while calls are open: more often costs requests that dialing needs."""
NUDGED_EVERY: Final = 2.0
"""Seconds between two sweeps at least, however many events come."""
WATCH_EVERY: Final = 2.0
"""Seconds between two looks at what another process wants, such as a pause."""
_AHEAD: Final = 20
"""Rows picked beyond the free slots at a time: some of them miss, and a pick costs a transaction."""


async def until_interrupted(run: CampaignRun) -> bool:
    """Run until the end, or until Ctrl-C; whether it was that. Outside of the main thread nobody listens for it."""
    interrupted = False

    async def listen(scope: anyio.CancelScope) -> None:
        nonlocal interrupted
        with anyio.open_signal_receiver(signal.SIGINT) as signals:
            async for _ in signals:
                if interrupted:
                    scope.cancel()
                interrupted = True
                run.finish()

    previous = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    try:
        async with anyio.create_task_group() as tasks:
            if is_main:
                tasks.start_soon(listen, tasks.cancel_scope)
            await run.until_over()
            tasks.cancel_scope.cancel()
    finally:
        if is_main:
            signal.signal(signal.SIGINT, previous)
    return interrupted


@define(kw_only=True, eq=False)
class CampaignRun:
    """What the facade hands over to dial one plan."""

    client: AsyncTrudyClient
    store: Store
    clock: Clock
    server_now: Callable[[], float]
    plan: Plan
    placer: Placer
    sweep: Sweep
    look_soon: Wakeup
    """Set from any thread when something was heard of a call."""
    _waiting: dict[int, anyio.CancelScope] = field(init=False, default=Factory(dict[int, anyio.CancelScope]))
    """Rows that wait for admission, or are on the wire."""
    _go_on: Wakeup = field(init=False, default=Factory(Wakeup))
    _most_dialed: float = field(init=False, default=float("inf"))
    _is_stopping: bool = field(init=False, default=False)
    _is_over: bool = field(init=False, default=False)

    async def until_over(self) -> None:
        """Dial until the campaign is done, paused, stopped or halted; then see calls on the wire to their answer."""
        if self.plan.canary is not None:
            self._most_dialed = (await self.store.campaign(self.plan.campaign)).dialed + self.plan.canary
        engine = EmbeddedEngine(sleep=self._rest)
        await engine.ensure(self.plan.campaign, 1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_looking)
            await engine.serve(self._dial)
            self._is_over = True
            self.look_soon.set()

    def finish(self) -> None:
        """Place nothing more: what waits for admission is not sent, what is on the wire gets its answer."""
        self._is_stopping = True
        for row, scope in self._waiting.items():
            if row not in self.placer.claimed:
                scope.cancel()
        self._go_on.set()

    async def _dial(self, turn: Slice) -> float | None:
        campaign = await self.store.campaign(turn.campaign)
        if campaign.state != "running":
            return None
        fence = await self.store.take_shard(turn.campaign, turn.shard, self.placer.worker)
        until = self.clock.monotonic() + turn.seconds
        async with anyio.create_task_group() as calls:
            while self.clock.monotonic() < until:
                campaign = await self.store.campaign(turn.campaign)
                if campaign.state != "running" or self._is_stopping:
                    break
                pause = await self._place_some(campaign, turn, fence, calls)
                if pause is None:
                    break
                await self._rest(pause)
            else:
                return 0.0
        return await self._next(turn)

    async def _place_some(
        self, campaign: CampaignRecord, turn: Slice, fence: int, calls: anyio.abc.TaskGroup
    ) -> float | None:
        """Start calls for the free slots; seconds to wait before the next look, None where nothing is left to dial."""
        unclaimed = len(self._waiting.keys() - self.placer.claimed)
        free = min(campaign.policy.max_live - campaign.live, self._most_dialed - campaign.dialed) - unclaimed
        if campaign.dialed >= self._most_dialed:
            await self.store.move_campaign(campaign.id, "paused", reason="the canary was called", now=self.server_now())
            return None
        if free <= 0:
            return WATCH_EVERY
        contacts = await self.store.due(turn.campaign, turn.shard, self.server_now(), int(free) + _AHEAD)
        started = 0
        for contact in contacts:
            if contact.id in self._waiting or not await self._is_allowed(campaign, contact):
                continue
            if started >= free or self._is_stopping:
                break
            started += 1
            calls.start_soon(self._place, campaign, contact, turn.shard, fence)
            await self.clock.sleep(campaign.policy.gap)
        if started:
            return 0.0
        if contacts or self._waiting:
            return WATCH_EVERY
        due_at = await self.store.next_due(turn.campaign, turn.shard)
        if due_at is None or due_at >= HELD_UNTIL:
            return None if campaign.live == 0 else WATCH_EVERY
        return min(WATCH_EVERY, max(0.0, due_at - self.server_now()))

    async def _is_allowed(self, campaign: CampaignRecord, contact: DueRow) -> bool:
        """What can be told before the rate limiter is asked; the claim asks again."""
        only_to = self.plan.only_to
        if only_to is not None and contact.number not in only_to:
            await self.store.postpone(contact.id, HELD_UNTIL, "only_to")
            return False
        now = self.server_now()
        opening = campaign.policy.hours.opens(contact.zones, country=contact.country, region=contact.region, moment=now)
        if opening == now:
            return True
        reason = "hours" if opening is not None else "zone_unknown" if not contact.zones else "hours_never"
        await self.store.postpone(contact.id, HELD_UNTIL if opening is None else opening, reason)
        return False

    async def _place(self, campaign: CampaignRecord, contact: DueRow, shard: int, fence: int) -> None:
        with anyio.CancelScope() as scope:
            self._waiting[contact.id] = scope
            try:
                await self.placer.place(campaign, contact, shard=shard, fence=fence)
            finally:
                del self._waiting[contact.id]
                self.placer.claimed.discard(contact.id)
                self._go_on.set()

    async def _next(self, turn: Slice) -> float | None:
        """After a turn: when the shard is worth another."""
        campaign = await self.store.campaign(turn.campaign)
        if campaign.state != "running" or self._is_stopping:
            return None
        due_at = await self.store.next_due(turn.campaign, turn.shard)
        if due_at is None or due_at >= HELD_UNTIL:
            if campaign.live:
                return WATCH_EVERY
            reason = None if due_at is None else "only held rows are left"
            await self.store.move_campaign(
                campaign.id, "done" if due_at is None else "paused", reason=reason, now=self.server_now()
            )
            return None
        return max(0.0, min(WATCH_EVERY, due_at - self.server_now()))

    async def _keep_looking(self) -> None:
        """Sweep while calls are open, and as long as the run goes on."""
        last = float("-inf")
        while True:
            ends = 0
            try:
                ends = await self.sweep.once()
            except TrudyError as error:
                if not error.retryable:
                    await self._halt(error)
            last = self.clock.monotonic()
            if ends:
                await self._judge()
                self._go_on.set()
            if self._is_over:
                return
            await self.look_soon.wait(SWEEP_EVERY, self.clock)
            self.look_soon.clear()
            await self.clock.sleep(max(0.0, last + NUDGED_EVERY - self.clock.monotonic()))

    async def _judge(self) -> None:
        """Let the breaker look at the last ends."""
        policy = self.plan.policy
        ends = await self.store.last_ends(self.plan.campaign, max(policy.breaker.of_last, policy.breaker.short_calls))
        reason = policy.breaker.trips(ends)
        if reason is not None:
            await self.stop(self.plan.campaign, reason)

    async def stop(self, campaign: str, reason: str) -> None:
        """Pause: what waits for admission is not sent."""
        await self.store.move_campaign(campaign, "paused", reason=reason, now=self.server_now())
        self._go_on.set()

    async def _halt(self, error: TrudyError) -> None:
        await self.store.move_campaign(
            self.plan.campaign, "halted", reason=f"calls cannot be looked for: {error.code}", now=self.server_now()
        )
        self._go_on.set()

    async def _rest(self, seconds: float) -> None:
        await self._go_on.wait(seconds, self.clock)
        self._go_on.clear()
