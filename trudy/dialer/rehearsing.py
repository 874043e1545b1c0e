"""A campaign tried out: the real plan and the real policy against a sandbox in this process, on simulated time.

Nothing leaves the machine. It works on a copy of the campaign in memory, with a client of its own, in a thread with an
event loop on which time jumps.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import anyio
from attrs import Factory, define, evolve, field, frozen

from trudy.dialer.dialer import Dialer
from trudy.dialer.export import AttemptRow, CampaignCopy
from trudy.dialer.plan import Plan, seen
from trudy.dialer.policy import DAY, Policy
from trudy.dialer.progress import RunResult
from trudy.dialer.records import HELD_UNTIL, CampaignState, Claim, DueRow, Ended, Miss
from trudy.dialer.rehearsal import SANDBOX_WORDS, IdlePeriod, Mix, Rehearsal
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.statistics import CONNECTED, CampaignStatistics, counted
from trudy.errors import ConfigurationError
from trudy.options import RateLimit

if TYPE_CHECKING:
    from trudy.sandbox import JumpingClock, Sandbox

_NOTABLE: Final = 900.0
"""Seconds without a new call that are told as a wait: shorter ones are the ordinary pauses between two slices."""
_LONGEST: Final = 366 * DAY
"""Seconds after which a rehearsal ends whatever is left: some policies let a row wait for ever, such as one whose hours
are too short for a phone to ring in them. More takes minutes, less would cut off campaigns of a year."""


async def rehearsed(
    plan: Plan,
    snapshot: CampaignCopy,
    *,
    mix: Mix,
    seed: int,
    now: float,
    limit: int,
    hold: Callable[[], AbstractContextManager[object]],
) -> Rehearsal:
    """Dial the plan of a snapshot in a worker thread. `hold` keeps the caller's own simulated time, if it has one.

    Raises:
        ConfigurationError: the extra `sandbox` is not installed.
    """
    try:
        from trudy.sandbox import JumpingClock
    except ModuleNotFoundError as lacking:
        raise ConfigurationError(f"rehearse() needs a sandbox: {lacking}") from None
    clock = JumpingClock(start=now)
    work = _Work(plan=plan, snapshot=snapshot, mix=mix, seed=seed, now=now, limit=limit, clock=clock)
    thread = _Thread(clock, work)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(thread.stop_when_cancelled)
        with hold(), anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(thread.run)
        tasks.cancel_scope.cancel()
    await anyio.lowlevel.checkpoint()  # where the caller was cancelled there is no result
    if thread.failure is not None:
        raise thread.failure
    assert thread.result is not None  # noqa: S101
    return thread.result


@define(eq=False)
class _Thread:
    """The thread of a rehearsal, and what came of it."""

    clock: JumpingClock
    work: _Work
    result: Rehearsal | None = field(init=False, default=None)
    failure: Exception | None = field(init=False, default=None)
    _is_stopped: bool = field(init=False, default=False)
    _stop: Callable[[], None] | None = field(init=False, default=None)

    def run(self) -> None:
        with suppress(asyncio.CancelledError):
            try:
                self.result = self.clock.run(self._main())
            except Exception as failure:
                self.failure = failure

    async def stop_when_cancelled(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            self._is_stopped = True
            if self._stop is not None:
                with suppress(RuntimeError):  # its loop is closed: it was over
                    self._stop()

    async def _main(self) -> Rehearsal:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101

        def stop() -> None:
            loop.call_soon_threadsafe(task.cancel)

        self._stop = stop
        if self._is_stopped:
            raise asyncio.CancelledError
        return await self.work.run()


@frozen
class Hold:
    """From when, until when and why a row waits."""

    row: int
    since: float
    until: float
    reason: str


@define(eq=False)
class _Watched:
    """What a rehearsal's store sees of waiting and of open calls."""

    held: list[Hold] = Factory(list["Hold"])
    """In order of time."""
    lines: list[tuple[float, int]] = Factory(list[tuple[float, int]])
    """When a slot was taken (1) or given back (-1)."""
    rows: dict[str, int] = Factory(dict[str, int])
    """The row of each attempt."""


