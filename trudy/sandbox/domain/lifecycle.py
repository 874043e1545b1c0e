"""The stages of a call: pure functions of what is known when it is accepted, and of the present time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import evolve, field, frozen

from trudy._masking import mask_phone
from trudy.sandbox.domain.outcome_by_number import Outcome

Status = Literal["queued", "ringing", "in_progress", "completed", "failed"]
Direction = Literal["outbound", "webrtc"]

# The lengths of the stages, as on a real line; the same for all calls, so that tests can count on them.
QUEUED_SECONDS = 1.0
ANSWERED_AFTER_SECONDS = 4.0
"""Seconds of ringing until a person answers."""
BUSY_AFTER_SECONDS = 2.0
"""Seconds of ringing until the line is known to be busy."""
VOICEMAIL_AFTER_SECONDS = 20.0
"""Seconds of ringing until a machine answers."""
TALK_SECONDS = 24.0
VOICEMAIL_SECONDS = 12.0
"""Seconds of a call that reached a machine."""
LONG_SECONDS = 1800.0
"""Seconds of a long call."""
PROCESSING_SECONDS = 3.0
"""Seconds from the end of a call until its transcript and recording are there."""

_VARIABLE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")


@frozen(kw_only=True)
class Timeline:
    """The times of a call's stages, in Unix seconds of the sandbox's clock; None for a stage that it never reaches."""

    created_at: float
    ringing_at: float | None
    answered_at: float | None
    ended_at: float
    final: Literal["completed", "failed"]
    end_reason: str


@frozen(kw_only=True)
class PlacedCall:
    """A call as it was accepted. Everything else about it follows from the time.

    Attributes:
        to: the number called; empty for a call from a browser.
        attempt: counts the calls to this number in this sandbox, from 1.
        outcome: how the call goes; chance and earlier attempts are already decided.
        campaign_id, contact_id: the batch that placed it, and its contact there.
    """

    id: str
    agent_id: str
    agent_name: str
    to: str = field(repr=mask_phone)
    from_number: str | None = field(repr=False)
    attempt: int
    outcome: Outcome
    idempotency_key: str | None = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    call_settings: Mapping[str, Any] = field(repr=False)
    greeting: str | None = field(repr=False)
    timeline: Timeline = field(repr=False)
    direction: Direction = "outbound"
    campaign_id: str | None = None
    contact_id: str | None = None

    @property
    def created_at(self) -> float:
        """Unix seconds of the sandbox's clock."""
        return self.timeline.created_at

    @property
    def was_dialed(self) -> bool:
        """Whether the phone rings at some time; it does not if the call had failed when it was accepted."""
        return self.timeline.ringing_at is not None


def plan(
    outcome: Outcome,
    *,
    created_at: float,
    join_timeout: float,
    max_duration: float,
    talk_seconds: float = TALK_SECONDS,
) -> Timeline:
    """All stages of a call, fixed when it is accepted. Times are in seconds."""
    if outcome is Outcome.FAILED:
        return Timeline(
            created_at=created_at,
            ringing_at=None,
            answered_at=None,
            ended_at=created_at,
            final="failed",
            end_reason="not_placed",
        )
    ringing_at = created_at + QUEUED_SECONDS

    def unanswered(after: float, reason: str) -> Timeline:
        return Timeline(
            created_at=created_at,
            ringing_at=ringing_at,
            answered_at=None,
            ended_at=ringing_at + after,
            final="failed",
            end_reason=reason,
        )

    if outcome is Outcome.BUSY and join_timeout >= BUSY_AFTER_SECONDS:
        return unanswered(BUSY_AFTER_SECONDS, "busy")
    rings = VOICEMAIL_AFTER_SECONDS if outcome is Outcome.VOICEMAIL else ANSWERED_AFTER_SECONDS
    if outcome is Outcome.NO_ANSWER or join_timeout < rings:
        return unanswered(join_timeout, "no_answer")
    talk, reason = _talk(outcome, talk_seconds)
    if max_duration < talk:
        talk, reason = max_duration, "max_duration"
    answered_at = ringing_at + rings
    return Timeline(
        created_at=created_at,
        ringing_at=ringing_at,
        answered_at=answered_at,
        ended_at=answered_at + talk,
        final="completed",
        end_reason=reason,
    )


def unjoined_plan(*, created_at: float, join_timeout: float) -> Timeline:
    """The stages of a call from a browser, if nobody joins."""
    return Timeline(
        created_at=created_at,
        ringing_at=None,
        answered_at=None,
        ended_at=created_at + join_timeout,
        final="failed",
        end_reason="unjoined",
    )


