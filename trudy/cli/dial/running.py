"""A run that is watched: events and progress are shown while it dials, and its end becomes an exit code."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

import anyio
from attrs import define, frozen

from trudy.cli.dial.progress import CampaignProgress, RateWindow
from trudy.cli.exit_codes import ExitCode
from trudy.dialer.forecast import REQUESTS_A_MINUTE, forecast
from trudy.dialer.statistics import REACHED
from trudy.dialer.store import StoreError

if TYPE_CHECKING:
    from trudy.dialer import Dialer, DialEvent, Plan, Policy, RunResult
    from trudy.rate_limit.limiter import RateLimitStatus

LOOK_EVERY: Final = 1.0
"""Real seconds between two looks at the store while a person watches: more often would read the store for nothing, less
often would look as if it stood still."""
_COSTLY: Final = 20.0
"""A look is followed by a pause of so many times what it took, so that looking takes 5 % of the time at most."""
_NOT_CALLED: Final = ("only_to", "zone_unknown", "hours_never")
"""What rows wait for that no waiting brings."""


class RunScreen(Protocol):
    """What a run is shown on."""

    def tell(self, event: DialEvent, at: datetime) -> None:
        """One thing that happened."""
        ...

    def show(self, progress: CampaignProgress, *, is_last: bool) -> None:
        """Where the campaign stands now."""
        ...


@frozen(kw_only=True)
class WatchedRun:
    """How a run ended.

    Attributes:
        tripped: whether the breaker ended it.
    """

    result: RunResult
    tripped: bool

    @property
    def held(self) -> int:
        """Rows of which nobody knows whether they were called."""
        return self.result.counts.get("unresolved", 0)

    @property
    def exit_code(self) -> ExitCode:
        """Done, paused (or held, halted or stopped), or ended by the breaker."""
        if self.tripped and self.result.state == "paused":
            return ExitCode.BREAKER
        return ExitCode.DONE if self.result.state == "done" and not self.held else ExitCode.PAUSED


@define(kw_only=True, eq=False)
class _RunWatcher:
    """Passes on what a run tells, and counts what no table has at hand."""

    dialer: Dialer
    plan: Plan
    screen: RunScreen
    answered: int
    tripped: bool = False

    def on_event(self, event: DialEvent) -> None:
        self.answered += event.kind == "ended" and event.detail in REACHED
        self.tripped |= event.kind == "breaker"
        self.screen.tell(event, datetime.fromtimestamp(self.dialer.now(), UTC))

    async def look(self, *, is_last: bool = False) -> None:
        plan = self.plan
        self.screen.show(
            await read_progress(
                self.dialer, plan.campaign, plan.policy, answered=self.answered, most_dialed=plan.canary
            ),
            is_last=is_last,
        )

    async def keep_looking(self) -> None:
        while True:
            began = time.monotonic()
            try:
                await self.look()
            except StoreError:
                return  # the run says it
            await anyio.sleep(max(LOOK_EVERY, _COSTLY * (time.monotonic() - began)))

    async def dial(self, confirmed_by: str | None) -> RunResult | Exception:
        """The result, or what the run raised: a task group would wrap it."""
        try:
            return await self.dialer.run(
                self.plan, confirm=self.plan.hash, on_event=self.on_event, confirmed_by=confirmed_by
            )
        except Exception as failure:
            return failure


async def watched_run(dialer: Dialer, plan: Plan, screen: RunScreen, *, confirmed_by: str | None = None) -> WatchedRun:
    """Run a plan and show how it goes.

    Raises:
        StoreBusyError: another process dials from the store.
        TrudyError: as `Dialer.run`.
    """
    answered = await answered_in(dialer, plan.campaign)
    watcher = _RunWatcher(dialer=dialer, plan=plan, screen=screen, answered=answered)
    result: RunResult | Exception = RuntimeError("the run was cancelled")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watcher.keep_looking)
        result = await watcher.dial(confirmed_by)
        tasks.cancel_scope.cancel()
    if isinstance(result, Exception):
        raise result
    if result.state != "halted":
        await watcher.look(is_last=True)
    return WatchedRun(result=result, tripped=watcher.tripped)


async def answered_in(dialer: Dialer, campaign: str) -> int:
    """Calls of a campaign in which somebody was spoken to."""
    return sum([attempt.outcome in REACHED async for attempt in dialer.store.export_attempts(campaign)])


async def read_progress(
    dialer: Dialer, campaign: str, policy: Policy, *, answered: int, most_dialed: int | None = None
) -> CampaignProgress:
    """Where a campaign stands."""
    store, now = dialer.store, dialer.now()
    status = await dialer.status(campaign)
    waits = {
        name.partition(": ")[2]: count
        for name, count in (await store.reasons(campaign)).items()
        if name.partition(":")[0] == "waiting"
    }
    limit = dialer.client.rate_limit
    calls = status.counts.get("waiting", 0) - sum(waits.get(reason, 0) for reason in _NOT_CALLED)
    if most_dialed is not None:
        calls = min(calls, max(most_dialed - status.dialed, 0))
    places = [((zones, country, region), count) for zones, country, region, count in await store.zones(campaign)]
    expected = forecast(
        places,
        policy,
        now=now,
        requests_a_minute=float((None if limit is None else limit.limit) or REQUESTS_A_MINUTE),
        calls=calls,
    )
    later = [at for _, at in expected.openings.values() if at is not None and at.timestamp() > now]
    return CampaignProgress(
        campaign=campaign,
        state=status.state,
        reason=status.reason,
        counts=status.counts,
        waits=waits,
        dialed=status.dialed,
        live=status.live,
        answered=answered,
        window=_window(limit, now),
        opens_at=min(later, default=None) if waits.get("hours") else None,
        ends_at=expected.ends_at if status.state in ("planned", "running") else None,
        spent=status.spent,
        reserved=status.reserved,
        max_spend=policy.max_spend,
    )


def _window(limit: RateLimitStatus | None, now: float) -> RateWindow | None:
    if limit is None:
        return None
    return RateWindow(
        limit=limit.limit,
        used=limit.used,
        resets_in=None if limit.reset_at is None else max(0.0, limit.reset_at.timestamp() - now),
        waiting=limit.waiting,
    )
