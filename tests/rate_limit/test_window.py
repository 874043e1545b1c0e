"""What counts where there is no grid: the requests of the last window's length."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trudy.rate_limit.window import SendLog, doublings

SPAN = 60.0


@given(
    steps=st.lists(st.tuples(st.sampled_from(["send", "send", "bulk", "discard"]), st.integers(0, 30)), max_size=60),
    counted_from=st.one_of(st.none(), st.integers(0, 200)),
)
def test_the_log_agrees_with_counting_one_by_one(steps: list[tuple[str, int]], counted_from: int | None) -> None:
    log, now = SendLog(), 1000.0
    expected: list[tuple[float, bool]] = []
    for what, seconds in steps:
        now += seconds
        if what == "discard" and expected:
            sent_at, bulk = expected.pop()
            log.discard(sent_at, bulk=bulk)
        elif what != "discard":
            log.add(now, bulk=what == "bulk", span=SPAN)
            expected.append((now, what == "bulk"))
    if counted_from is not None:
        log.counted_from = 1000.0 + counted_from
    counts = [(at, bulk) for at, bulk in expected if at > now - SPAN and at >= log.counted_from]
    assert log.since(now - SPAN) == len(counts)
    assert log.since(now - SPAN, bulk=True) == sum(bulk for _, bulk in counts)
    for number, (at, _) in enumerate(counts, start=1):
        assert log.frees(number, now, SPAN, 5) == at + SPAN
    first = counts[0][0] if counts else now
    assert log.frees(len(counts) + 1, now, SPAN, 5) == first + SPAN * (1 + len(counts) // 5)


def test_what_goes_by_time_alone_doubles_with_each_span() -> None:
    assert [doublings(10.0, now, 3.0) for now in (10.0, 12.9, 13.0, 16.0, 19.5)] == [1, 1, 2, 4, 8]
    assert doublings(0.0, 1e9, 3.0) == 1 << 30
    assert doublings(10.0, 9.0, 3.0) == 1