class _RehearsalDialer(Dialer):
    watch_every = 3600.0  # nobody else knows of it, and a look every two seconds of days costs minutes


class _RehearsalStore(SqlStore):
    """A store in memory that notes what waits and why, and pays for connected calls alone."""

    def __init__(self, clock: JumpingClock, policy: Policy, watched: _Watched) -> None:
        super().__init__(None, clock=clock)
        self._policy, self._watched, self._time = policy, watched, clock.time

    async def postpone(self, row: int, until: float, reason: str) -> None:
        if until < HELD_UNTIL:
            self._watched.held.append(Hold(row, self._time(), until, reason))
        await super().postpone(row, until, reason)

    async def claim(
        self,
        contact: DueRow,
        *,
        attempt: str,
        from_number: str | None,
        worker: str,
        shard: int,
        fence: int,
        now: float,
        send_within: float,
    ) -> Claim | Miss:
        found = await super().claim(
            contact,
            attempt=attempt,
            from_number=from_number,
            worker=worker,
            shard=shard,
            fence=fence,
            now=now,
            send_within=send_within,
        )
        if isinstance(found, Claim):
            self._watched.lines.append((now, 1))
            self._watched.rows[attempt] = contact.id
        return found

    async def not_sent(
        self, attempt: str, error: str, now: float, *, due_at: float | None = None, why: str | None = None
    ) -> None:
        await super().not_sent(attempt, error, now, due_at=due_at, why=why)
        self._watched.lines.append((now, -1))

    async def ended(self, attempt: str, end: Ended) -> None:
        connected = end.outcome in CONNECTED
        paid = self._policy.price if connected else 0.0
        await super().ended(attempt, evolve(end, cost=paid or 0.0))
        now = self._time()
        self._watched.lines.append((now, -1))
        if end.again_at is not None and end.again_at > now:
            self._watched.held.append(Hold(self._watched.rows[attempt], now, end.again_at, "retry"))


