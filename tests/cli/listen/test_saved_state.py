"""The state of a watch survives as JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.cli.listen.changes import SeenBatch, SeenCall, WatchState
from trudy.cli.listen.saved_state import read_state, write_state
from trudy.models import BatchStatus

moments = st.floats(0, 4e9)
maybe = st.none() | moments
statuses = st.sampled_from([*BatchStatus]) | st.text(max_size=5).map(BatchStatus)
states = st.builds(
    WatchState,
    since=moments,
    swept_at=maybe,
    has_batches=st.booleans(),
    forgotten_until=maybe,
    calls=st.dictionaries(
        st.text(max_size=5),
        st.builds(SeenCall, stage=st.integers(0, 4), event_id=st.text(max_size=5), created_at=maybe, moment=moments),
        max_size=3,
    ),
    batches=st.dictionaries(
        st.text(max_size=5),
        st.builds(
            SeenBatch,
            status=statuses,
            changed_at=maybe,
            known=st.lists(statuses, max_size=2).map(tuple),
            moment=moments,
            seen_at=moments,
        ),
        max_size=3,
    ),
)


@given(states)
def test_what_is_written_is_read(state: WatchState) -> None:
    assert read_state(write_state(state)) == state


def test_a_call_before_its_first_event_is_read_too() -> None:
    seen = SeenCall(stage=0, event_id="c", created_at=None, moment=float("-inf"))
    state = WatchState(since=0.0, calls={"c": seen})
    assert read_state(write_state(state)) == state


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        "{}",
        '{"since": 1, "calls": {"a": 1}, "batches": {}}',
        '{"since": 1, "calls": {}, "batches": {"b": {}}}',
        '{"since": 1, "calls": {}, "batches": {}, "new": 2}',
    ],
)
def test_what_another_version_wrote_is_no_state(text: str) -> None:
    assert read_state(text) is None
