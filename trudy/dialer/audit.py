"""What happened to a number, and why it is called or not: the store's entries as sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from trudy.dialer.records import HELD_UNTIL

_EVENTS: Final[Mapping[str, str]] = {
    "intent": "about to be called",
    "placed": "the call was placed: {call_id}",
    "found": "its call was found: {call_id}",
    "ended": "the call ended: {outcome}",
    "refused": "the server refused the call: {error}",
    "waits_again": "waits again: the next calls were refused alike, so the cause was none of its own",
    "not_sent": "nothing was sent: {error}; no attempt is spent",
    "unknown": "no answer came, so nobody knows whether it was called: {error}; its call is looked for",
    "given_up": "its call was not found in time",
    "lost": "the server never told the end of the call",
    "settled": "settled by hand as {to}: {reason}",
    "adopted": "a call was found that the store had forgotten: {call_id}",
    "do_not_call": "on the do-not-call list: {source}",
    "may_call_again": "taken off the do-not-call list",
    "forgotten": "the data of this person were deleted",
}
_REASONS: Final[Mapping[str, str]] = {
    "hours": "outside the hours",
    "hours_never": "its zones have no hour in common",
    "zone_unknown": "its time zone is not known",
    "only_to": "only some numbers are called for now",
    "a_day": "called as often as a day allows",
    "in_30_days": "called as often as 30 days allow",
    "caller_id": "no number to call from has calls left today",
    "max_live": "as many calls as the policy allows are on the line",
    "on_the_line": "its last calls are on the line",
    "ringing": "another call to this number is not over",
    "do_not_call": "on the do-not-call list",
    "in_file": "the number stands further up in the source",
    "earlier_campaign": "the number is in another campaign that is open, or called it within 30 days",
    "attempts_spent": "no attempts are left",
    "no_consent": "no consent",
    "retry": "its next attempt is not due yet",
    "call_back": "it is to be called back later",
    "refused_alike": "refused like those after it",
    "unresolved": "nobody knows whether it was called; resolve() it",
}


def told(history: Sequence[Mapping[str, object]]) -> list[str]:
    """A line for each entry, in their order; times are UTC."""
    return [_row(entry) if entry["kind"] == "row" else _event(entry) for entry in history]


def reason_told(reason: str) -> str:
    """Why a row is not called, in words."""
    return _REASONS.get(reason, reason.replace("_", " "))


def _event(entry: Mapping[str, object]) -> str:
    kind = str(entry["kind"])
    shown = {name: str(value) for name, value in entry.items() if value is not None}
    sentence = _EVENTS.get(kind, kind).format_map(_Shown(shown))
    if kind == "ended" and "duration" in shown:
        sentence += f" after {shown['duration']} s"
    return f"{_time(entry.get('at'))}  {sentence}"


def _row(entry: Mapping[str, object]) -> str:
    state, reason, due_at = str(entry["state"]), entry.get("reason"), entry.get("due_at")
    sentence = f"row {entry['line']} of campaign {entry['campaign']}: {state}"
    if state == "waiting" and isinstance(due_at, int | float):
        sentence = sentence.removesuffix(state) + ("held" if due_at >= HELD_UNTIL else f"waiting until {_time(due_at)}")
    parts = [] if entry.get("outcome") is None else [str(entry["outcome"])]
    if reason not in (None, "final", "retry", entry.get("outcome")):
        parts.append(_REASONS.get(str(reason), str(reason)))
    attempts = entry.get("attempts")
    if attempts:
        parts.append(f"called {attempts} time{'' if attempts == 1 else 's'}")
    return f"{sentence} ({', '.join(parts)})" if parts else sentence


def _time(value: object) -> str:
    return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}" if isinstance(value, int | float) else "-"


class _Shown(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"no {name}"
