"""Checks of arguments, before anything is sent; each error names the argument and quotes no number and no secret."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Sequence, Sized
from datetime import datetime, timedelta
from difflib import get_close_matches
from numbers import Real
from typing import cast
from urllib.parse import quote, urlsplit

from trudy._fictional_numbers import fictional_ending
from trudy._parse import MAX_INT64, is_finite, is_positive, seconds_text
from trudy.errors import InvalidArgumentError
from trudy.options import NotGiven

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_OF_A_FLOAT = re.compile(r"[+]?[0-9]+(?:[.,][0-9]+)?[eE][+]?[0-9]+|[+]?[0-9]+[.]0*")
_LOST_DIGITS = (
    ": a table or spreadsheet took it for a quantity, which loses the plus sign, leading zeros and perhaps digits; read"
    " the column as text (in pandas dtype=str)"
)
_TIME_OF_DAY = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def identifier(value: object, name: str) -> str:
    """An id, quoted for a path. An empty one would reach the list endpoint, and dots another path: both are refused."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a string, not {type(value).__name__}", argument=name)
    if not value.strip() or value in (".", ".."):
        raise InvalidArgumentError(f"{name} must not be empty", argument=name)
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} holds text that is no Unicode", argument=name) from None


def non_empty(value: object, name: str) -> None:
    """A text with something in it."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a string, not {type(value).__name__}", argument=name)
    if not value.strip():
        raise InvalidArgumentError(f"{name} must not be empty", argument=name)


def no_longer_than(value: object, most: int, name: str) -> None:
    """A text or list within its length; anything else is checked elsewhere."""
    if isinstance(value, Sized) and len(value) > most:
        raise InvalidArgumentError(f"{name} may have at most {most} {_kind(value)}", argument=name)


def e164(value: object, name: str) -> None:
    """A phone number in E.164: a plus sign, then 2 to 15 digits, the first not 0."""
    if not _E164.fullmatch(phone_text(value, name)):
        raise InvalidArgumentError(
            f"{name} must be in E.164 form: a plus sign, country code and number, at most 15 digits in a row;"
            " trudy.phone.to_e164(number, region=...) reads national spellings",
            argument=name,
        )


def phone_text(value: object, name: str) -> str:
    """A phone number that is text, and not a number that a table or spreadsheet made of it."""
    if not isinstance(value, str):
        raise InvalidArgumentError(
            f"{name} must be text, not {type(value).__name__}{_from_a_table(value)}", argument=name
        )
    if _OF_A_FLOAT.fullmatch(value.strip()):
        raise InvalidArgumentError(f"{name} is no phone number{_LOST_DIGITS}", argument=name)
    return value


def _from_a_table(value: object) -> str:
    if type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and value != value):
        return ": the cell is empty"
    # The integers of NumPy are such numbers too.
    return _LOST_DIGITS if not isinstance(value, bool) and isinstance(value, Real) else ""


def dialable(value: object, base_url: str, name: str) -> None:
    """A number in E.164. On Truedy's own host the fictional numbers, which only a sandbox answers, are refused."""
    e164(value, name)
    if is_truedys_own(base_url) and fictional_ending(str(value)) is not None:
        raise InvalidArgumentError(
            f"{name} is one of the numbers kept for fiction, which a sandbox answers and nobody else; base_url is"
            f" https://{urlsplit(base_url).hostname}",
            argument=name,
        )


def is_truedys_own(base_url: str) -> bool:
    """Whether requests go to a host of Truedy's, which calls real phones."""
    host = (urlsplit(base_url).hostname or "").removesuffix(".")
    return host == "truedy.ai" or host.endswith(".truedy.ai")


def within(value: object, low: float, high: float, name: str) -> None:
    """A number from `low` to `high`."""
    if not is_finite(value) or not low <= value <= high:
        raise InvalidArgumentError(f"{name} must be from {low:g} to {high:g}", argument=name)


def whole(value: object, low: int, high: int | None, name: str) -> None:
    """A whole number from `low` to `high`; without one to the largest that 64 bits hold, as sizes and JSON do."""
    ends = f"from {low} to {high}" if high is not None else f"{low} or more, in 64 bits"
    most = MAX_INT64 if high is None else high
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= most:
        raise InvalidArgumentError(f"{name} must be a whole number, {ends}", argument=name)


def seconds(value: object, name: str) -> None:
    """A positive number of seconds."""
    if not is_positive(value):
        raise InvalidArgumentError(f"{name} must be a positive number of seconds", argument=name)


