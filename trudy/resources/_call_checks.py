"""What a call and a batch may ask for, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Final

from trudy import _checks
from trudy.errors import InvalidArgumentError
from trudy.options import NotGiven

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "phone_rotation_strategy": ("random", "sequential", "round_robin"),
    "contact_source": ("csv", "folder", "manual"),
    "schedule_type": ("immediate", "scheduled"),
}
_RANGES: Final[Mapping[str, tuple[int, int | None]]] = {
    "max_concurrent_calls": (1, 100),
    "max_calls_per_day": (1, None),
    "max_retry_attempts": (0, 3),
}


def check_call(agent_id: object, phone_number: object, from_number: object, direction: object, base_url: str) -> None:
    """The arguments of a call that this library can judge; `base_url` is where it goes."""
    _checks.non_empty(agent_id, "agent_id")
    _checks.dialable(phone_number, base_url, "phone_number")
    if from_number is not None and not isinstance(from_number, NotGiven):
        _checks.e164(from_number, "from_number")
    if not isinstance(direction, NotGiven):
        _checks.one_of(direction, ("outbound",), "direction")


def check_unknown(on_unknown: object, reconcile_timeout: object) -> None:
    """What is to be done where no answer comes."""
    _checks.one_of(on_unknown, ("reconcile", "retry", "raise"), "on_unknown")
    _checks.seconds(reconcile_timeout, "reconcile_timeout")


def check_batch(members: Mapping[str, object]) -> None:
    """Each member by itself; null passes."""
    given = {name: value for name, value in members.items() if value is not None}
    for argument in ("name", "agent_id", "timezone", "contact_folder_id"):
        if argument in given:
            _checks.non_empty(given[argument], argument)
    _checks.no_longer_than(given.get("name"), 255, "name")
    for argument in ("phone_number_ids", "contact_ids"):
        if given.get(argument):
            _checks.identifiers(given[argument], argument)
    for argument, words in _WORDS.items():
        if argument in given:
            _checks.one_of(given[argument], words, argument)
    for argument, last in (("start_time", "23:59"), ("end_time", "24:00")):
        if argument in given:
            _checks.time_of_day(given[argument], argument, last=last)
    if "working_days" in given:
        _checks.weekdays(given["working_days"], "working_days")
    for argument, (low, high) in _RANGES.items():
        if argument in given:
            _checks.whole(given[argument], low, high, argument)


def check_new_batch(members: Mapping[str, object]) -> None:
    """The members of a batch to be made: each by itself, those that must be there, those that need each other."""
    for argument in ("name", "agent_id"):
        _checks.non_empty(members.get(argument), argument)
    check_batch(members)
    needs: tuple[tuple[str, str, str], ...] = (
        ("contact_source", "folder", "contact_folder_id"),
        ("schedule_type", "scheduled", "scheduled_at"),
    )
    for argument, word, needed in needs:
        if members.get(argument) == word and members.get(needed) is None:
            raise InvalidArgumentError(f"{needed} is needed for {argument}={word!r}", argument=needed)


def time_text(value: time | str | NotGiven | None, argument: str) -> str | NotGiven | None:
    """A time of day as the API writes it."""
    if not isinstance(value, time):
        return value
    if value.second or value.microsecond:
        raise InvalidArgumentError(f"{argument} must be a full minute; the API takes HH:MM", argument=argument)
    if value.tzinfo is not None:
        raise InvalidArgumentError(f"{argument} must have no tzinfo; timezone= names the zone", argument=argument)
    return value.strftime("%H:%M")
