"""Calling hours: days of the week and hours of the day, in the local time of a zone.

Where clocks are put back, an hour comes twice and both count; where they are put forward, an hour is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from attrs import field, frozen, validators

_DAY = timedelta(days=1)


@frozen(kw_only=True)
class WorkingHours:
    """Hours of a day, on some days of the week.

    Attributes:
        days: 1 is Monday, 7 Sunday; at least one. Hours that run over midnight are those of the day they begin on.
        end: not included; None for midnight. Where it is before `start`, the hours run over midnight.
    """

    zone: ZoneInfo
    days: frozenset[int] = field(validator=validators.min_len(1))
    start: time = time()
    end: time | None = None

    def opens(self, moment: float) -> float:
        """The first moment from `moment` on that is inside these hours; both in Unix seconds."""
        local = datetime.fromtimestamp(moment, self.zone)
        if self._is_open(local):
            return moment
        for days_ahead in count():
            day = local.date() + days_ahead * _DAY
            opening = [edge for edge in self._edges(day) if edge > moment and self._is_open(self._local(edge))]
            if opening:
                return min(opening)
        raise AssertionError("days do not end")

    def day_of(self, moment: float) -> date:
        """The date in the zone."""
        return self._local(moment).date()

    def next_day(self, moment: float) -> float:
        """The first moment of the next date in the zone."""
        return self._at(self.day_of(moment) + _DAY, time())

    def _is_open(self, local: datetime) -> bool:
        clock, day = local.time(), local.isoweekday()
        has_begun = day in self.days and self.start <= clock
        if self.end is None or self.start <= self.end:
            return has_begun and (self.end is None or clock < self.end)
        day_before = (day - 2) % 7 + 1
        return has_begun or (day_before in self.days and clock < self.end)

    def _edges(self, day: date) -> Iterator[float]:
        """The moments of a date at which these hours can begin: the start, both times if it comes twice, and the moment
        at which clocks are changed."""
        yield self._at(day, self.start)
        yield self._at(day, self.start, fold=1)
        first, last = self._at(day, time()), self._at(day + _DAY, time())
        if self._offset(first) != self._offset(last):
            yield self._change_of_offset(int(first), int(last))

    def _change_of_offset(self, before: int, after: int) -> float:
        """When clocks are changed between two moments."""
        old = self._offset(before)
        while after - before > 1:
            middle = (before + after) // 2
            if self._offset(middle) == old:
                before = middle
            else:
                after = middle
        return float(after)

    def _offset(self, moment: float) -> timedelta | None:
        return self._local(moment).utcoffset()

    def _local(self, moment: float) -> datetime:
        return datetime.fromtimestamp(moment, self.zone)

    def _at(self, day: date, clock: time, *, fold: int = 0) -> float:
        return datetime.combine(day, clock.replace(fold=fold), self.zone).timestamp()