def one_of(value: object, words: Collection[str], name: str) -> None:
    """One of a fixed set of words."""
    if not isinstance(value, str) or value not in words:
        near = get_close_matches(value, words, n=1) if isinstance(value, str) else ()
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InvalidArgumentError(f"{name} must be one of {', '.join(words)}{hint}", argument=name)


def identifiers(value: object, name: str) -> None:
    """At least one id, in a list or tuple."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidArgumentError(f"{name} must be a list of ids", argument=name)
    if not value:
        raise InvalidArgumentError(f"{name} must name at least one", argument=name)
    for index, item in enumerate(cast("Sequence[object]", value)):
        identifier(item, f"{name}[{index}]")


def event_source(value: object, name: str) -> None:
    """None, or an object with a method `subscribe`."""
    if value is not None and not callable(getattr(value, "subscribe", None)):
        raise InvalidArgumentError(f"{name} must be a WebhookRouter, or have its subscribe()", argument=name)


def callable_or_none(value: object, name: str) -> None:
    """None, or a callable."""
    if value is not None and not callable(value):
        raise InvalidArgumentError(f"{name} must be callable", argument=name)


def steps(value: object, name: str) -> None:
    """A list of middleware or of hooks."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a list", argument=name)
    for step in cast("Sequence[object]", value):
        if not callable(step):
            raise InvalidArgumentError(f"{name} must be callables, not {type(step).__name__}", argument=name)
        scope: object = getattr(step, "scope", "operation")
        if scope not in ("operation", "attempt"):
            raise InvalidArgumentError(
                f'{name}: scope must be "operation" (around a whole method call) or "attempt", not {scope!r}',
                argument=name,
            )


def clock(value: object, name: str) -> None:
    """None, or what has the methods of a `Clock`."""
    if value is not None and not all(
        callable(getattr(value, method, None)) for method in ("time", "monotonic", "sleep")
    ):
        raise InvalidArgumentError(f"{name} must have time(), monotonic() and sleep()", argument=name)


def limiter(rate_limiter: object, rate_limit: object, group: object) -> None:
    """A limiter of the caller's own, or the settings of this process's, not both."""
    if group is not None:
        non_empty(group, "rate_limit_group")
    if rate_limiter is None:
        return
    if not callable(getattr(rate_limiter, "admit", None)):
        raise InvalidArgumentError("rate_limiter must have admit(lane, until)", argument="rate_limiter")
    if rate_limit is not None or group is not None:
        raise InvalidArgumentError(
            "rate_limiter takes the place of rate_limit and rate_limit_group; give it alone", argument="rate_limiter"
        )


def moment(value: object, name: str) -> None:
    """A datetime that says its time zone."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidArgumentError(f"{name} must be a datetime with a time zone, such as UTC", argument=name)


def instance(value: object, kind: type, name: str) -> None:
    """An object of a class."""
    if not isinstance(value, kind):
        raise InvalidArgumentError(f"{name} must be {kind.__name__}, not {type(value).__name__}", argument=name)


def path(value: object, name: str) -> None:
    """A path of a file: text, or what stands for it."""
    text: object = os.fspath(cast("os.PathLike[str]", value)) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str) or not text or "\0" in text:
        raise InvalidArgumentError(f"{name} must be the path of a file", argument=name)


def time_of_day(value: object, name: str, *, last: str = "23:59") -> None:
    """A time of day as `HH:MM`, from 00:00 to 23:59, or `last`."""
    if not isinstance(value, str) or not (_TIME_OF_DAY.fullmatch(value) or value == last):
        raise InvalidArgumentError(f"{name} must be a time of day such as 09:30", argument=name)


def weekdays(value: object, name: str) -> None:
    """Days of the week, 1 for Monday to 7 for Sunday, each at most once."""
    days = cast("Sequence[object]", value) if isinstance(value, Sequence) else ()
    for day in days:
        whole(day, 1, 7, name)
    if not days or len(set(days)) < len(days):
        raise InvalidArgumentError(f"{name} must be days, 1 for Monday to 7 for Sunday, each once", argument=name)


def _kind(value: object) -> str:
    return "characters" if isinstance(value, str) else "members"


def duration_text(value: str | float | timedelta | NotGiven | None) -> str | NotGiven | None:
    """A duration as the API writes it: seconds or a `timedelta` become `"30s"`, text stays."""
    if isinstance(value, str | NotGiven) or value is None:
        return value
    amount = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(amount, bool) or amount < 0 or (isinstance(amount, float) and not math.isfinite(amount)):
        raise InvalidArgumentError('a duration is text such as "30s", a timedelta, or seconds, and never negative')
    return seconds_text(amount)
