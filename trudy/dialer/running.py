"""One run of a campaign: a task that places calls, a task that looks for their ends, and how both come to an end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

import anyio
from attrs import Factory, define, field

from trudy._concurrency.loops import Wakeup
from trudy.dialer.clock_guard import ClockGuard
from trudy.dialer.engine import EmbeddedEngine, Slice
from trudy.dialer.placing import Placer
from trudy.dialer.progress import HookError
from trudy.dialer.records import HELD_UNTIL, CampaignRecord, DueRow, Miss
from trudy.dialer.states import ImpossibleError
from trudy.dialer.store import Store, StoreError
from trudy.dialer.sweep import Looked, Sweep
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
HELD_EVERY: Final = 1.0
"""Seconds between two looks at whether a run paused by hand may go on: more often would read the store for nothing."""
_UNSEEN: Final = 30
"""So many of these looks may be spared while the file seems untouched: a write may show no trace in its date."""
LIST_MAY_LAG: Final = 15.0
"""Seconds that a resumed run waits before it dials: a call that was placed just before, and is in no list yet, may be
one that a restored store has forgotten. Lists were seen to lag by 10."""
_AHEAD: Final = 20
"""Rows picked beyond the free slots at a time: some of them miss, and a pick costs a transaction."""


@define(eq=False)
class _Start:
    """A contact on its way: `settled` once its intent is committed or it is clear that none will be."""

    scope: anyio.CancelScope
    settled: anyio.Event
    miss: Miss | None = None


@define(kw_only=True, eq=False)
class CampaignRun:
    """What the facade hands over to dial one plan.

    Attributes:
        fault: why the store could not be written any more; None while it can.
        failure: what a hook or a callback raised.
    """

    client: AsyncTrudyClient
    store: Store
    clock: Clock
    server_now: Callable[[], float]
    plan: Plan
    placer: Placer
    sweep: Sweep
    clock_guard: ClockGuard
    look_soon: Wakeup
    """Set from any thread when something was heard of a call."""
    on_event: Callable[[str, DueRow | None, str], None]
    """Told of the run itself: `paused`, `resumed`, `interrupted`, `breaker`."""
    watch_every: float = WATCH_EVERY
    fault: StoreError | None = field(init=False, default=None)
    failure: Exception | None = field(init=False, default=None)
    _starting: dict[int, _Start] = field(init=False, default=Factory(dict[int, _Start]))
    """Rows that wait for admission, or are on the wire."""
    _serving: anyio.CancelScope = field(init=False, default=Factory(anyio.CancelScope))
    _go_on: Wakeup = field(init=False, default=Factory(Wakeup))
    _claimed: Wakeup = field(init=False, default=Factory(Wakeup))
    _most_dialed: float = field(init=False, default=float("inf"))
    _is_over: bool = field(init=False, default=False)
    """Whether something in this run has ended it; a pause by hand does not."""
    _is_held: bool = field(init=False, default=False)
    """Whether it is told that somebody has paused the campaign."""
    _began_at: float = field(init=False, default=0.0)
    _claimed_at: float = field(init=False, default=float("-inf"))

    async def until_over(self) -> None:
        """Dial until the campaign is done, stopped or halted, or pauses by itself; then see calls on the wire to their
        answer. While somebody has paused it, wait. Where it was over before, look for the ends of its last calls."""
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._safely, self._keep_looking)
            beside.start_soon(self._safely, self._watch)
            async with anyio.create_task_group() as calls:
                with self._serving:
                    await self._safely(lambda: self._serve(calls))
            beside.cancel_scope.cancel()
        if self.fault is not None:
            # Where even that cannot be written, the result says it.
            with suppress(StoreError):
                await self._end_as("halted", str(self.fault))

    def finish(self) -> None:
        """Place nothing more: what waits for admission is not sent, what is on the wire gets its answer."""
        self._serving.cancel()
        self._withdraw()

    async def interrupt(self) -> None:
        """What Ctrl-C does: `finish`, and tell of it."""
        self.finish()

        async def tell() -> None:
            self.on_event("interrupted", None, "")

        await self._safely(tell)

    async def _serve(self, calls: anyio.abc.TaskGroup) -> None:
        """Look for what was forgotten, then dial."""
        self._began_at = self.server_now()
        campaign = await self.store.campaign(self.plan.campaign)
        if campaign.state not in ("running", "paused"):
            while not self._is_over and (await self.store.campaign(self.plan.campaign)).live:
                await self._rest(SWEEP_EVERY)
            return
        if self.plan.canary is not None:
            self._most_dialed = self.plan.canary
        self.clock_guard.learned()
        if not await self._remembers_all():
            return
        engine = EmbeddedEngine(sleep=self._rest)
        await engine.ensure(self.plan.campaign, 1)
        await engine.serve(lambda turn: self._dial(turn, calls))

    async def _remembers_all(self) -> bool:
        """Whether the store knows every call that it placed; halts the campaign otherwise."""
        since = await self.store.last_activity_at()
        began = self.clock.monotonic()
        if await self._asked(lambda: self._adopted(since)):
            return False
        if not await self.store.has_dialed():
            return True
        await self.clock.sleep(max(0.0, began + LIST_MAY_LAG - self.clock.monotonic()))
        return not await self._asked(lambda: self._adopted(max(since, self._began_at - LIST_MAY_LAG)))

    async def _adopted(self, since: float) -> bool:
        adopted = await self.sweep.adopt_forgotten(since)
        if adopted:
            await self._halt_forgotten(adopted)
        return adopted > 0

    async def _asked(self, ask: Callable[[], Awaitable[bool]]) -> bool:
        """The answer, however often it takes; True, and the campaign halted, where the API refuses to tell."""
        while True:
            try:
                return await ask()
            except TrudyError as error:
                if not error.retryable:
                    await self._end_as("halted", f"calls cannot be looked for: {error.code}")
                    return True
                await self.clock.sleep(SWEEP_EVERY)

    async def _dial(self, turn: Slice, calls: anyio.abc.TaskGroup) -> float | None:
        """One slice: seconds until the shard is worth another turn; None where it is finished."""
        campaign = await self.store.campaign(turn.campaign)
        if not self._may_dial(campaign):
            return self._rest_of(campaign)
        fence = await self.store.take_shard(turn.campaign, turn.shard, self.placer.worker)
        until = self.clock.monotonic() + turn.seconds
        while self.clock.monotonic() < until:
            campaign = await self.store.campaign(turn.campaign)
            if not self._may_dial(campaign):
                return self._rest_of(campaign)
            await self.clock_guard.until_sure()
            pause = await self._place_some(campaign, turn, fence, calls, until)
            if pause is None:
                return await self._next(turn)
            await self._rest(min(pause, until - self.clock.monotonic()))
        return 0.0

    def _may_dial(self, campaign: CampaignRecord) -> bool:
        """Whether the campaign runs; tells when somebody has paused it, and when it goes on."""
        is_held = self._rest_of(campaign) is not None
        if is_held and not self._is_held:
            self.on_event("paused", None, campaign.reason or "")
        elif self._is_held and campaign.state == "running":
            self.on_event("resumed", None, "")
        self._is_held = is_held
        return campaign.state == "running" and not self._is_over

    def _rest_of(self, campaign: CampaignRecord) -> float | None:
        """Seconds until it is worth asking again whether a campaign that does not run does; None where it is over."""
        return HELD_EVERY if campaign.state == "paused" and not self._is_over else None

    async def _place_some(
        self, campaign: CampaignRecord, turn: Slice, fence: int, calls: anyio.abc.TaskGroup, until: float
    ) -> float | None:
        """Start calls for the free slots; seconds to wait before the next look, None where nothing is due."""
        if campaign.dialed >= self._most_dialed:
            await self._end_as("paused", "the canary was called")
            return 0.0
        free = min(campaign.policy.max_live - campaign.live, self._most_dialed - campaign.dialed)
        if free <= 0:
            return SWEEP_EVERY
        contacts = await self.store.due(turn.campaign, turn.shard, self.server_now(), int(min(free, _AHEAD)) + _AHEAD)
        if not contacts:
            return None
        for contact in contacts:
            if free <= 0 or self.clock.monotonic() >= until:
                break
            if contact.id in self._starting or not await self._is_allowed(campaign, contact):
                continue
            await self._keep_gap(campaign.policy.gap)
            miss = await self._start(campaign, contact, turn.shard, fence, calls)
            if miss is None:
                free -= 1
            elif miss.reason in ("max_calls", "max_spend"):
                return await self._spent(campaign.id, miss.reason)
            elif miss.reason == "max_live":
                return SWEEP_EVERY
            elif miss.reason == "fence":
                return None  # somebody else has the shard
            elif miss.reason in ("campaign", "clock"):
                break
        return 0.0

    async def _start(
        self, campaign: CampaignRecord, contact: DueRow, shard: int, fence: int, calls: anyio.abc.TaskGroup
    ) -> Miss | None:
        """Let one contact wait for admission, the only one: so calls keep their distance, and few need be withdrawn."""
        start = _Start(anyio.CancelScope(), anyio.Event())
        self._starting[contact.id] = start

        def claimed() -> None:
            self._claimed_at = self.clock.monotonic()
            self._claimed.set()
            start.settled.set()

        async def place() -> None:
            try:
                with start.scope:
                    start.miss = await self.placer.place(campaign, contact, shard=shard, fence=fence, on_claim=claimed)
            except ImpossibleError:
                start.miss = Miss(reason="row")  # its row was settled meanwhile
            finally:
                del self._starting[contact.id]
                self.placer.claimed.discard(contact.id)
                start.settled.set()
                if start.miss is None:  # else nothing has changed, and the next look would come to the same
                    self._go_on.set()

        calls.start_soon(self._safely, place)
        await start.settled.wait()
        return start.miss

    async def _keep_gap(self, gap: float) -> None:
        while (left := self._claimed_at + gap - self.clock.monotonic()) > 0:
            await self.clock.sleep(left)

    async def _spent(self, campaign: str, reason: str) -> float:
        """Nothing more may be dialed, unless a call that is still open turns out to cost nothing."""
        if (await self.store.campaign(campaign)).live:
            return SWEEP_EVERY
        await self._end_as("paused", f"{reason} is reached")
        return 0.0

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

    async def _next(self, turn: Slice) -> float | None:
        """After a turn in which nothing was due: when the shard is worth another."""
        campaign = await self.store.campaign(turn.campaign)
        if campaign.state != "running":
            return self._rest_of(campaign)
        due_at = await self.store.next_due(turn.campaign, turn.shard)
        if due_at is not None and due_at < HELD_UNTIL:
            return max(0.0, due_at - self.server_now())
        if campaign.live:
            return SWEEP_EVERY
        await self._end_as(*(("done", None) if due_at is None else ("paused", "only held rows are left")))
        return None

    async def _keep_looking(self) -> None:
        """Sweep while calls are open, and as long as the run goes on."""
        while True:
            looked = Looked()
            # An answer that is awaited may be lost while nothing else is open and nothing else starts.
            started, awaits = len(self.placer.started), bool(self.placer.claimed)
            try:
                looked = await self.sweep.once()
            except TrudyError as error:
                if not error.retryable:
                    await self._end_as("halted", f"calls cannot be looked for: {error.code}")
            last = self.clock.monotonic()
            if looked.adopted:
                await self._halt_forgotten(looked.adopted)
            if looked.ends:
                await self.judge()
                self._go_on.set()
            is_idle = not looked.looked_for and not awaits
            while is_idle and len(self.placer.started) == started and not self.look_soon.clear():
                await self._claimed.wait(max(SWEEP_EVERY, self.watch_every), self.clock)
                self._claimed.clear()
                if len(self.placer.started) != started:
                    last = self.clock.monotonic()  # no call is over at once
            await self.look_soon.wait(last + SWEEP_EVERY - self.clock.monotonic(), self.clock)
            await self.clock.sleep(max(0.0, last + NUDGED_EVERY - self.clock.monotonic()))
            self.look_soon.clear()

    async def _watch(self) -> None:
        """Hear what other processes want: a look at the calls, or that nothing more is placed."""
        spared = 0
        while True:
            await self.clock.sleep(self.watch_every)
            spared += 1
            if spared < _UNSEEN and not self.store.may_have_changed():
                continue
            spared = 0
            if await self.store.take_hints():
                self.look_soon.set()
            if (await self.store.campaign(self.plan.campaign)).state != "running":
                self._withdraw()

    def _withdraw(self) -> None:
        for row, start in self._starting.items():
            if row not in self.placer.claimed:
                start.scope.cancel()
        self._go_on.set()

    async def judge(self) -> None:
        """Let the breaker look at the last ends of this run; who resumes after a pause wants to go on."""
        breaker = self.plan.policy.breaker
        most = max(breaker.of_last, breaker.short_calls)
        reason = breaker.trips(await self.store.last_ends(self.plan.campaign, most, since=self._began_at))
        if reason is not None:
            if not self._is_over:
                self.on_event("breaker", None, reason)
            await self._end_as("paused", reason)

    async def _halt_forgotten(self, count: int) -> None:
        await self._end_as(
            "halted",
            f"{count} calls were placed that this store has forgotten; was a backup restored? Their rows are held;"
            " run the same plan again to go on with the others",
        )

    async def _end_as(self, state: Literal["done", "paused", "halted"], reason: str | None) -> None:
        """End this run, and let its campaign stand so, unless it has its end already."""
        campaign = await self.store.campaign(self.plan.campaign)
        if not self._is_over and campaign.state in ("running", "paused"):
            await self.store.move_campaign(campaign.id, state, reason=reason, now=self.server_now())
        self._is_over = True
        self._withdraw()

    async def pause(self, campaign: str, reason: str) -> None:
        """End this run with its campaign paused."""
        if campaign == self.plan.campaign:
            await self._end_as("paused", reason)

    async def _safely(self, work: Callable[[], Awaitable[None]]) -> None:
        """A fault ends the run in good order: what is on the wire still gets its answer."""
        try:
            await work()
        except StoreError as fault:
            self.fault = self.fault or fault
            self.finish()
        except Exception as error:
            self.failure = self.failure or (error.failure if isinstance(error, HookError) else error)
            self.finish()

    async def _rest(self, seconds: float) -> None:
        await self._go_on.wait(seconds, self.clock)
        self._go_on.clear()
