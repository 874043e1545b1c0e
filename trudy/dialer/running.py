"""One run of a campaign: a task that places calls, a task that looks for their ends, and what pauses or ends both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

import anyio
from attrs import Factory, define, field

from trudy._concurrency.loops import Wakeup
from trudy.dialer.amnesia_guard import FORGOTTEN, AmnesiaGuard
from trudy.dialer.clock_guard import ClockGuard
from trudy.dialer.engine import EmbeddedEngine, Slice
from trudy.dialer.placing import Placer
from trudy.dialer.progress import HookError
from trudy.dialer.records import HELD_UNTIL, ONLY_HELD, CampaignRecord, DueRow
from trudy.dialer.slices import SliceDialer
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
"""Seconds between two sweeps at least, however many events come: more often costs requests that dialing needs, less
often would leave slots taken whose calls are over."""
WATCH_EVERY: Final = 2.0
"""Seconds between two looks at what another process wants, such as a pause: more often would read the store for
nothing, less often would let calls begin after somebody said no."""
HELD_EVERY: Final = 1.0
"""Seconds between two looks at whether a run paused by hand may go on: more often would read the store for nothing."""
_UNSEEN: Final = 30
"""So many of these looks may be spared while the file seems untouched: a write may show no trace in its date.
More would put off a pause that is overlooked so, fewer would read the store for nothing."""


@define(kw_only=True, eq=False)
class CampaignRun:
    """One run of one plan, from its first call to its end.

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
    _slices: SliceDialer = field(init=False)
    _serving: anyio.CancelScope = field(init=False, default=Factory(anyio.CancelScope))
    _claimed: Wakeup = field(init=False, default=Factory(Wakeup))
    _is_over: bool = field(init=False, default=False)
    """Whether something in this run has ended it; a pause by hand does not."""
    _is_held: bool = field(init=False, default=False)
    """Whether it is told that somebody has paused the campaign."""
    _began_at: float = field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        self._slices = SliceDialer(
            store=self.store,
            clock=self.clock,
            server_now=self.server_now,
            placer=self.placer,
            clock_guard=self.clock_guard,
            may_dial=self._may_dial,
            pause=self.pause,
            safely=self._safely,
        )

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
        self._slices.withdraw()

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
                await self._slices.rest(SWEEP_EVERY)
            return
        self.clock_guard.learned()
        if not await self._remembers_all():
            return
        engine = EmbeddedEngine(sleep=self._slices.rest)
        await engine.ensure(self.plan.campaign)
        await engine.serve(lambda turn: self._dial(turn, calls))

    async def _remembers_all(self) -> bool:
        """Whether the store knows every call that it placed; halts the campaign otherwise."""
        return await AmnesiaGuard(
            store=self.store,
            sweep=self.sweep,
            clock=self.clock,
            server_now=self.server_now,
            on_forgotten=self._halt_forgotten,
            on_refused=self._halt_refused,
        ).passes()

    async def _dial(self, turn: Slice, calls: anyio.abc.TaskGroup) -> float | None:
        """One slice: seconds until it is worth another turn; None where the campaign is over."""
        match await self._slices.dial(turn, calls, self._claimed.set):
            case "nothing due":
                return await self._next(turn)
            case "not running":
                return self._rest_of(await self.store.campaign(turn.campaign))
            case "server":  # the database was restarted, or is on another server
                return 0.0 if await self._remembers_all() else None
            case "over" | "blocked":
                return 0.0

    def _may_dial(self, campaign: CampaignRecord) -> bool:
        """Whether the campaign runs; tells when somebody has paused it, and when it goes on."""
        is_held = campaign.state == "paused" and not self._is_over
        if is_held and not self._is_held:
            self.on_event("paused", None, campaign.reason or "")
        elif self._is_held and campaign.state == "running":
            self.on_event("resumed", None, "")
        self._is_held = is_held
        return campaign.state == "running" and not self._is_over

    def _rest_of(self, campaign: CampaignRecord) -> float | None:
        """Seconds until a campaign that did not run, and may by now, is worth another turn; None where it is over."""
        if self._is_over or campaign.state not in ("running", "paused"):
            return None
        return HELD_EVERY if campaign.state == "paused" else 0.0

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
        await self._end_as(*(("done", None) if due_at is None else ("paused", ONLY_HELD)))
        return None

    async def _keep_looking(self) -> None:
        """Sweep while calls are open, and as long as the run goes on."""
        while True:
            looked: Looked | None = None
            # A request on the wire may lose its answer, and its call must be looked for, though nothing new starts.
            started, awaits = self.placer.claims, bool(self.placer.claimed)
            try:
                looked = await self.sweep.once()
            except TrudyError as error:
                if not error.retryable:
                    await self._halt_refused(error.code)
            last = self.clock.monotonic()
            if looked is not None and looked.adopted:
                await self._halt_forgotten(looked.adopted)
            if looked is not None and looked.ends:
                await self.judge()
                self._slices.go_on.set()
            # After a sweep that failed, calls may be open: without another one, a call that has the only slot keeps it.
            is_idle = looked is not None and not looked.looked_for and not awaits
            while is_idle and self.placer.claims == started and not self.look_soon.clear():
                await self._claimed.wait(max(SWEEP_EVERY, self.watch_every), self.clock)
                self._claimed.clear()
                if self.placer.claims != started:
                    last = self.clock.monotonic()  # a call that was just placed is not over yet
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
                self._slices.withdraw()

    async def judge(self) -> None:
        """Let the breaker look at the last ends of this run; who resumes after a pause wants to go on."""
        breaker = self.plan.policy.breaker
        most = max(breaker.of_last, breaker.short_calls)
        reason = breaker.trips(await self.store.last_ends(self.plan.campaign, most, since=self._began_at))
        if reason is not None:
            if not self._is_over:
                self.on_event("breaker", None, reason)
            await self._end_as("paused", reason)

    async def _halt_refused(self, code: str) -> None:
        await self._end_as("halted", f"calls cannot be looked for: {code}")

    async def _halt_forgotten(self, count: int) -> None:
        await self._end_as("halted", FORGOTTEN.format(count))

    async def _end_as(self, state: Literal["done", "paused", "halted"], reason: str | None) -> None:
        """End this run, and let its campaign stand so, unless it has its end already."""
        if not self._is_over:
            await self.store.move_campaign(
                self.plan.campaign, state, reason=reason, now=self.server_now(), was=("running", "paused")
            )
        self._is_over = True
        self._slices.withdraw()

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
