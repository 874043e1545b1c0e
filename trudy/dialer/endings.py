"""What follows from a call that is over: its transcript, its outcome, what a hook decides, all into the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import define, field

from trudy.dialer import outcome as outcomes
from trudy.dialer.outcome import AttemptResult, CallBack, Following, Heard, OptOut, Retry
from trudy.dialer.policy import OUTCOMES, OutcomeWord
from trudy.dialer.progress import of_a_hook
from trudy.dialer.records import CampaignRecord, DueRow, OpenAttempt
from trudy.dialer.store import Store
from trudy.errors import InvalidArgumentError, TrudyError
from trudy.models import Call, Transcript

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient

OnOutcome: TypeAlias = Callable[[AttemptResult], Following | None | Awaitable[Following | None]]
Classify: TypeAlias = Callable[[Call, Heard], OutcomeWord | Awaitable[OutcomeWord]]
"""Names the outcome of a call that is over."""

TRANSCRIPT_WITHIN: Final = 30.0
"""Seconds after its end for which an answered call waits for its transcript, in which the person may ask not to be
called again. Longer would keep slots taken on servers that write none."""


_EVENTS_KEPT: Final = 1_000
"""Webhook events kept for `classify`: more than calls can be open at a time cost memory for nothing."""


class LastEvents:
    """The last webhook event of each call, for `classify`. Kept from any thread."""

    def __init__(self) -> None:
        self._by_call: dict[str, object] = {}

    def keep(self, event: object) -> None:
        """Keep it, if it is of a call."""
        call_id = getattr(event, "call_id", None)
        if isinstance(call_id, str):
            self._by_call[call_id] = event
            if len(self._by_call) > _EVENTS_KEPT:
                self._by_call.pop(next(iter(self._by_call)), None)

    def of(self, call_id: str) -> object:
        """That of a call; None where none came."""
        return self._by_call.get(call_id)


@define(kw_only=True, eq=False)
class Endings:
    """Brings the attempts of a store to their end, once their calls are seen to be over."""

    client: AsyncTrudyClient
    store: Store
    server_now: Callable[[], float]
    classify: Classify = outcomes.classify
    event_of: Callable[[str], object] = field(default=lambda _: None)
    """What was heard of a call last."""
    on_outcome: OnOutcome | None = None
    on_event: Callable[[str, DueRow, str], None] = field()
    _ended_at: dict[str, float] = field(init=False, factory=dict[str, float])
    """By attempt: when its call was first seen to be over."""

    def forget_all_but(self, attempts: set[str]) -> None:
        """Free what is remembered of other attempts."""
        for gone in self._ended_at.keys() - attempts:
            del self._ended_at[gone]

    async def end(self, campaign: CampaignRecord, attempt: OpenAttempt, call: Call) -> int:
        """How many attempts that ended: none while the transcript may still come."""
        transcript = await self._transcript(attempt, call)
        if transcript is None and self._may_get_transcript(attempt, call):
            return 0
        contact = attempt.contact
        heard = Heard(transcript=transcript, event=self.event_of(call.id))
        with of_a_hook():
            outcome = await self._classified(call, heard)
        result = AttemptResult(
            campaign=campaign.id,
            attempt=attempt.id,
            contact=contact,
            call=call,
            outcome=outcome,
            transcript=transcript,
        )
        with of_a_hook():
            following = await self._decided(result)
        await self.store.ended(
            attempt.id,
            outcomes.ended(
                call, outcome, following, attempts=contact.attempts, policy=campaign.policy, now=self.server_now()
            ),
        )
        self.on_event("ended", contact, outcome)
        return 1

    async def _classified(self, call: Call, heard: Heard) -> OutcomeWord:
        word = self.classify(call, heard)
        outcome = await word if isawaitable(word) else word
        if outcome not in OUTCOMES:
            raise InvalidArgumentError(f"classify must give one of {', '.join(OUTCOMES)}", argument="classify")
        return outcome

    async def _decided(self, result: AttemptResult) -> Following | None:
        if self.on_outcome is None:
            return None
        decided = self.on_outcome(result)
        following = await decided if isawaitable(decided) else decided
        if following is not None and not isinstance(following, outcomes.Final | Retry | CallBack | OptOut):  # pyright: ignore[reportUnnecessaryIsInstance]
            given = type(following).__name__
            raise InvalidArgumentError(
                f"on_outcome must give None, Final(), Retry(after), CallBack(at) or OptOut(), not {given}",
                argument="on_outcome",
            )
        return following

    async def _transcript(self, attempt: OpenAttempt, call: Call) -> Transcript | None:
        """What was said; None where nobody answered, or it is not there."""
        self._ended_at.setdefault(attempt.id, self.server_now())
        if str(call.outcome or "") != "answered":
            return None
        try:
            found = await self.client.calls.get_transcript(call.id, lane="bulk")
        except TrudyError:
            return None
        return found if found.turns or found.summary else None

    def _may_get_transcript(self, attempt: OpenAttempt, call: Call) -> bool:
        if str(call.outcome or "") != "answered":
            return False
        settings = call.call_settings
        if settings is not None and settings.transcription_enabled is False:
            return False
        return self.server_now() < self._ended_at[attempt.id] + TRANSCRIPT_WITHIN
