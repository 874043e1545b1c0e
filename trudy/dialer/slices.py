"""Dials slices of a campaign in this process: which contacts are started and when. Each engine gives the turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Literal, TypeAlias

import anyio
from attrs import Factory, define, field

from trudy._concurrency.loops import Wakeup
from trudy.clock import Clock
from trudy.dialer.clock_guard import ClockGuard
from trudy.dialer.engine import Slice
from trudy.dialer.placing import Placer
from trudy.dialer.records import HELD_UNTIL, CampaignRecord, DueRow, Miss
from trudy.dialer.states import AttemptState, ImpossibleError
from trudy.dialer.store import Store

LOOK_AGAIN: Final = 10.0
"""Seconds between two looks for a free slot while nobody tells of one: more often would read the store for nothing."""
_AHEAD: Final = 20
"""Rows picked beyond the free slots at a time: some of them miss, and a pick costs a transaction."""

Turned: TypeAlias = Literal["over", "nothing due", "not running", "blocked", "server"]
"""Why a turn ended: its time was over, nothing is due, the campaign does not run, no slot came free for long, or the
store has yet to be compared on the database's server."""


@define(eq=False)
class _Start:
    """A contact on its way: `settled` once its intent is committed or it is clear that none will be."""

    scope: anyio.CancelScope
    settled: anyio.Event
    miss: Miss | None = None


@define(eq=False)
class Pace:
    """What the turns of one campaign in this process share to keep its calls apart."""

    turn: anyio.Lock = field(init=False, factory=anyio.Lock)
    """Held by the one that may start the next call."""
    claimed_at: float = field(init=False, default=float("-inf"))


