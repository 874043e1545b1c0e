"""Looks for the ends of all calls at once: pages of the newest calls, shared by every attempt whose end is not known.

Fifty separate look-ups cost hundreds of requests; one sweep finds the same calls for a page or two. On its way it meets
calls that this store has placed and forgotten, as after a backup was restored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, evolve, field, frozen

from trudy._call_matching import (
    REF,
    SentCall,
    digits,
    is_asked_for,
    may_be,
    shown_members,
    shown_variables,
    shows_enough,
    shows_number,
)
from trudy.dialer.endings import Endings
from trudy.dialer.records import LONGEST_CALL, CampaignRecord, DueRow, OpenAttempt
from trudy.dialer.states import AttemptState, ImpossibleError
from trudy.dialer.store import Store
from trudy.errors import NotFoundError
from trudy.models import Call

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient

PAGE: Final = 100
"""Rows of a page at most: as many as the API gives."""
_BEYOND: Final = 10
"""Rows of a first page beyond those that the calls of the last sweep stood on: fewer could need a second page, since
others place calls too; more are read for nothing in each sweep."""
MOST_PAGES: Final = 3
"""Pages of one sweep. Calls deeper down are read one by one: more pages cost requests that dialing needs."""
LATE_PAGES: Final = 10
"""Pages of the sweep, once in `_LATE_EVERY` seconds, that looks for calls of attempts that were given up: 1,000 rows
reach back half an hour at 100 requests a minute; more cost requests that dialing needs."""
DEEPEST: Final = 100
"""Pages of a sweep for a lost call of long ago, as after a night without power, once in `_APART` seconds. Fewer would
hold rows whose call is further down; more would read for minutes, before calls are placed again."""
MOST_SINGLE: Final = 5
"""Calls read one by one in a sweep: more would keep the calls that are placed waiting at the rate limit."""
_EARLIER: Final = 5.0
"""Seconds before an intent from which its call may be dated: the server's clock is known only so well. More could
take an earlier call of somebody else to the same number."""
_PLACED_WITHIN: Final = 400.0
"""Seconds after an intent within which the server places its call: it may take 160 after a read of 180. A later call
to the same number, on a server that hides variables, is somebody else's."""
_LOST_AFTER: Final = 600.0
"""Seconds after its longest duration at which a placed call that never ended frees its slot. Less could free
that of a call that still talks, so that one too many talks; more keeps slots taken by calls that are none."""
_APART: Final = 30.0
"""Seconds between two looks that count: the list may lag behind the server. Less would take a call of somebody
else that shows first; more holds up the rows of lost calls."""
_LATE_EVERY: Final = 60.0
"""Seconds between two looks for calls of attempts that were given up: they may need pages that nothing else does.
More often costs requests, less often dials again before a call is found."""
_LATE_WITHIN: Final = 3600.0
"""Seconds after its intent for which an attempt that was given up is still looked for: longer than lists and servers
were ever seen to lag; more would read pages of old calls for nothing."""
_FIRST_SINGLE: Final = 30.0
"""Seconds after which a call that no page shows is read by itself: a list that lags shows it by then. Less
costs requests for calls that a list is about to show; more keeps their slots taken."""
_LONGEST_PAUSE: Final = 300.0
"""Seconds between two reads of one call at most; each pause is half as long again as the one before.
More keeps slots taken for longer, less costs requests."""
_HIDDEN_LAG: Final = 60.0
"""Seconds before the store's last activity from which forgotten calls are looked for: what was placed
just before it may be in no backup. More would read pages of calls that the store knows."""


@frozen(kw_only=True)
class Looked:
    """What one sweep came to.

    Attributes:
        looked_for: attempts whose end was not known before.
        ends: those of them that it brought to an end.
        adopted: calls found that the store had forgotten.
    """

    looked_for: int = 0
    ends: int = 0
    adopted: int = 0


