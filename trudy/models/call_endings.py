"""How a call ended, in one word, found from the words of the server or the voice provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from trudy.models._fields import OpenWord


class CallEnding(OpenWord):
    """How a call that is over ended."""

    ANSWERED = "answered"
    """Somebody was on the line."""
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    """A machine answered."""
    REFUSED = "refused"
    """The other side, or its carrier, turned the call down."""
    FAILED = "failed"
    """It could not be placed, or was cancelled before anybody answered."""
    UNKNOWN = "unknown"
    """It is over, and the server does not say how it went."""

    @classmethod
    def _synonyms(cls) -> Mapping[str, str]:
        return _SYNONYMS


END_REASON_NAMES: Final = (
    "end_reason",
    "endReason",
    "ended_reason",
    "endedReason",
    "end_call_reason",
    "endCallReason",
    "call_end_reason",
    "callEndReason",
    "disconnection_reason",
    "disconnectionReason",
    "disconnect_reason",
    "disconnectReason",
    "hangup_reason",
    "hangupReason",
    "hangup_cause",
    "hangupCause",
    "failure_reason",
    "failureReason",
    "termination_reason",
    "terminationReason",
)
"""Names of the member in which servers and voice providers say why a call ended."""

# Words of the provider, of telephone networks (SIP, Q.850) and of dashboards. A word that does not tell whether
# somebody answered, such as `hangup` or `timeout`, is not listed: then the status decides.
_WORDS: Final = {
    "answered": "answered human human_answered contacted agent_hangup user_hangup customer_hangup client_hangup"
    " assistant_hangup caller_hangup callee_hangup max_duration max_duration_reached exceeded_max_duration"
    " time_exceeded inactivity silence_timeout customer_ended_call assistant_ended_call agent_ended_call",
    "no_answer": "noanswer no_reply unanswered not_answered unjoined ring_timeout no_user_response no_user_responding"
    " customer_did_not_answer dial_no_answer user_did_not_answer destination_unavailable"
    " missed missed_call sip_termination_timeout sip_termination_destination_unavailable",
    "busy": "user_busy line_busy callee_busy customer_busy dial_busy busy_here busy_everywhere sip_termination_busy",
    "voicemail": "voice_mail machine answering_machine machine_detected answering_machine_detected amd_machine"
    " voicemail_reached voicemail_detected voicemail_hangup machine_start machine_end_beep machine_end_silence"
    " machine_end_other customer_reached_voicemail",
    "refused": "rejected declined call_rejected call_declined user_rejected user_declined callee_rejected decline"
    " blocked customer_declined sip_termination_rejected",
    "failed": "error errored failure fail not_placed connection_error system_error dial_failed invalid_number"
    " invalid_destination unallocated_number number_changed not_found network_out_of_order telephony_error"
    " provider_error canceled cancelled originator_cancel dropped never_connected sip_termination_invalid_number"
    " sip_termination_canceled sip_termination_unknown",
}
_SYNONYMS: Final = {word: ending for ending, words in _WORDS.items() for word in words.split()}
_BY_STATUS: Final = {
    "no_answer": CallEnding.NO_ANSWER,
    "busy": CallEnding.BUSY,
    "voicemail": CallEnding.VOICEMAIL,
    "completed": CallEnding.ANSWERED,
    "ended": CallEnding.ANSWERED,
    "failed": CallEnding.FAILED,
    "cancelled": CallEnding.FAILED,
    "canceled": CallEnding.FAILED,
}
_SAYS_HOW: Final = frozenset({CallEnding.NO_ANSWER, CallEnding.BUSY, CallEnding.VOICEMAIL})
_KIND_OF_WORD: Final = re.compile(
    r"^(?:call[ _-])?(?:end(?:ed)?[ _-]reason|hangup[ _-]cause|outcome)[ _-]", re.IGNORECASE
)
"""Prefixes of the words of enumerations, such as `END_REASON_BUSY`."""
_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def ending_of(word: str | None) -> CallEnding | None:
    """The ending that a word names, in any spelling; None for one that does not say how a call ended."""
    if not word:
        return None
    found = CallEnding(_KIND_OF_WORD.sub("", _CAPITAL.sub("_", word.strip())))
    return found if found.is_known and found is not CallEnding.UNKNOWN else None


def call_ending(*, end_reason: str | None, status: str | None, outcome: str | None = None) -> CallEnding:
    """How a call that is over ended, found from the members of a row or event.

    Args:
        end_reason: why it ended, in any spelling.
        status: its last status, in any spelling.
        outcome: the server's own word for the outcome, where it has one.
    """
    by_status = _BY_STATUS.get((status or "").strip().lower().replace("-", "_").replace(" ", "_"), CallEnding.UNKNOWN)
    if (told := ending_of(outcome)) is not None:
        return told
    if by_status in _SAYS_HOW:
        return by_status
    why = ending_of(end_reason)
    return by_status if why is None else why
