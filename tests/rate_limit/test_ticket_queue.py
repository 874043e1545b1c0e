"""A line ordered by place."""

from __future__ import annotations

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from trudy.rate_limit.ticket_queue import Line


@frozen(eq=False)
class Someone:
    place: int


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30))))
def test_it_agrees_with_a_sorted_list(steps: list[tuple[bool, int]]) -> None:
    line: Line[Someone] = Line()
    people = {place: Someone(place) for place in range(31)}
    expected: set[int] = set()
    for comes, place in steps:
        if comes:
            line.add(people[place])
            expected.add(place)
        else:
            line.discard(people[place])
            expected.discard(place)
        order = sorted(expected)
        assert len(line) == len(order)
        assert line.first() is (people[order[0]] if order else None)
        assert [someone.place for someone in line.head(5)] == order[:5]
        assert [line.ahead_of(people[place]) for place in order] == list(range(len(order)))