@define(kw_only=True, eq=False)
class SliceDialer:
    """Dials the slices of one campaign, one after the other."""

    store: Store
    clock: Clock
    server_now: Callable[[], float]
    placer: Placer
    clock_guard: ClockGuard
    may_dial: Callable[[CampaignRecord], bool]
    """Whether a campaign may be dialed now, as it stands in the store."""
    pause: Callable[[str, str], Awaitable[None]]
    """Pauses a campaign for a reason: nobody can be called any more."""
    safely: Callable[[Callable[[], Awaitable[None]]], Coroutine[Any, Any, None]]
    """Runs a call to its end, and bears what it raises."""
    pace: Pace = field(factory=Pace)
    longest_wait: float = float("inf")
    """Seconds after which a turn that places nothing ends."""
    go_on: Wakeup = field(init=False, default=Factory(Wakeup))
    """Set where something changed that a turn may wait for."""
    _starting: dict[int, _Start] = field(init=False, default=Factory(dict[int, _Start]))
    """Rows that wait for admission, or are on the wire."""
    _claimed_at: float = field(init=False, default=float("-inf"))
    _until: float = field(init=False, default=float("-inf"))
    """When the turn is over."""

    async def dial(
        self, turn: Slice, calls: anyio.abc.TaskGroup, on_claim: Callable[[], None] = lambda: None
    ) -> Turned:
        """One turn; its calls may go on after it. `on_claim`: called with each intent that is committed."""
        if not self.may_dial(await self.store.campaign(turn.campaign)):
            return "not running"
        fence = await self.store.take_shard(turn.campaign, turn.shard, self.placer.worker)
        placed_at = self.clock.monotonic()
        self._until = placed_at + turn.seconds
        while (now := self.clock.monotonic()) < self._until:
            campaign = await self.store.campaign(turn.campaign)
            if not self.may_dial(campaign):
                return "not running"
            if now - placed_at >= self.longest_wait:
                return "blocked"
            await self.clock_guard.until_sure()
            before = self._claimed_at
            pause = await self._place_some(campaign, turn, fence, calls, on_claim)
            if isinstance(pause, str):
                return pause
            if self._claimed_at != before:
                placed_at = self.clock.monotonic()
            await self.rest(min(pause, self._until - self.clock.monotonic(), self.longest_wait))
        return "over"

    def end_turn(self) -> None:
        """End the turn before its time; a contact that waits for admission is seen to its call first."""
        self._until = self.clock.monotonic()
        self.go_on.set()

    def withdraw(self) -> None:
        """Let nothing go that has no intent yet."""
        for row, start in self._starting.items():
            if row not in self.placer.claimed:
                start.scope.cancel()
        self.go_on.set()

    async def rest(self, seconds: float) -> None:
        """Wait, until something changes at most."""
        await self.go_on.wait(seconds, self.clock)
        self.go_on.clear()

    async def _place_some(
        self,
        campaign: CampaignRecord,
        turn: Slice,
        fence: int,
        calls: anyio.abc.TaskGroup,
        on_claim: Callable[[], None],
    ) -> float | Turned:
        """Start calls for the free slots; seconds to wait before the next look, or why the turn is over."""
        left = float("inf") if campaign.canary is None else campaign.canary - campaign.dialed
        if left <= 0:
            # A request on the wire, here or at another worker, may turn out not to have been sent: then a call is left.
            if self.placer.awaited or (turn.shard is not None and await self._has_intents(campaign.id)):
                return LOOK_AGAIN
            await self.pause(campaign.id, "the canary was called")
            return 0.0
        free = min(campaign.policy.max_live - campaign.live, left)
        if free <= 0:
            return LOOK_AGAIN
        contacts = await self.store.due(turn.campaign, turn.shard, self.server_now(), int(min(free, _AHEAD)) + _AHEAD)
        if not contacts:
            return "nothing due"
        for contact in contacts:
            if free <= 0 or self.clock.monotonic() >= self._until:
                break
            if contact.id in self._starting or not await self._is_allowed(campaign, contact):
                continue
            miss = await self._start_apart(campaign, contact, fence, calls, on_claim)
            match None if miss is None else miss.reason:
                case None:
                    free -= 1
                case "max_calls" | "max_spend" as reason:
                    return await self._spent(campaign.id, reason)
                case "max_live":
                    return LOOK_AGAIN
                case "fence":
                    return "nothing due"  # somebody else has the shard
                case "server":
                    return "server"
                case "campaign" | "clock" | "canary" | "gap":
                    break
                case _:
                    continue
        return 0.0

    async def _start(
        self,
        campaign: CampaignRecord,
        contact: DueRow,
        fence: int,
        calls: anyio.abc.TaskGroup,
        on_claim: Callable[[], None],
    ) -> Miss | None:
        """Let one contact wait for admission, the only one: so calls keep their distance, and few need be withdrawn."""
        start = _Start(anyio.CancelScope(), anyio.Event())
        self._starting[contact.id] = start

        def claimed() -> None:
            self._claimed_at = self.pace.claimed_at = self.clock.monotonic()
            on_claim()
            start.settled.set()

        async def place() -> None:
            try:
                with start.scope:
                    start.miss = await self.placer.place(campaign, contact, fence=fence, on_claim=claimed)
            except ImpossibleError:
                start.miss = Miss(reason="row")  # its row was settled meanwhile
            finally:
                del self._starting[contact.id]
                self.placer.claimed.discard(contact.id)
                start.settled.set()
                if start.miss is None:  # else nothing has changed, and the next look would come to the same
                    self.go_on.set()

        calls.start_soon(self.safely, place)
        await start.settled.wait()
        return start.miss

    async def _start_apart(
        self,
        campaign: CampaignRecord,
        contact: DueRow,
        fence: int,
        calls: anyio.abc.TaskGroup,
        on_claim: Callable[[], None],
    ) -> Miss | None:
        """Start a call so long after the last one as the policy says."""
        gap = campaign.policy.gap
        if gap <= 0:
            return await self._start(campaign, contact, fence, calls, on_claim)
        has_to_wait = self.pace.turn.locked()
        async with self.pace.turn:
            while (left := self.pace.claimed_at + gap - self.clock.monotonic()) > 0:
                await self.clock.sleep(left)
            if has_to_wait and (
                self.clock.monotonic() >= self._until or not self.may_dial(await self.store.campaign(campaign.id))
            ):
                return Miss(reason="campaign")
            miss = await self._start(campaign, contact, fence, calls, on_claim)
            if miss is not None and miss.reason == "gap" and miss.due_at is not None:
                # Another worker was quicker: the next one here waits for the rest of the gap after that.
                self.pace.claimed_at = self.clock.monotonic() + miss.due_at - self.server_now() - gap
            return miss

    async def _has_intents(self, campaign: str) -> bool:
        return any(each.state is AttemptState.INTENT for each in await self.store.open_attempts(campaign))

    async def _spent(self, campaign: str, reason: str) -> float:
        """Nothing more may be dialed, unless a call that is still open turns out to cost nothing."""
        if (await self.store.campaign(campaign)).live:
            return LOOK_AGAIN
        await self.pause(campaign, f"{reason} is reached")
        return 0.0

    async def _is_allowed(self, campaign: CampaignRecord, contact: DueRow) -> bool:
        """Whether the hours are open, before the rate limiter is asked; the claim asks again."""
        now = self.server_now()
        opening = campaign.policy.hours.opens(contact.zones, country=contact.country, region=contact.region, moment=now)
        if opening == now:
            return True
        reason = "hours" if opening is not None else "zone_unknown" if not contact.zones else "hours_never"
        await self.store.postpone(contact.id, HELD_UNTIL if opening is None else opening, reason)
        return False