def join_plan(waiting: Timeline, *, joined_at: float, max_duration: float) -> Timeline:
    """The stages of a call from a browser that joins now; it never rings."""
    return evolve(
        waiting,
        answered_at=joined_at,
        ended_at=joined_at + min(TALK_SECONDS, max_duration),
        final="completed",
        end_reason="hangup" if max_duration >= TALK_SECONDS else "max_duration",
    )


def _talk(outcome: Outcome, usual: float) -> tuple[float, str]:
    if outcome is Outcome.VOICEMAIL:
        return VOICEMAIL_SECONDS, "voicemail"
    return (LONG_SECONDS if outcome is Outcome.LONG else usual), "hangup"


def status_at(timeline: Timeline, now: float) -> Status:
    """The documented status word at that moment."""
    if now >= timeline.ended_at:
        return timeline.final
    if timeline.answered_at is not None and now >= timeline.answered_at:
        return "in_progress"
    if timeline.ringing_at is not None and now >= timeline.ringing_at:
        return "ringing"
    return "queued"


def next_change(timeline: Timeline, now: float) -> float | None:
    """When the status changes next after `now`; None if it never does."""
    moments = (timeline.ringing_at, timeline.answered_at, timeline.ended_at)
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


def changed_at(timeline: Timeline, now: float) -> float:
    """When the status last changed, up to `now`."""
    moments = (timeline.created_at, timeline.ringing_at, timeline.answered_at, timeline.ended_at)
    return max(moment for moment in moments if moment is not None and moment <= now)


def talked_seconds(timeline: Timeline) -> int:
    """Whole seconds of conversation in all; 0 for a call that is not answered."""
    return 0 if timeline.answered_at is None else round(timeline.ended_at - timeline.answered_at)


def has_transcript(call: PlacedCall, now: float) -> bool:
    """Whether the transcript is switched on, and the answered call is over and processed."""
    return bool(call.call_settings["transcription_enabled"]) and _is_processed(call.timeline, now)


def has_recording(call: PlacedCall, now: float) -> bool:
    """Whether the recording is switched on, and the answered call is over and processed."""
    return bool(call.call_settings["recording_enabled"]) and _is_processed(call.timeline, now)


def _is_processed(timeline: Timeline, now: float) -> bool:
    return timeline.answered_at is not None and now >= timeline.ended_at + PROCESSING_SECONDS


def transcript(call: PlacedCall) -> list[dict[str, Any]]:
    """The turns of an answered call, spread evenly over its length."""
    lines = _lines(call)
    step = talked_seconds(call.timeline) / len(lines)
    return [
        {"speaker": speaker, "text": text, "timestamp": round(index * step, 2)}
        for index, (speaker, text) in enumerate(lines)
    ]


def summary(call: PlacedCall) -> str:
    """One sentence about an answered call."""
    match call.outcome:
        case Outcome.VOICEMAIL:
            return "The call reached a voicemail box; the agent left a message."
        case Outcome.DO_NOT_CALL:
            return "The contact asked not to be called again."
        case Outcome.LONG:
            return "The agent and the contact spoke at length; the contact will call back."
        case _:
            return "The contact was reached, agreed to what the agent asked, and said goodbye."


def _lines(call: PlacedCall) -> list[tuple[str, str]]:
    opening = fill(call.greeting or f"Hello, this is {call.agent_name}. Do you have a moment?", call.variables)
    match call.outcome:
        case Outcome.VOICEMAIL:
            return [
                ("contact", "Nobody can take your call now. Please leave a message after the tone."),
                ("agent", opening),
            ]
        case Outcome.DO_NOT_CALL:
            return [
                ("agent", opening),
                ("contact", "Please take me off your list and do not call me again."),
                ("agent", "I understand. You will not be called again. Goodbye."),
            ]
        case Outcome.LONG:
            return [
                ("agent", opening),
                ("contact", "Yes, and I have a lot of questions."),
                ("agent", "Please ask them all."),
                ("contact", "That was helpful. I will call you back."),
            ]
        case _:
            return [
                ("agent", opening),
                ("contact", "Hello, yes, I do."),
                ("agent", "Thank you. Shall we keep it as planned?"),
                ("contact", "Yes, please. Goodbye."),
            ]


def fill(template: str, variables: Mapping[str, str]) -> str:
    """Replace each `{{name}}` by its variable; an unknown name stays as it is."""
    return _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), template)


def most_at_once(calls: Iterable[PlacedCall], *, until: float) -> int:
    """The most calls that rang or were answered at the same time, of those that rang until then."""
    edges: list[tuple[float, int]] = []
    for call in calls:
        begin = call.timeline.ringing_at
        if begin is not None and begin <= until:
            edges += [(begin, 1), (call.timeline.ended_at, -1)]
    most = running = 0
    for _, step in sorted(edges):
        running += step
        most = max(most, running)
    return most
