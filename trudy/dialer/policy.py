"""When, how often and to whom a campaign may dial, and when it pauses by itself.

Frozen values and pure questions: the time comes from outside.

None of this is legal advice. It does not check national do-not-call registries, the wording of a disclosure, or whether
a number was ported to another place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, time
from functools import lru_cache
from typing import Final, Literal, TypeAlias, cast, get_args
from zoneinfo import ZoneInfo

from attrs import field, frozen

from trudy import _checks
from trudy._hours import WorkingHours
from trudy.errors import InvalidArgumentError

OutcomeWord: TypeAlias = Literal["answered", "voicemail", "no_answer", "busy", "failed", "opted_out", "unknown"]
"""How an attempt ended, as far as call, transcript and event tell."""
OUTCOMES: Final[tuple[OutcomeWord, ...]] = get_args(OutcomeWord)
NumberKind: TypeAlias = Literal[
    "fixed_line",
    "mobile",
    "fixed_line_or_mobile",
    "voip",
    "personal",
    "pager",
    "uan",
    "toll_free",
    "premium",
    "shared_cost",
    "short",
    "emergency",
    "unknown",
]
"""What libphonenumber says a number is."""
_REFUSED_KINDS: Final[frozenset[NumberKind]] = frozenset(
    ("toll_free", "premium", "shared_cost", "short", "emergency", "unknown", "pager", "uan")
)
_NEVER_CALLED: Final[frozenset[NumberKind]] = frozenset(("short", "emergency"))
"""Kinds that no policy can name: these numbers are no E.164, and a line for emergencies is never rung by a machine."""
KINDS: Final[frozenset[NumberKind]] = frozenset(get_args(NumberKind)) - _REFUSED_KINDS
"""What is dialed unless a policy says otherwise."""

DAY: Final = 86_400.0
_FARTHEST: Final = 370 * DAY
"""Hours that do not open within a year and some days open never: two zones with no common hour, or a calendar of
holidays alone."""


_SHORTEST_HOURS: Final = 180.0
"""Seconds of hours at least. A call may ring up to 170 s after its claim, so in shorter ones none would ever begin."""
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_PLACE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


def _days(value: Collection[int]) -> frozenset[int]:
    _checks.weekdays(list(value) if _is_collection(value) else value, "hours.days")
    return frozenset(value)


def _countries(value: Collection[str] | None) -> frozenset[str] | None:
    if value is None:
        return None
    if not _is_collection(value) or not all(_COUNTRY.fullmatch(str(each)) for each in value):
        raise InvalidArgumentError('countries must be a set of ISO 3166-1 codes, as in {"US"}', argument="countries")
    return frozenset(value)


def _kinds(value: Collection[NumberKind]) -> frozenset[NumberKind]:
    if not _is_collection(value):
        raise InvalidArgumentError('kinds must be a set of kinds, as in {"mobile"}', argument="kinds")
    for kind in value:
        _checks.one_of(kind, get_args(NumberKind), "kinds")
        if kind in _NEVER_CALLED:
            raise InvalidArgumentError(f"kinds: {kind} numbers are never called", argument="kinds")
    return frozenset(value)


def _copy(frozen_one: object, member: str, name: str) -> None:
    """Keep a copy of a mapping, since who gave it may change it."""
    value: object = getattr(frozen_one, member)
    _checks.instance(value, Mapping, name)
    object.__setattr__(frozen_one, member, dict(cast("Mapping[object, object]", value)))


def _seconds(of_day: time) -> float:
    return of_day.hour * 3600.0 + of_day.minute * 60.0 + of_day.second + of_day.microsecond / 1e6


def _is_collection(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)


@frozen(kw_only=True)
class Hours:
    """The hours in which a phone may ring, by the clocks on the wall where its owner may be.

    Attributes:
        start, end: the hours of a day; `end` is not included. None is midnight.
        days: 1 for Monday to 7 for Sunday.
        holidays: whether public holidays count as other days.
        by_region: hours of their own for a country (`"GB"`) or a part of one (`"US-FL"`).
        anytime: no hours at all; see `always`.
    """

    start: time = time(10)
    end: time | None = time(18)
    days: frozenset[int] = field(default=frozenset((1, 2, 3, 4, 5)), converter=_days)
    holidays: bool = False
    by_region: Mapping[str, Hours] = field(factory=dict[str, "Hours"])
    anytime: bool = False
    i_know_the_law: bool = False

    def __attrs_post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self, name)
            if (value is not None or name == "start") and (not isinstance(value, time) or value.tzinfo is not None):
                raise InvalidArgumentError(
                    f"hours.{name} must be a datetime.time without a zone, as in time(10)", argument="hours"
                )
        for name in ("holidays", "anytime", "i_know_the_law"):
            _checks.instance(getattr(self, name), bool, f"hours.{name}")
        _copy(self, "by_region", "hours.by_region")
        for place, hours in self.by_region.items():
            if not isinstance(place, str) or not _PLACE.fullmatch(place):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InvalidArgumentError(
                    'hours.by_region: a place is a country or a part of one in ISO 3166, as in "GB" or "US-FL"',
                    argument="hours",
                )
            _checks.instance(hours, Hours, f"hours.by_region[{place!r}]")
        if self.end is not None and self.end <= self.start:
            raise InvalidArgumentError("hours.end must be later than hours.start", argument="hours")
        if _seconds(self.end or time.max) - _seconds(self.start) < _SHORTEST_HOURS:
            raise InvalidArgumentError(
                "hours.end must be three minutes later than hours.start at least: none is called in the last 170 s",
                argument="hours",
            )

    @classmethod
    def us_federal(cls) -> Hours:
        """8 to 21 o'clock on every day, holidays too: the widest that the TCPA's rules allow. States allow less."""
        return cls(start=time(8), end=time(21), days=frozenset(range(1, 8)), holidays=True)

    @classmethod
    def always(cls, *, i_know_the_law: bool = False) -> Hours:
        """Any time: for tests and sandboxes. Refused for the real API unless `i_know_the_law=True`."""
        return cls(anytime=True, i_know_the_law=i_know_the_law)

    def of(self, country: str | None, region: str | None) -> Hours:
        """The hours of a place: those of its region (`"US-FL"`), else of its country, else these."""
        for name in (region, country):
            if name is not None and name in self.by_region:
                return self.by_region[name]
        return self

    def opens(self, zones: Collection[str], *, country: str | None, region: str | None, moment: float) -> float | None:
        """The first moment from `moment` on (Unix seconds) that is inside these hours in every zone.

        None where that never comes: no zone is known, or the zones have no hour in common.
        """
        hours = self.of(country, region)
        if hours.anytime:
            return moment
        if not zones:
            return None
        latest = moment + _FARTHEST
        at = moment
        while at <= latest:
            earliest = max(hours.opens_in(zone, country, region, at) for zone in zones)
            if earliest == at:
                return at
            at = earliest
        return None

    def opens_in(self, zone: str, country: str | None, region: str | None, moment: float) -> float:
        """The first moment from `moment` on that is inside these hours in one zone."""
        hours = WorkingHours(zone=ZoneInfo(zone), days=self.days, start=self.start, end=self.end)
        opening = hours.opens(moment)
        if self.holidays:
            return opening
        latest = moment + _FARTHEST
        while opening <= latest and is_holiday(hours.day_of(opening), country, region):
            opening = hours.opens(hours.next_day(opening))
        return opening


def is_holiday(day: date, country: str | None, region: str | None) -> bool:
    """Whether a date is a public holiday there. `region` is ISO 3166-2, such as `"US-CA"`; unknown places have none."""
    return country is not None and day in _holidays_of(country, region, day.year)


@lru_cache(maxsize=512)
def _holidays_of(country: str, region: str | None, year: int) -> frozenset[date]:
    import holidays

    subdivision = region.partition("-")[2] if region is not None else None
    try:
        found = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    except NotImplementedError:
        try:
            found = holidays.country_holidays(country, years=year)
        except NotImplementedError:
            return frozenset()
    return frozenset(found)


@frozen(kw_only=True)
class Attempts:
    """How often a number may be called, over all campaigns of a store.

    Attributes:
        a_day: on one date of the number's own zones.
        in_30_days: within the last 30 times 24 hours.
    """

    a_day: int = 1
    in_30_days: int = 3

    def __attrs_post_init__(self) -> None:
        _checks.whole(self.a_day, 1, None, "attempts.a_day")
        _checks.whole(self.in_30_days, 1, None, "attempts.in_30_days")


@frozen(kw_only=True)
class RetryAfter:
    """Try again, at the earliest after so many seconds, and not before the hours allow it.

    Attributes:
        seconds: 0 for as soon as hours and caps allow.
        most: attempts at a row in all, the first included; None for as many as `Attempts` lets.
    """

    seconds: float = 0.0
    most: int | None = None

    def __attrs_post_init__(self) -> None:
        _checks.within(self.seconds, 0, 365 * DAY, "retry.seconds")
        if self.most is not None:
            _checks.whole(self.most, 1, None, "retry.most")


_RETRY: Final[Mapping[OutcomeWord, RetryAfter | None]] = {
    "no_answer": RetryAfter(),
    "busy": RetryAfter(),
    "failed": RetryAfter(),
}


@frozen(kw_only=True)
class Breaker:
    """When a campaign pauses by itself.

    Attributes:
        failed_share, of_last: this share of the last so many attempts failed.
        short_calls, shorter_than: so many answered calls in a row ended within so many seconds.

    Fewer calls would pause a campaign for a bad quarter of an hour; more would let a broken agent ring more people.
    """

    failed_share: float = 0.3
    of_last: int = 50
    short_calls: int = 20
    shorter_than: float = 5.0

    def __attrs_post_init__(self) -> None:
        _checks.within(self.failed_share, 0, 1, "breaker.failed_share")
        _checks.whole(self.of_last, 1, None, "breaker.of_last")
        _checks.whole(self.short_calls, 1, None, "breaker.short_calls")
        _checks.within(self.shorter_than, 0, 3600, "breaker.shorter_than")

    def trips(self, last: Sequence[tuple[OutcomeWord, float | None]]) -> str | None:
        """Why to pause, given how the last attempts ended and how long they took, newest first; None to go on."""
        window = last[: self.of_last]
        failed = sum(outcome == "failed" for outcome, _ in window)
        if len(window) == self.of_last and failed >= self.failed_share * self.of_last:
            return f"{failed} of the last {len(window)} attempts failed"
        row = last[: self.short_calls]
        if len(row) == self.short_calls and all(
            outcome == "answered" and seconds is not None and seconds < self.shorter_than for outcome, seconds in row
        ):
            return f"{len(row)} calls in a row ended within {self.shorter_than:g} s"
        return None


@frozen(kw_only=True)
class Policy:
    """What a campaign may do. The defaults are the careful ones; each can be set.

    Attributes:
        hours: when phones may ring.
        max_live: calls at the same time.
        gap: seconds between two calls.
        max_calls: calls in all, retries included; None for as many as the rows need.
        max_spend: what the calls may cost in all; needs `price`.
        price: what one call costs at most, in the same unit; reserved before it, settled after it.
        attempts: how often a number may be called.
        retry: what follows an outcome: a `RetryAfter`, or None for the end. Outcomes left out keep their default:
            again on the next allowed day after no answer, busy and failed; the end after the others.
        countries: whose numbers may be called, as ISO 3166-1 codes; None for the default region's alone.
        kinds: kinds of numbers that may be called; short and emergency ones never are.
        caller_ids: numbers to call from, each with its calls a day; a contact keeps the one it was called from.
        breaker: when to pause.
        unresolved_after: seconds after the last moment at which a lost request could still be sent, until its call is
            given up and the row is held. The server may take 160 s to place it after a read of 180 s.
        on_unresolved: `"hold"`, or `"redial"`: dial again, which may ring a person twice.
    """

    hours: Hours = Hours()
    max_live: int = 10
    gap: float = 0.5
    max_calls: int | None = None
    max_spend: float | None = None
    price: float | None = None
    attempts: Attempts = Attempts()
    retry: Mapping[OutcomeWord, RetryAfter | None] = field(factory=dict[OutcomeWord, RetryAfter | None])
    countries: frozenset[str] | None = field(default=None, converter=_countries)
    kinds: frozenset[NumberKind] = field(default=KINDS, converter=_kinds)
    caller_ids: Mapping[str, int] = field(factory=dict[str, int], repr=False)
    breaker: Breaker = Breaker()
    unresolved_after: float = 340.0
    on_unresolved: Literal["hold", "redial"] = "hold"

    def __attrs_post_init__(self) -> None:
        _checks.instance(self.hours, Hours, "hours")
        _checks.instance(self.attempts, Attempts, "attempts")
        _checks.instance(self.breaker, Breaker, "breaker")
        _copy(self, "retry", "retry")
        _copy(self, "caller_ids", "caller_ids")
        _checks.whole(self.max_live, 1, None, "max_live")
        _checks.within(self.gap, 0, 3600, "gap")
        if self.max_calls is not None:
            _checks.whole(self.max_calls, 1, None, "max_calls")
        for name in ("max_spend", "price"):
            value = getattr(self, name)
            if value is not None:
                _checks.within(value, 0, 1e12, name)
        if self.max_spend is not None and self.price is None:
            raise InvalidArgumentError("max_spend needs price, the most that one call costs", argument="price")
        for outcome, rule in self.retry.items():
            _checks.one_of(outcome, OUTCOMES, "retry")
            if rule is not None:
                _checks.instance(rule, RetryAfter, f"retry[{outcome!r}]")
                if outcome == "opted_out":
                    raise InvalidArgumentError("retry: who opted out is not called again", argument="retry")
        for number, calls in self.caller_ids.items():
            _checks.e164(number, "caller_ids")
            _checks.whole(calls, 1, None, "caller_ids")
        _checks.within(self.unresolved_after, 1, 30 * DAY, "unresolved_after")
        _checks.one_of(self.on_unresolved, ("hold", "redial"), "on_unresolved")

    def retry_after(self, outcome: OutcomeWord) -> RetryAfter | None:
        """What follows an outcome; None where it is final."""
        return self.retry[outcome] if outcome in self.retry else _RETRY.get(outcome)

    def may_call(self, *, country: str | None, kind: NumberKind, default_country: str | None) -> str | None:
        """Why a number must not be called, in one word; None where it may."""
        countries = self.countries if self.countries is not None else {default_country}
        if country not in countries:
            return "country"
        return None if kind in self.kinds else f"kind_{kind}"
