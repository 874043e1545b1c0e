"""One process that dials with others: turns at shards and at the sweep, until it is told to end."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import anyio
from attrs import Factory, define, field, frozen

from trudy._concurrency.loops import Wakeup
from trudy.clock import SystemClock
from trudy.dialer.arguments import check_hours
from trudy.dialer.assembly import RunHooks, placer_of, sweep_of
from trudy.dialer.clock_guard import ClockGuard
from trudy.dialer.engine import Slice
from trudy.dialer.fleet import jobs
from trudy.dialer.fleet.fleet_sweep import FleetSweep
from trudy.dialer.fleet.keeper import Keeper, Kept
from trudy.dialer.fleet.listener import listen
from trudy.dialer.fleet.supervisor import Supervisor
from trudy.dialer.placing import Placer
from trudy.dialer.progress import HookError
from trudy.dialer.records import CampaignRecord, OpenAttempt
from trudy.dialer.slices import Pace, SliceDialer
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.states import ImpossibleError
from trudy.dialer.store import StoreError
from trudy.errors import ConfigurationError, TrudyError

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient
    from trudy.clock import Clock

logger = logging.getLogger("trudy.dialer")
_REAL: Final = SystemClock()
"""The database's time, in which the others wait for a sign of life, also where a test's clock runs faster."""

_TURNS: Final = 16
"""Turns at a time. Those of one campaign wait for its slots together; fewer would let it keep out the others."""
_KEEPS_A_TURN: Final = 5.0
"""Seconds of a turn before it is given to a worker that has fewer. Less makes more jobs where that one takes none,
since it is ending; more lets one that has just come stand idle."""
_BLOCKED: Final = 5.0
"""Seconds that a turn waits for a slot before it lets another campaign's have its place: fewer make more jobs."""
_KEEPS_EVERY: Final = 1.0
"""Seconds between two looks of the keeper: more leave shards waiting, fewer press the database."""
_ANSWERS_WITHIN: Final = 220.0
"""Seconds after the last moment at which a request may leave for which a worker that is alive may still get its answer:
30 to write, 180 to read. Less would judge a call too early whose answer is on its way."""
_ASKS_EVERY: Final = 5.0
"""Seconds until an API that could not be reached at the start is asked again: more often costs requests for nothing."""
_PATIENCE: Final = 30.0
"""Seconds for which an answer is kept while the database is away: it restarts within less. More would hold up a worker
that is to end."""


@frozen(kw_only=True)
class _Turn:
    campaign: str
    since: float
    """On the clock that only goes forward."""


