"""Looks for the ends of all calls at once: pages of the newest calls, shared by every attempt whose end is not known.

Fifty separate look-ups cost hundreds of requests; one sweep finds the same calls for a page or two.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import define, field

from trudy.dialer import outcome as outcomes
from trudy.dialer.outcome import AttemptResult, Following
from trudy.dialer.policy import OutcomeWord
from trudy.dialer.states import AttemptState
from trudy.dialer.store import CampaignRecord, DueRow, OpenAttempt, Store
from trudy.errors import NotFoundError, TrudyError
from trudy.models import Call, Transcript

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient

OnOutcome: TypeAlias = Callable[[AttemptResult], Following | None | Awaitable[Following | None]]
Classify: TypeAlias = Callable[[Call, Transcript | None], OutcomeWord | Awaitable[OutcomeWord]]

PAGE: Final = 100
MOST_PAGES: Final = 10
"""Pages of one sweep. Calls deeper down are read one by one: more pages cost requests that dialing needs."""
MOST_SINGLE: Final = 5
"""Calls read one by one in a sweep."""
_EARLIER: Final = 5.0
"""Seconds before an intent from which its call may be dated: the server's clock is known only so well."""
_LOST_AFTER: Final = 600.0
"""Seconds after its longest duration at which a placed call that never ended frees its slot."""
_LONGEST_CALL: Final = 3600.0
_APART: Final = 30.0
"""Seconds between two looks that count: the list may lag behind the server."""


@define(kw_only=True, eq=False)
class Sweep:
    """One for all campaigns of a store. `is_awaited` knows attempts of this process: their intents are no leftovers."""

    client: AsyncTrudyClient
    store: Store
    server_now: Callable[[], float]
    is_awaited: Callable[[str], bool]
    classify: Classify = outcomes.classify
    on_outcome: OnOutcome | None = None
    on_event: Callable[[str, DueRow, str], None] = field()

    async def once(self) -> int:
        """Look once; how many attempts were brought to an end. Errors of the API are the caller's to bear."""
        open_ones = [
            attempt
            for attempt in await self.store.open_attempts()
            if attempt.state is not AttemptState.INTENT or not self.is_awaited(attempt.id)
        ]
        if not open_ones:
            return 0
        campaigns = {name: await self.store.campaign(name) for name in {attempt.campaign for attempt in open_ones}}
        seen, complete_from = await self._pages(open_ones)
        ends = 0
        singles = MOST_SINGLE
        for attempt in open_ones:
            campaign = campaigns[attempt.campaign]
            if attempt.state is AttemptState.PLACED:
                call = seen.get(attempt.call_id or "")
                if call is None and singles:
                    singles -= 1
                    call = await self._single(attempt)
                ends += await self._placed(campaign, attempt, call)
            else:
                ends += await self._doubtful(campaign, attempt, seen, complete_from)
        return ends

    async def _pages(self, open_ones: Sequence[OpenAttempt]) -> tuple[dict[str, Call], float]:
        """The newest calls by id, and the moment from which on they are all there."""
        wanted = {attempt.call_id for attempt in open_ones if attempt.state is AttemptState.PLACED}
        oldest = min(attempt.intent_at for attempt in open_ones) - _EARLIER
        seen: dict[str, Call] = {}
        complete_from = float("inf")
        page = await self.client.calls.list(page_size=PAGE, lane="bulk")
        for _ in range(MOST_PAGES):
            for call in page.data:
                seen[call.id] = call
                if call.created_at is not None:
                    complete_from = min(complete_from, call.created_at.timestamp())
            following = await page.next_page() if complete_from > oldest or wanted - seen.keys() else None
            if following is None:
                break
            page = following
        else:
            return seen, complete_from
        return seen, float("-inf") if not page.has_next() else complete_from

    async def _single(self, attempt: OpenAttempt) -> Call | None:
        assert attempt.call_id is not None  # noqa: S101
        try:
            return await self.client.calls.get(attempt.call_id, lane="bulk")
        except NotFoundError:
            return None

    async def _placed(self, campaign: CampaignRecord, attempt: OpenAttempt, call: Call | None) -> int:
        now = self.server_now()
        if call is not None and call.status.is_final:
            return await self._end(campaign, attempt, call)
        if now - (attempt.started_at or attempt.intent_at) > _LONGEST_CALL + _LOST_AFTER:
            await self.store.lost(attempt.id, now)
            self.on_event("lost", await self.store.contact(attempt.row), attempt.call_id or "")
            return 1
        return 0

    async def _end(self, campaign: CampaignRecord, attempt: OpenAttempt, call: Call) -> int:
        contact = await self.store.contact(attempt.row)
        transcript = await self._transcript(call)
        word = self.classify(call, transcript)
        outcome = await word if isawaitable(word) else word
        following: Following | None = None
        if self.on_outcome is not None:
            decided = self.on_outcome(
                AttemptResult(
                    campaign=campaign.id,
                    attempt=attempt.id,
                    contact=contact,
                    call=call,
                    outcome=outcome,
                    transcript=transcript,
                )
            )
            following = await decided if isawaitable(decided) else decided
        await self.store.ended(
            attempt.id,
            outcomes.ended(
                call, outcome, following, attempts=contact.attempts, policy=campaign.policy, now=self.server_now()
            ),
        )
        self.on_event("ended", contact, outcome)
        return 1

    async def _transcript(self, call: Call) -> Transcript | None:
        if str(call.outcome or "") != "answered":
            return None
        try:
            return await self.client.calls.get_transcript(call.id, lane="bulk")
        except TrudyError:
            return None  # an opt-out is then heard by `on_outcome` or a webhook, or not at all

    async def _doubtful(
        self, campaign: CampaignRecord, attempt: OpenAttempt, seen: Mapping[str, Call], complete_from: float
    ) -> int:
        now = self.server_now()
        candidates = [call for call in seen.values() if self._may_be(attempt, call)]
        if len(candidates) == 1:
            call = candidates[0]
            await self.store.found(attempt.id, call.id, now)
            self.on_event("found", await self.store.contact(attempt.row), call.id)
            return await self._end(campaign, attempt, call) if call.status.is_final else 0
        looks = attempt.looks
        if complete_from < attempt.intent_at - _EARLIER and now > attempt.send_by:
            apart = min(_APART, campaign.policy.unresolved_after / 10)
            if attempt.next_look_at is None or now >= attempt.next_look_at:
                await self.store.looked([attempt.id], now + apart)
                looks += 1
        if looks >= 2 and now > attempt.send_by + campaign.policy.unresolved_after:
            redial = campaign.policy.on_unresolved == "redial" and not candidates
            await self.store.given_up(attempt.id, now, redial=redial)
            self.on_event("unresolved", await self.store.contact(attempt.row), f"{len(candidates)} candidates")
            return 1
        return 0

    def _may_be(self, attempt: OpenAttempt, call: Call) -> bool:
        """Whether a row of the list may be the call of an attempt."""
        reference = f"{self.store.id}/{attempt.id}"
        if call.variables is not None and "trudy_ref" in call.variables:
            return str(call.variables["trudy_ref"]) == reference
        if call.variables:  # rows show variables, and this one has no mark of ours
            return False
        earliest = datetime.fromtimestamp(attempt.intent_at - _EARLIER, UTC)
        return (
            call.to == attempt.number
            and (call.agent_id is None or call.agent_id == attempt.agent_id)
            and (attempt.from_number is None or call.from_ is None or call.from_ == attempt.from_number)
            and (call.created_at is None or call.created_at >= earliest)
        )
