"""How a dialer begins to dial: it runs a confirmed plan by itself, gives it to workers, or becomes one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import define, field

from trudy._concurrency.loops import Wakeup
from trudy.dialer.assembly import RunHooks, assembled_run
from trudy.dialer.campaigns import Campaigns
from trudy.dialer.fleet import entry as fleet
from trudy.dialer.interrupts import until_interrupted
from trudy.dialer.placing import worker_name
from trudy.dialer.plan import Plan
from trudy.dialer.progress import RunResult
from trudy.dialer.records import OPEN_STATES, CampaignRecord
from trudy.dialer.running import CampaignRun
from trudy.dialer.store import Store, StoreBusyError, StoreError
from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient
    from trudy.clock import Clock


@define(kw_only=True, eq=False)
class Launcher:
    """Begins the runs of one dialer: no plan twice at a time, and none while it is a worker."""

    client: AsyncTrudyClient
    store: Store
    campaigns: Campaigns
    clock: Clock
    server_now: Callable[[], float]
    event_of: Callable[[str], object]
    """The last webhook event of a call's id."""
    look_soon: Wakeup
    watch_every: float
    _running: set[str] = field(init=False, factory=set[str])
    _is_worker: bool = field(init=False, default=False)

    async def run(self, plan: Plan, hooks: RunHooks, *, by: str | None) -> RunResult:
        """Dial a plan until its campaign is over, pauses by itself or is interrupted.

        Args:
            by: who said yes, for the audit.

        Raises:
            InvalidArgumentError: it is being run, or its agent was changed since.
            StoreBusyError: another process dials from the store, or this dialer is a worker.
        """
        if self._is_worker:
            raise StoreBusyError("this dialer is a worker: give it the campaign by `start`")
        await self.store.lock(worker_name())
        if plan.campaign in self._running:
            raise InvalidArgumentError("plan: it is being run; `resume` ends a pause", argument="plan")
        campaign = await self._confirmed(plan)
        is_over = campaign.state not in OPEN_STATES
        if is_over and not campaign.live:
            return await self.campaigns.result(plan.campaign)
        run = assembled_run(
            plan,
            hooks,
            client=self.client,
            store=self.store,
            clock=self.clock,
            server_now=self.server_now,
            event_of=self.event_of,
            look_soon=self.look_soon,
            watch_every=self.watch_every,
        )
        self._running.add(plan.campaign)
        try:
            return await self._run(plan, run, is_over=is_over, by=by)
        finally:
            self._running.discard(plan.campaign)

    async def _run(self, plan: Plan, run: CampaignRun, *, is_over: bool, by: str | None) -> RunResult:
        try:
            if not is_over:
                await self.store.call_only(plan.campaign, plan.only_to, plan.canary)
                await self.campaigns.move(plan.campaign, "running", None, by=by, was=OPEN_STATES)
        except StoreError as fault:
            return await self.campaigns.result_despite(plan.campaign, fault)
        interrupted = await until_interrupted(run)
        if run.fault is not None:
            return await self.campaigns.result_despite(plan.campaign, run.fault)
        if interrupted and (await self.store.campaign(plan.campaign)).state == "running":
            await self.campaigns.move(plan.campaign, "paused", "interrupted; run the same plan again to go on")
        return await self.campaigns.result(plan.campaign)

    async def start(self, plan: Plan, *, by: str | None) -> None:
        """Give a plan to the workers of the store.

        Raises:
            InvalidArgumentError: its agent was changed since.
            ConfigurationError: the store is not in PostgreSQL.
        """
        store = fleet.shared_store(self.store)
        if (await self._confirmed(plan)).state in OPEN_STATES:
            await fleet.start(store, plan, now=self.server_now(), by=by)

    async def work(self, hooks: RunHooks, *, until_done: bool) -> None:
        """Be one of the workers of the store.

        Raises:
            ConfigurationError: the store is not in PostgreSQL, the client counts its requests by itself, or the event
                loop is not asyncio's.
            StoreBusyError: a process dials by `run`, or this dialer is a worker already.
        """
        store = fleet.shared_store(self.store)
        fleet.check_client(self.client)
        if self._is_worker or self._running:
            raise StoreBusyError("this dialer dials already")
        self._is_worker = True
        try:
            await fleet.work(
                store,
                hooks,
                client=self.client,
                clock=self.clock,
                server_now=self.server_now,
                event_of=self.event_of,
                look_soon=self.look_soon,
                until_done=until_done,
            )
        finally:
            self._is_worker = False

    async def _confirmed(self, plan: Plan) -> CampaignRecord:
        """The campaign of a plan whose agent is still the one that a person said yes to."""
        campaign = await self.campaigns.planned(plan)
        if campaign.state in OPEN_STATES and await plan.agent_has_changed(self.client):
            raise InvalidArgumentError("plan: its agent was changed since; plan again", argument="plan")
        return campaign
