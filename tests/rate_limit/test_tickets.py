"""A queue ordered by place."""

from __future__ import annotations

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from trudy.rate_limit.in_process import TicketQueue


@frozen(eq=False)
class Someone:
    place: int


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30))))
def test_the_queue_agrees_with_a_sorted_list(steps: list[tuple[bool, int]]) -> None:
    queue: TicketQueue[Someone] = TicketQueue()
    people = {place: Someone(place) for place in range(31)}
    expected: set[int] = set()
    for comes, place in steps:
        if comes:
            queue.add(people[place])
            expected.add(place)
        else:
            queue.discard(people[place])
            expected.discard(place)
        order = sorted(expected)
        assert len(queue) == len(order)
        assert queue.first() is (people[order[0]] if order else None)
        assert [someone.place for someone in queue.head(5)] == order[:5]
        assert [queue.ahead_of(people[place]) for place in order] == list(range(len(order)))
