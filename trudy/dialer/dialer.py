"""The dialer: plans campaigns, rehearses them, dials them alone or with other workers, and hears of their calls."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from trudy import _checks
from trudy.clock import Clock
from trudy.dialer import arguments
from trudy.dialer.assembly import RunHooks
from trudy.dialer.columns import Columns
from trudy.dialer.contacts import numbers_in
from trudy.dialer.control import CampaignControl
from trudy.dialer.endings import Classify, LastEvents, OnOutcome
from trudy.dialer.forecast import REQUESTS_A_MINUTE
from trudy.dialer.launch import Launcher
from trudy.dialer.outcome import classify
from trudy.dialer.placing import ShouldDial
from trudy.dialer.plan import Plan, make_plan
from trudy.dialer.policy import Policy
from trudy.dialer.progress import CampaignStatus, OnEvent, RunResult
from trudy.dialer.rehearsal import USUAL, Mix, Rehearsal
from trudy.dialer.running import WATCH_EVERY
from trudy.dialer.sources import Source
from trudy.dialer.store import Store

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient


class Dialer(CampaignControl):
    """Dials the contacts of campaigns, each at most once at a time, within hours, caps and the rate limit.

    Use it in `async with`, inside that of its client.

    Args:
        client: the client to call through.
        store: a path of a SQLite file, or an SQLAlchemy URL. One process at a time dials from it by `run`; many may by
            `work`, where it is in PostgreSQL.
        region: the default region of numbers without a country code, such as `"US"`.
        clock: what tells the time; the client's if left out.
    """

    watch_every: ClassVar[float] = WATCH_EVERY
    """Seconds between two looks of a run at what another process wants, such as a pause."""

    def __init__(
        self,
        client: AsyncTrudyClient,
        *,
        store: str | os.PathLike[str] | Store,
        region: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(client, store=store, region=region, clock=clock)
        self._events = LastEvents()
        self._launcher = Launcher(
            client=client,
            store=self.store,
            campaigns=self._campaigns,
            clock=self._clock,
            server_now=self.now,
            event_of=self._events.of,
            look_soon=self._wakeup,
            watch_every=self.watch_every,
        )

    async def plan(
        self,
        source: Source,
        *,
        agent: str,
        consent: str | None,
        policy: Policy | None = None,
        region: str | None = None,
        columns: Columns | None = None,
        only_to: Source | None = None,
        canary: int | None = None,
        rejects: str | os.PathLike[str] | None = "rejects.csv",
    ) -> Plan:
        """Read and judge a source; nobody is called and nothing is spent.

        Args:
            source: a path (CSV, XLSX, JSON lines), a frame, or an iterable of mappings.
            agent: id of the agent that calls.
            consent: on what basis these people are called; None where a column of the source says it.
            policy: when, how often and to whom; careful defaults.
            region: the default region of numbers, such as `"US"`.
            columns: which column holds what, where the header does not tell.
            only_to: a source of numbers, of which no others are called; they wait until a plan without it is run.
            canary: pause the campaign once so many calls were made in it, in whatever run.
            rejects: where to write rows that cannot be called; None for nowhere.

        Raises:
            InvalidArgumentError: no numbers, no consent, or variables that the agent's prompt needs are lacking.
        """
        arguments.check_plan(
            agent=agent, consent=consent, policy=policy, region=region, columns=columns, canary=canary, rejects=rejects
        )
        policy = policy or Policy()
        only = None if only_to is None else frozenset(await numbers_in(only_to, region or self.region, "only_to"))
        plan = await make_plan(
            self.store,
            source,
            agent=await self.client.agents.get(agent),
            consent=consent,
            policy=policy,
            region=region or self.region,
            columns=columns,
            now=self.now(),
            rejects=None if rejects is None else Path(rejects),
            requests_a_minute=float(self._limit() or REQUESTS_A_MINUTE),
            canary=canary,
            only_to=only,
        )
        self.region = self.region or region
        return plan

    async def rehearse(self, plan: Plan, *, mix: Mix = USUAL, seed: int = 0) -> Rehearsal:
        """Dial a copy of the plan on a sandbox in this process, on simulated time that begins now; needs the extra
        `sandbox`.

        Nothing leaves the machine: no request is sent, no number is written anywhere, and the store stays as it is.
        It takes policy, `canary`, `only_to` and the do-not-call list as they are, but asks no hooks. It ends after a
        year of simulated time, whatever is left then.

        Args:
            mix: how calls end, by their shares; a guess if left out.
            seed: decides which call ends how.

        Raises:
            ConfigurationError: the extra `sandbox` is not installed.
        """
        from trudy.dialer.rehearsing import rehearsed

        _checks.instance(plan, Plan, "plan")
        _checks.instance(mix, Mix, "mix")
        _checks.whole(seed, 0, None, "seed")
        await self._campaigns.planned(plan)
        return await rehearsed(
            plan,
            await self.store.snapshot(plan.campaign),
            mix=mix,
            seed=seed,
            now=self.now(),
            limit=self._limit() or REQUESTS_A_MINUTE,
            hold=getattr(self._clock, "hold", nullcontext),
        )

    async def run(
        self,
        plan: Plan,
        *,
        confirm: str,
        on_event: OnEvent | None = None,
        should_dial: ShouldDial | None = None,
        classify: Classify = classify,
        on_outcome: OnOutcome | None = None,
        confirmed_by: str | None = None,
    ) -> RunResult:
        """Call the contacts of a plan until each has its end, or somebody stops it.

        Ctrl-C places nothing more, waits for the answers of requests that are on the wire, and returns with the
        campaign paused; a second one ends at once. Either way the same plan can be run again. After `pause`, from this
        or another process, it places nothing, still looks for the ends of calls, and waits for `resume` or `stop`.
        Where it pauses by itself (the breaker, a canary, a cap, 401, 402, 403) it returns with the reason.

        Run again after `stop`, it calls nobody and returns once the ends of the last calls are known.

        Args:
            confirm: the plan's hash: a person has read the summary and says yes.
            on_event: called with each thing that happens; `paused`, `resumed`, `interrupted`, `breaker` are of the run.
            should_dial: asked before each call: `Dial()`, `Skip(reason)` or `Later(when)`.
            classify: given the call and what was `Heard` of it, names the outcome.
            on_outcome: told of each end, at least once: after a crash perhaps again, with the same `result.attempt`.
                `None` leaves what follows to the policy, `Final()`, `Retry(after)`, `CallBack(at)` or `OptOut()`
                decide it.
            confirmed_by: who said yes, for the audit.

        Raises:
            InvalidArgumentError: another hash than the plan's, the agent was changed since, or this dialer is running
                the plan.
            ConfigurationError: hours that the real API must not be used with.
            StoreBusyError: another process dials from this store.
        """
        hooks = RunHooks(on_event=on_event, should_dial=should_dial, classify=classify, on_outcome=on_outcome)
        arguments.check_run(plan, confirm, hooks=hooks, confirmed_by=confirmed_by)
        arguments.check_hours(plan.policy.hours, self.client.base_url)
        return await self._launcher.run(plan, hooks, by=confirmed_by)

    async def start(self, plan: Plan, *, confirm: str, confirmed_by: str | None = None) -> CampaignStatus:
        """Give a campaign to the workers of a store in PostgreSQL; nothing is dialed here. Once more changes nothing,
        and lets one that was paused go on.

        Args:
            confirm: the plan's hash, as for `run`.
            confirmed_by: who said yes, for the audit.

        Raises:
            InvalidArgumentError: another hash than the plan's, or the agent was changed since.
            ConfigurationError: the store is not in PostgreSQL, or hours that the real API must not be used with.
        """
        arguments.check_run(plan, confirm, confirmed_by=confirmed_by)
        arguments.check_hours(plan.policy.hours, self.client.base_url)
        await self._launcher.start(plan, by=confirmed_by)
        return await self.status(plan.campaign)

    async def work(
        self,
        *,
        on_event: OnEvent | None = None,
        should_dial: ShouldDial | None = None,
        classify: Classify = classify,
        on_outcome: OnOutcome | None = None,
        until_done: bool = False,
    ) -> None:
        """Be one of the workers that dial the campaigns of a store in PostgreSQL, until Ctrl-C or SIGTERM, which act as
        in `run`. Any number of them may come, go and die. The hooks are those of `run`, and the same in each worker:
        any of them may hear of the end of a call.

        Args:
            until_done: return once no campaign runs and the end of every call is known.

        Raises:
            ConfigurationError: the store is not in PostgreSQL, the client counts its requests by itself, or the event
                loop is not asyncio's.
            StoreBusyError: a process dials by `run`.
        """
        hooks = RunHooks(on_event=on_event, should_dial=should_dial, classify=classify, on_outcome=on_outcome)
        arguments.check_hooks(hooks)
        _checks.instance(until_done, bool, "until_done")
        await self._launcher.work(hooks, until_done=until_done)

    def nudge(self, event: object = None) -> None:
        """Something was heard of a call: look soon. For a webhook router's `on_any`; from any thread.

        Events are hints: what became of a call is asked of the API. `classify` sees the last one of each call.
        """
        self._events.keep(event)
        self._wakeup.set()

    async def hint(self, event: object = None) -> None:
        """Something was heard of a call, in any process: the one that dials from this store looks within two seconds.

        For `on_any` of a webhook router where the webhooks come to another process than the one that dials; `nudge`
        is for the same one, and the only one that tells `classify` of the event.
        """
        self.nudge(event)
        call_id, kind = getattr(event, "call_id", None), getattr(event, "type", None)
        await self.store.add_hint(
            str(kind) if kind is not None else "hint", call_id if isinstance(call_id, str) else None, self.now()
        )