@define(kw_only=True, eq=False)
class FleetWorker:
    """Dials the campaigns of a store with other workers.

    Attributes:
        failure: what a hook or a callback raised.
    """

    client: AsyncTrudyClient
    store: SqlStore
    clock: Clock
    server_now: Callable[[], float]
    name: str
    """Unique among the workers of the store."""
    hooks: RunHooks
    event_of: Callable[[str], object]
    look_soon: Wakeup
    until_done: bool
    """Whether to end once no campaign runs and the end of every call is known."""
    failure: Exception | None = field(init=False, default=None)
    _clock_guard: ClockGuard = field(init=False)
    _keeper: Keeper = field(init=False)
    _sweep: FleetSweep = field(init=False)
    _kept: Kept = field(init=False, factory=Kept)
    _placers: dict[str, Placer] = field(init=False, factory=dict[str, Placer])
    """By campaign."""
    _paces: dict[str, Pace] = field(init=False, factory=dict[str, Pace])
    _turns: dict[SliceDialer, _Turn] = field(init=False, factory=dict[SliceDialer, _Turn])
    """Those that are taken, the oldest first."""
    _calls: anyio.abc.TaskGroup | None = field(init=False, default=None)
    _is_away: bool = field(init=False, default=False)
    """Whether the store could not be used; told once."""
    _keep_soon: Wakeup = field(init=False, default=Factory(Wakeup))
    _finishing: anyio.Event = field(init=False, default=Factory(anyio.Event))

    def __attrs_post_init__(self) -> None:
        self._clock_guard = ClockGuard(client=self.client, clock=self.clock)
        self._keeper = Keeper(store=self.store, server_now=self.server_now, worker=self.name)
        self._sweep = FleetSweep(
            store=self.store,
            sweep=sweep_of(
                self.hooks,
                client=self.client,
                store=self.store,
                server_now=self.server_now,
                event_of=self.event_of,
                is_awaited=self._is_awaited,
            ),
            clock=self.clock,
            server_now=self.server_now,
            look_soon=self.look_soon,
            is_stopping=self._finishing.is_set,
            on_event=self.hooks.tell,
            safely=self._safely,
        )

    async def until_over(self) -> None:
        """Dial until it is told to end; then see the calls on the wire to their answer."""
        try:
            await self._learn_time()
        except TrudyError as error:
            self.failure = error
            return
        await self._learn_who_is_alive()
        settings = self.store.database.settings
        queues = [
            Supervisor(settings=settings, queue=queue, task=task, work=work, name=self.name, concurrency=most)
            for queue, task, work, most in (
                (jobs.queue_of(self.store.id), jobs.DIAL, self._dial, _TURNS),
                (jobs.sweep_queue_of(self.store.id), jobs.SWEEP, self._look, 1),
            )
        ]
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._safely, self._keep)
            beside.start_soon(self._safely, lambda: listen(settings, self.store.id, self._hear))
            async with anyio.create_task_group() as self._calls, anyio.create_task_group() as serving:
                for queue in queues:
                    serving.start_soon(self._safely, queue.run)
                try:
                    await self._finishing.wait()
                finally:
                    self.finish()
                    for queue in queues:
                        queue.stop()
            beside.cancel_scope.cancel()
        if not self._is_away:  # else others take it for dead soon
            with anyio.CancelScope(shield=True):
                await self._bear(self._keeper.leave)

    async def _learn_time(self) -> None:
        """The server's time must be known before hours are asked for."""
        while not self._finishing.is_set():
            try:
                await self.client.calls.list(limit=1, lane="bulk")
            except TrudyError as error:
                if not error.retryable:
                    raise
                logger.warning("the API is asked again: %s", error)
                await self.clock.sleep(_ASKS_EVERY)
            else:
                self._clock_guard.learned()
                return

    async def _learn_who_is_alive(self) -> None:
        """Else the calls that others have on the wire would be looked for."""
        while not self._finishing.is_set():
            await self._bear(self._keep_once)
            if not self._is_away:
                return
            await _REAL.sleep(_KEEPS_EVERY)

    def finish(self) -> None:
        """Place nothing more: what waits for admission is not sent, what is on the wire gets its answer."""
        self._finishing.set()
        self.look_soon.set()
        for each in self._turns:
            each.withdraw()

    async def interrupt(self) -> None:
        """What Ctrl-C does: `finish`, and tell of it."""
        self.finish()

        async def tell() -> None:
            self.hooks.tell("interrupted", None, "")

        await self._safely(tell)

    async def _dial(self, campaign: str, shard: int) -> None:
        """A turn at a shard."""
        assert self._calls is not None  # noqa: S101
        placer = self._placers.get(campaign)
        if placer is None and (placer := await self._new_placer(campaign)) is None:
            return
        dialer = SliceDialer(
            store=self.store,
            clock=self.clock,
            server_now=self.server_now,
            placer=placer,
            clock_guard=self._clock_guard,
            may_dial=self._may_dial,
            pause=self._sweep.pause,
            safely=self._safely,
            pace=self._paces.setdefault(campaign, Pace()),
            longest_wait=_BLOCKED,
        )
        self._turns[dialer] = _Turn(campaign=campaign, since=_REAL.monotonic())
        calls = self._calls

        async def turn() -> None:
            turned = await dialer.dial(Slice(campaign=campaign, shard=shard), calls)
            if turned in ("over", "blocked") or self._finishing.is_set():
                await self.store.database.in_transaction(jobs.put_shards, self.store.id, campaign, [shard])

        try:
            await self._safely(turn)
        finally:
            del self._turns[dialer]

    async def _look(self) -> None:
        """A turn at the sweep."""

        async def turn() -> None:
            await self._sweep.turn()
            await self.store.database.in_transaction(jobs.put_sweep, self.store.id, is_next=True)

        await self._safely(turn)

    async def _keep(self) -> None:
        while True:
            await self._bear(self._keep_once)
            await self._keep_soon.wait(_KEEPS_EVERY, _REAL)
            self._keep_soon.clear()

    async def _keep_once(self) -> None:
        self._kept = await self._keeper.look()
        if self._is_away:
            logger.warning("the store can be used again")
            self._is_away = False
        if self.until_done and not self._kept.running and not self._kept.has_open_calls:
            self.finish()
        for each, turn in self._turns.items():
            if turn.campaign not in self._kept.running:
                each.withdraw()
        self._share_turns()
        if self._sweep.is_on and self._kept.has_hints:
            self.look_soon.set()
        elif not self._sweep.is_on and self.look_soon.clear():
            await self.store.tell_of_hint()

    def _share_turns(self) -> None:
        """End the turns that are more than this worker's share, for others to take."""
        share = math.ceil(self._kept.turns / max(1, len(self._kept.alive)))
        for each, turn in list(self._turns.items())[: max(0, len(self._turns) - share)]:
            if _REAL.monotonic() - turn.since >= _KEEPS_A_TURN:
                each.end_turn()

    def _hear(self, what: str) -> None:
        """Something has changed in the store, through whatever process."""
        if what == "hint" and self._sweep.is_on:
            self.look_soon.set()
        elif what == "move":
            self._keep_soon.set()
        for each in self._turns:
            each.go_on.set()

    def _may_dial(self, campaign: CampaignRecord) -> bool:
        return campaign.state == "running" and not self._finishing.is_set()

    def _is_awaited(self, attempt: OpenAttempt) -> bool:
        """Whether an answer may still come that nobody has written down: here, or at another worker that is alive."""
        if attempt.worker == self.name:
            return any(attempt.id in placer.awaited for placer in self._placers.values())
        return attempt.worker in self._kept.alive and self.server_now() <= attempt.send_by + _ANSWERS_WITHIN

    async def _new_placer(self, campaign: str) -> Placer | None:
        """None where this client may not place its calls."""
        try:
            check_hours((await self.store.campaign(campaign)).policy.hours, self.client.base_url)
        except ConfigurationError as error:
            await self._sweep.pause(campaign, error.message)
            return None
        placer = self._placers[campaign] = placer_of(
            self.hooks,
            client=self.client,
            store=self.store,
            clock=self.clock,
            server_now=self.server_now,
            worker=self.name,
            clock_moved=self._clock_guard.moved,
            on_stop=self._sweep.pause,
            patience=_PATIENCE,
        )
        placer.on_refused = lambda: self._sweep.judge(campaign)
        return placer

    async def _safely(self, work: Callable[[], Awaitable[None]]) -> None:
        """A fault of the database ends a turn or a call, and others go on; what a hook raises ends the worker."""
        try:
            await self._bear(work)
        except Exception as error:
            self.failure = self.failure or (error.failure if isinstance(error, HookError) else error)
            self.finish()

    async def _bear(self, work: Callable[[], Awaitable[None]]) -> None:
        """A fault of the database is told: it comes back, or another worker goes on."""
        try:
            await work()
        except StoreError as fault:
            logger.log(logging.DEBUG if self._is_away else logging.WARNING, "the store cannot be used now: %s", fault)
            self._is_away = True
        except ImpossibleError as late:
            logger.debug("another worker was quicker: %s", late)