@define(kw_only=True, eq=False)
class _Work:
    plan: Plan
    snapshot: CampaignCopy
    mix: Mix
    seed: int
    now: float
    limit: int
    clock: JumpingClock

    async def run(self) -> Rehearsal:
        from trudy.sandbox import Sandbox
        from trudy.sandbox.domain import account_numbers

        shares: dict[str, float] = {SANDBOX_WORDS[name]: share for name, share in self.mix.shares.items() if share}
        shares["no_answer"] = shares.get("no_answer", 0.0) + max(0.0, 1 - math.fsum(shares.values()))
        sandbox = Sandbox(
            clock=self.clock,
            rate_limit=self.limit,
            seed=self.seed,
            outcome_mix=shares,
            mix_fictional=True,
            talk_seconds=self.mix.talk_seconds,
        )
        watched = _Watched()
        store = _RehearsalStore(self.clock, self.plan.policy, watched)
        async with (
            sandbox.async_client(rate_limit=RateLimit(self.limit)) as client,
            _RehearsalDialer(client, store=store, clock=self.clock) as dialer,
        ):
            agent = await client.agents.create(name="Rehearsal", voice_id=sandbox.voices[0].id, system_prompt="-")
            for number in self.plan.policy.caller_ids:
                account_numbers.assign(
                    sandbox.world.state,
                    account_numbers.new_number(sandbox.world.state, number, now=self.now),
                    "outbound",
                    agent.id,
                    now=self.now,
                )
            await store.load(self.snapshot, campaign=self.plan.campaign, agent_id=agent.id, now=self.now)
            spent = (await store.campaign(self.plan.campaign)).spent
            # Its id may be that of the plan's agent, where that is of a sandbox of the same seed.
            result = await self._run(dialer, evolve(self.plan, agent_id=agent.id, agent_seen=seen(agent)))
            ended_at = self.clock.time()
            is_cut = ended_at >= self.now + _LONGEST
            state, reason = ("running", "not over after a year") if is_cut else (result.state, result.reason)
            before = {each["id"] for each in self.snapshot.tables["attempts"]}
            made = [each async for each in store.export_attempts(self.plan.campaign) if each.attempt not in before]
            statistics = counted(
                made, await store.reasons(self.plan.campaign), await store.uncalled(self.plan.campaign)
            )
        return self._told(sandbox, watched, made, statistics, state, reason, ended_at, spent)

    async def _run(self, dialer: Dialer, plan: Plan) -> RunResult:
        """Run the plan, for a year at most."""

        async def stop() -> None:
            await self.clock.sleep(_LONGEST)
            await dialer.stop(plan.campaign)

        stopping = asyncio.create_task(stop())
        try:
            return await dialer.run(plan, confirm=plan.hash)
        finally:
            stopping.cancel()

    def _told(
        self,
        sandbox: Sandbox,
        watched: _Watched,
        made: Sequence[AttemptRow],
        statistics: CampaignStatistics,
        state: CampaignState,
        reason: str | None,
        ended_at: float,
        spent: float,
    ) -> Rehearsal:
        windows = sandbox.requests_per_window()
        policy = self.plan.policy
        bulk = math.floor(self.limit * RateLimit().bulk_share) or 1
        left = math.inf if policy.max_spend is None else policy.max_spend - spent
        return Rehearsal(
            campaign=self.plan.campaign,
            plan_hash=self.plan.hash,
            mix=self.mix,
            seed=self.seed,
            state=state,
            reason=reason,
            starts_at=_time(self.now),
            ends_at=_time(ended_at),
            statistics=statistics,
            cost=None if policy.price is None else _cost(policy.price, statistics, left),
            requests=sum(window.total for window in windows),
            windows={window.start: window.total for window in windows},
            limit=self.limit,
            refused=sum(window.refused for window in windows),
            full_windows=sum(window.total >= bulk for window in windows),
            full_lines=_full_lines(watched.lines, policy.max_live),
            waits=_waits(
                [
                    (self.now, None),
                    *((each.intent_at, watched.rows.get(each.attempt)) for each in made),
                    (ended_at, None),
                ],
                watched,
                policy.max_live,
            ),
        )


def _full_lines(changes: Sequence[tuple[float, int]], most: int) -> float:
    """Seconds in which so many slots were taken."""
    seconds, live, since = 0.0, 0, 0.0
    for at, change in sorted(changes):
        if live >= most:
            seconds += at - since
        live, since = live + change, at
    return seconds


def _cost(price: float, statistics: CampaignStatistics, left: float) -> tuple[float, float]:
    """With only connected calls paid for, and with every call, up to what `max_spend` leaves."""
    return min(price * statistics.connected, left), min(price * statistics.calls, left)


def _waits(calls: Sequence[tuple[float, int | None]], watched: _Watched, most_live: int) -> tuple[IdlePeriod, ...]:
    """The long times between two moments, and what kept the next call from coming sooner.

    A moment comes with the row that is called then; None for the begin and the end.
    """
    waits: list[IdlePeriod] = []
    for (start, _), (end, row) in pairwise(calls):
        if end - start < _NOTABLE:
            continue
        its_own = (hold for hold in reversed(watched.held) if hold.row == row and hold.since < end)
        own = next((hold for hold in its_own if hold.until > start), None)
        last = (end if own is None else min(end, own.until)) - 1
        live = sum(change for at, change in watched.lines if at <= last)
        reasons = Counter(hold.reason for hold in watched.held if hold.since <= last < hold.until)
        if live >= most_live:
            reason, rows = "max_live", live
        elif own is not None:
            reason, rows = own.reason, reasons[own.reason]
        elif reasons:
            reason, rows = min(reasons.items(), key=lambda each: (-each[1], each[0]))
        else:
            reason, rows = ("on_the_line", live) if live else ("unknown", 0)
        waits.append(IdlePeriod(start=_time(start), end=_time(end), reason=reason, rows=rows))
    return tuple(waits)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