@define(kw_only=True, eq=False)
class Sweep:
    """One for all campaigns of a store. An attempt whose answer may still come (`is_awaited`) is not looked for."""

    client: AsyncTrudyClient
    store: Store
    server_now: Callable[[], float]
    is_awaited: Callable[[OpenAttempt], bool]
    endings: Endings
    on_event: Callable[[str, DueRow, str], None] = field()
    _singles: dict[str, tuple[float, float]] = field(init=False, factory=dict[str, tuple[float, float]])
    """By attempt: when its call is read by itself next, and the pause after that."""
    _checked: set[str] = field(init=False, factory=set[str])
    """Calls of the last list whose marks the store knows."""
    _places: dict[str, int] = field(init=False, factory=dict[str, int])
    """How far down the last list each call stood."""
    _sought: frozenset[str] = field(init=False, default=frozenset())
    """Placed calls that were looked for in it."""
    _server_shows: frozenset[str] = field(init=False, default=frozenset())
    _deep_at: float = field(init=False, default=float("-inf"))
    _late_at: float = field(init=False, default=float("-inf"))
    _late: int = field(init=False, default=0)
    """Attempts that were given up and are still looked for, when that was counted last."""
    _only_candidate: dict[str, tuple[str, float]] = field(init=False, factory=dict[str, tuple[str, float]])
    """By attempt: the one call without a mark that may be its, and since when there is no other."""

    async def once(self) -> Looked:
        """Look once. Errors of the API are the caller's to bear."""
        open_ones = [
            attempt
            for attempt in await self.store.open_attempts()
            if attempt.state is not AttemptState.INTENT or not self.is_awaited(attempt)
        ]
        late = await self._given_up()
        self._forget_all_but({attempt.id for attempt in open_ones})
        if not open_ones and not late:
            return Looked(looked_for=self._late)
        campaigns = {name: await self.store.campaign(name) for name in {attempt.campaign for attempt in open_ones}}
        seen, complete_from = await self._pages(open_ones, late)
        self._observe(seen.values())
        adopted = await self._check_marks(seen.values())
        for attempt in late:
            await self._find_late(attempt, seen, complete_from)
        ends, now = 0, self.server_now()
        singles = MOST_SINGLE
        for attempt in open_ones:
            campaign = campaigns[attempt.campaign]
            try:
                if attempt.state is not AttemptState.PLACED:
                    ends += await self._doubtful(campaign, attempt, seen, complete_from)
                    continue
                call = seen.get(attempt.call_id or "")
                if call is None and singles and self._is_single_due(attempt, now):
                    singles -= 1
                    call = await self._single(attempt)
                ends += await self._placed(campaign, attempt, call, now)
            except ImpossibleError:
                continue  # somebody settled it meanwhile
        return Looked(looked_for=len(open_ones) + self._late, ends=ends, adopted=adopted)

    async def _given_up(self) -> Sequence[OpenAttempt]:
        """Attempts that were given up, if it is time to look for them again."""
        now = self.server_now()
        if now < self._late_at:
            return ()
        self._late_at = now + _LATE_EVERY
        late = await self.store.late_attempts(now - _LATE_WITHIN)
        self._late = len(late)
        return late

    async def adopt_forgotten(self, since: float) -> int:
        """Enter calls made since a time that this store has placed and forgotten; how many there were.

        A call is known by the mark in its variables; where the server hides those, by agent and number.
        """
        agents = [
            SentCall(agent_id=name, number="") for name in {each.agent_id for each in await self.store.campaigns()}
        ]
        adopted = 0
        unmarked: list[Call] = []
        async for page in self.client.calls.list(page_size=PAGE, lane="bulk").pages():
            self._observe(page.data)
            adopted += await self._check_marks(page.data)
            made = [call.created_at.timestamp() for call in page.data if call.created_at is not None]
            unmarked += [call for call in page.data if any(is_asked_for(agent, call) for agent in agents)]
            if made and min(made) < since - _HIDDEN_LAG:
                break
        if "variables" in self._server_shows:
            return adopted
        for call in unmarked:
            if call.created_at is not None and call.created_at.timestamp() >= since - _EARLIER:
                adopted += await self._adopt("", call)
        return adopted

    async def _check_marks(self, calls: Collection[Call]) -> int:
        """Adopt calls with this store's mark that it does not know; go on with those that were given up too early."""
        marked = {call.id: (self._mark_of(call), call) for call in calls if call.id not in self._checked}
        wanted = {attempt: call for attempt, call in marked.values() if attempt}
        known = {attempt.id: attempt for attempt in await self.store.attempts([*wanted])} if wanted else {}
        adopted = 0
        for name, call in wanted.items():
            attempt = known.get(name)
            if attempt is None:
                adopted += await self._adopt(name, call)
            elif attempt.state is AttemptState.UNRESOLVED and attempt.call_id is None and self._may_be(attempt, call):
                await self._found_late(attempt, call)
        self._checked = {call.id for call in calls}
        return adopted

    async def _adopt(self, attempt: str, call: Call) -> int:
        made = self.server_now() if call.created_at is None else call.created_at.timestamp()
        number = f"+{digits(call.to or '')}"
        return int(await self.store.adopt(attempt, call.id, number, made, self.server_now()))

    async def _find_late(self, attempt: OpenAttempt, seen: Mapping[str, Call], complete_from: float) -> None:
        """Take the only call that may be an attempt's at once: its row may be dialed again any moment."""
        candidates = await self._candidates(attempt, seen)
        if len(candidates) == 1 and self._reaches(attempt, complete_from):
            await self._found_late(attempt, candidates[0])

    def _reaches(self, attempt: OpenAttempt, complete_from: float) -> bool:
        """Whether a list shows every call since the attempt."""
        return complete_from < attempt.intent_at - _EARLIER

    async def _candidates(self, attempt: OpenAttempt, seen: Mapping[str, Call]) -> Sequence[Call]:
        """Calls that may be an attempt's and nobody else has; only those with its mark, where there are any."""
        candidates = {call.id: call for call in seen.values() if self._may_be(attempt, call)}
        taken = await self.store.owned([*candidates]) if candidates else frozenset[str]()
        free = [call for call_id, call in candidates.items() if call_id not in taken]
        return [call for call in free if self._mark_of(call)] or free

    async def _found_late(self, attempt: OpenAttempt, call: Call) -> None:
        try:
            await self.store.found(attempt.id, call.id, self.server_now())
        except ImpossibleError:
            return  # its row was settled by a person, or dialed again
        self.on_event("found", attempt.contact, call.id)

    def _mark_of(self, call: Call) -> str:
        """The attempt whose mark a call bears; empty where it bears none of this store."""
        mark, prefix = str((shown_variables(call) or {}).get(REF, "")), f"{self.store.id}/"
        return mark.removeprefix(prefix) if mark.startswith(prefix) else ""

    def _observe(self, calls: Iterable[Call]) -> None:
        new = [call for call in calls if call.id not in self._checked]
        self._server_shows = self._server_shows.union(*map(shown_members, new))

    def _forget_all_but(self, open_ones: set[str]) -> None:
        self.endings.forget_all_but(open_ones)
        for memory in (self._singles, self._only_candidate):
            for gone in memory.keys() - open_ones:
                del memory[gone]

    async def _pages(
        self, open_ones: Sequence[OpenAttempt], late: Sequence[OpenAttempt]
    ) -> tuple[dict[str, Call], float]:
        """The newest calls by id, and the moment from which on they are all there.

        As far down as every live call is seen and every lost one could be, or older rows begin.
        """
        placed = [attempt.call_id for attempt in open_ones if attempt.state is AttemptState.PLACED]
        wanted = frozenset(call_id for call_id in placed if call_id is not None)
        lost = [attempt.intent_at for attempt in open_ones if attempt.state is not AttemptState.PLACED]
        oldest = min(attempt.intent_at for attempt in (*open_ones, *late)) - _EARLIER
        oldest_doubtful = min((*lost, *(attempt.intent_at for attempt in late)), default=float("inf")) - _EARLIER
        now = self.server_now()
        most = DEEPEST if lost and now >= self._deep_at else LATE_PAGES if late else MOST_PAGES
        seen: dict[str, Call] = {}
        complete_from = float("inf")
        size = PAGE if lost or late else self._rows_needed(wanted)
        page = await self.client.calls.list(page_size=size, lane="bulk")
        for count in range(1, most + 1):
            seen.update((call.id, call) for call in page.data)
            made = [call.created_at.timestamp() for call in page.data if call.created_at is not None]
            complete_from = min(complete_from, *made) if made else complete_from
            if complete_from < oldest or (wanted <= seen.keys() and complete_from < oldest_doubtful):
                break
            if not page.has_next():
                complete_from = float("-inf")
                break
            if count > MOST_PAGES:
                self._deep_at = now + _APART
            following = await page.next_page() if count < most else None
            if following is None:
                break
            page = following
        self._places = {call_id: place for place, call_id in enumerate(seen, 1)}
        self._sought = wanted
        return seen, complete_from

    def _rows_needed(self, wanted: frozenset[str]) -> int:
        """Rows that reach down to every placed call: to where the last list had them, and those placed since."""
        before = wanted & self._sought
        if not self._sought or not before <= self._places.keys():
            return PAGE
        deepest = max((self._places[call_id] for call_id in before), default=0)
        return min(PAGE, deepest + len(wanted - before) + _BEYOND)

    def _is_single_due(self, attempt: OpenAttempt, now: float) -> bool:
        began = attempt.started_at or attempt.intent_at
        due_at, pause = self._singles.get(attempt.id, (began + _FIRST_SINGLE, _FIRST_SINGLE))
        if now < due_at:
            return False
        self._singles[attempt.id] = (now + pause, min(pause * 1.5, _LONGEST_PAUSE))
        return True

    async def _single(self, attempt: OpenAttempt) -> Call | None:
        assert attempt.call_id is not None  # noqa: S101
        try:
            return await self.client.calls.get(attempt.call_id, lane="bulk")
        except NotFoundError:
            return None

    async def _placed(self, campaign: CampaignRecord, attempt: OpenAttempt, call: Call | None, now: float) -> int:
        if call is not None and call.status.is_final:
            return await self.endings.end(campaign, attempt, call)
        settings = None if call is None else call.call_settings
        longest = (settings.max_duration_seconds if settings is not None else None) or campaign.longest_call
        if now - (attempt.started_at or attempt.intent_at) > longest + _LOST_AFTER:
            await self.store.lost(attempt.id, now)
            self.on_event("lost", attempt.contact, attempt.call_id or "")
            return 1
        return 0

    async def _doubtful(
        self, campaign: CampaignRecord, attempt: OpenAttempt, seen: Mapping[str, Call], complete_from: float
    ) -> int:
        now = self.server_now()
        candidates = await self._candidates(attempt, seen)
        is_complete = self._reaches(attempt, complete_from)
        patience = campaign.policy.unresolved_after
        apart = min(_APART, patience / 10)
        only = candidates[0] if len(candidates) == 1 else None
        if only is not None and (self._mark_of(only) or (is_complete and self._stays(attempt, only, apart))):
            await self.store.found(attempt.id, only.id, now)
            self.on_event("found", attempt.contact, only.id)
            if not only.status.is_final:
                return 0
            counted = evolve(attempt.contact, attempts=attempt.contact.attempts + 1)
            return await self.endings.end(campaign, evolve(attempt, contact=counted), only)
        if now <= attempt.send_by:
            return 0
        if len(candidates) > 1:
            return await self._give_up(attempt, f"{len(candidates)} calls may be it")
        looks = attempt.looks
        if is_complete and not only and (attempt.next_look_at is None or now >= attempt.next_look_at):
            await self.store.looked(attempt, now + apart)
            looks += 1
        if is_complete and not only and looks >= 2 and now > attempt.send_by + patience:
            return await self._give_up(attempt, "not found", redial=campaign.policy.on_unresolved == "redial")
        if now > attempt.send_by + patience + LONGEST_CALL:
            return await self._give_up(attempt, "the list does not reach back to it")
        return 0

    def _stays(self, attempt: OpenAttempt, call: Call, apart: float) -> bool:
        """Whether a call without a mark is the only candidate, for so long since nothing more can be sent.

        It may be somebody else's, while a list that lags does not show ours.
        """
        now = self.server_now()
        known, since = self._only_candidate.get(attempt.id, ("", now))
        if known != call.id:
            known, since = call.id, max(now, attempt.send_by)
            self._only_candidate[attempt.id] = known, since
        return now >= since + apart

    async def _give_up(self, attempt: OpenAttempt, why: str, *, redial: bool = False) -> int:
        await self.store.given_up(attempt.id, self.server_now(), redial=redial)
        self._late += 1
        self.on_event("unresolved", attempt.contact, why)
        return 1

    def _may_be(self, attempt: OpenAttempt, call: Call) -> bool:
        """Whether a row of the list may be the call of an attempt, by all that it shows of what was sent."""
        sent = SentCall.of(
            {
                "agent_id": attempt.agent_id,
                "phone_number": attempt.number,
                "from_number": attempt.from_number,
                "variables": {**attempt.contact.variables, REF: f"{self.store.id}/{attempt.id}"},
            },
            attempt.id,
        )
        if REF in (shown_variables(call) or {}):
            # Some servers mask numbers; the mark tells enough.
            return may_be(sent, call) if shows_number(call) else is_asked_for(evolve(sent, number=""), call)
        if call.created_at is None:
            return False
        age = call.created_at.timestamp() - attempt.intent_at
        return (
            -_EARLIER <= age <= _PLACED_WITHIN
            and may_be(sent, call)
            and shows_enough(sent, call, server_shows=self._server_shows)
        )
