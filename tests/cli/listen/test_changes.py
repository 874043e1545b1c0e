"""Two sweeps in, events out: each change gives its events once and in order, whatever lists do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.cli.listen.changes import KEPT_CALLS, SimulatedEvent, WatchState, sweep
from trudy.models import BatchCall, Call
from trudy.webhooks.parse import parse_event

START = 1_780_315_200.0
"""When the watch begins."""
ORDER = ["call.started", "call.joined", "call.ended", "call.failed", "call.billed"]


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def call(call_id: str = "c1", **members: Any) -> Call:
    return Call.from_dict({"id": call_id, "created_at": iso(START + 1), **members})


def batch(batch_id: str = "b1", **members: Any) -> BatchCall:
    return BatchCall.from_dict({"id": batch_id, "created_at": iso(START - 9), **members})


def names(events: Sequence[SimulatedEvent]) -> list[str]:
    return [event.name for event in events]


def watched(*sweeps: Sequence[Call | BatchCall], since: float = START) -> list[SimulatedEvent]:
    """The events of sweeps ten seconds apart, the first at the start."""
    state, told = WatchState(since=since), list[SimulatedEvent]()
    for number, rows in enumerate(sweeps):
        state, events = sweep(
            state,
            calls=[row for row in rows if isinstance(row, Call)],
            batches=[row for row in rows if isinstance(row, BatchCall)],
            now=START + 10 * number,
        )
        told += events
    return told


ANSWERED = [
    call(status="queued"),
    call(status="ringing"),
    call(status="in_progress", started_at=iso(START + 6)),
    call(status="completed", started_at=iso(START + 6), ended_at=iso(START + 30), duration_seconds=24),
    call(status="completed", started_at=iso(START + 6), ended_at=iso(START + 30), duration_seconds=24, cost_usd=0.1),
]
BUSY = [
    call(status="queued"),
    call(status="ringing"),
    call(status="failed", end_reason="busy", ended_at=iso(START + 9)),
]
BROKEN = [
    call(status="ringing"),
    call(status="in_progress", started_at=iso(START + 6)),
    call(status="failed", started_at=iso(START + 6), end_reason="system_error", ended_at=iso(START + 9)),
]
WHOLE = {
    "answered": (ANSWERED, ["call.started", "call.joined", "call.ended", "call.billed"]),
    "busy": (BUSY, ["call.started", "call.failed"]),
    "broken": (BROKEN, ["call.started", "call.joined", "call.failed"]),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_each_stage_gives_its_event(kind: str) -> None:
    rows, expected = WHOLE[kind]
    assert names(watched([], *([row] for row in rows))) == expected


@pytest.mark.parametrize("kind", WHOLE)
def test_stages_between_two_sweeps_are_told_too(kind: str) -> None:
    rows, expected = WHOLE[kind]
    assert names(watched([], [rows[-1]])) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"status": "queued"}, []),
        ({"status": "no_answer"}, ["call.started", "call.failed"]),
        ({"status": "failed", "end_reason": "not_placed"}, ["call.failed"]),
        ({"status": "cancelled"}, ["call.failed"]),
        ({"status": "cancelled", "started_at": iso(START + 2)}, ["call.started", "call.joined", "call.ended"]),
        ({"status": "voicemail"}, ["call.started", "call.joined", "call.ended"]),
        ({"status": "ended"}, ["call.started", "call.joined", "call.ended"]),
        ({"status": "completed", "end_reason": "unjoined"}, ["call.started", "call.failed"]),
        ({"status": "completed", "cost_credits": 1}, ["call.started", "call.joined", "call.ended", "call.billed"]),
        ({"status": "failed", "cost_credits": 0}, ["call.failed"]),
        ({"status": "on_hold", "started_at": iso(START + 2)}, ["call.started", "call.joined"]),
        ({"status": "in-progress", "direction": "webrtc"}, ["call.joined"]),
        ({"status": "in-progress", "direction": "inbound"}, ["call.started", "call.joined"]),
        ({"ended_at": iso(START + 9)}, ["call.started", "call.joined", "call.ended"]),
    ],
)
def test_what_a_row_shows(members: dict[str, Any], expected: list[str]) -> None:
    assert names(watched([], [call(**members)])) == expected


history = st.sampled_from(sorted(WHOLE)).flatmap(
    lambda kind: st.tuples(
        st.just(kind), st.lists(st.lists(st.sampled_from(WHOLE[kind][0]), max_size=4), min_size=1, max_size=8)
    )
)


@given(history)
def test_whatever_lists_show_each_event_comes_once_and_in_order(drawn: tuple[str, list[list[Call]]]) -> None:
    kind, sweeps = drawn
    rows, expected = WHOLE[kind]
    told = watched([], *sweeps, [rows[-1]])
    assert names(told) == expected
    assert [event.moment for event in told] == sorted(event.moment for event in told)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, len(ANSWERED) - 1)), max_size=6),
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_changes_nothing(sweeps: list[list[tuple[str, int]]], random: Any) -> None:
    def run(shuffled: bool) -> list[tuple[str, str, Any]]:
        state, told = WatchState(since=START, swept_at=START), list[tuple[str, str, Any]]()
        for number, chosen in enumerate(sweeps, start=1):
            rows = [Call.from_dict({**ANSWERED[stage].to_dict(), "id": name}) for name, stage in chosen]
            if shuffled:
                random.shuffle(rows)
            state, events = sweep(state, calls=rows, now=START + 10 * number)
            told += sorted((event.about, event.name, number) for event in events)
        return told

    assert run(True) == run(False)


@given(st.integers(-40, 40), st.booleans())
def test_what_happened_before_the_start_is_not_told(shift: int, is_seen_from_the_start: bool) -> None:
    row = call(
        status="completed",
        created_at=iso(START + shift),
        started_at=iso(START + shift + 5),
        ended_at=iso(START + shift + 30),
        cost_usd=0.1,
    )
    happened = [("call.started", 0), ("call.joined", 5), ("call.ended", 30), ("call.billed", 30)]
    expected = [name for name, after in happened if shift + after >= 0]
    assert names(watched([row] if is_seen_from_the_start else [], [row])) == expected


@pytest.mark.parametrize("created_at", [None, iso(START - 500)])
def test_an_old_row_without_times_is_not_told_at_the_start(created_at: str | None) -> None:
    old = call(status="completed", created_at=created_at, cost_usd=1)
    assert watched([old], [old]) == []


def test_a_call_that_was_under_way_at_the_start_is_followed_from_there() -> None:
    before = call(status="ringing", created_at=iso(START - 30))
    after = call(status="failed", end_reason="busy", created_at=iso(START - 30))
    assert names(watched([before], [after])) == ["call.failed"]


def test_an_old_call_that_comes_into_view_later_is_not_told() -> None:
    old = call(status="completed", created_at=iso(START - 500), ended_at=iso(START - 400))
    assert watched([], [old], [old]) == []


def test_a_cost_that_is_known_later_is_dated_then() -> None:
    told = watched([], [ANSWERED[3]], [ANSWERED[4]])
    assert [(event.name, event.moment - START) for event in told[-2:]] == [("call.ended", 30), ("call.billed", 30)]
    told = watched([], [ANSWERED[3]], *[[]] * 8, [ANSWERED[4]])
    assert told[-1].moment == START + 100


def test_events_name_a_call_by_one_id_even_where_rows_show_the_other_later() -> None:
    rows = [call(status="ringing"), call(status="in_progress", ultravox_call_id="uv_1")]
    assert [parse_event(event.body).call_id for event in watched([], [rows[0]], [rows[1]])] == ["c1", "c1"]
    assert [parse_event(event.body).call_id for event in watched([], [rows[1]])] == ["uv_1", "uv_1"]
    _, events = sweep(WatchState(since=START, swept_at=START), calls=[rows[1]], now=START + 5, ids="api")
    assert {event.body["data"]["call"]["callId"] for event in events} == {"c1"}


def test_calls_that_are_forgotten_are_not_told_again() -> None:
    def over(number: int) -> Call:
        return call(f"c{number}", status="completed", created_at=iso(START + number), ended_at=iso(START + number))

    rows = [over(number) for number in range(KEPT_CALLS + 50)]
    state, events = sweep(WatchState(since=START), calls=rows, now=START + 9000)
    assert len(events) == 3 * len(rows)
    assert len(state.calls) == KEPT_CALLS
    state, events = sweep(state, calls=rows, now=START + 9010)
    assert events == []
    assert len(state.calls) == KEPT_CALLS


# Batches


def at(status: str, moment: float | None, **members: Any) -> BatchCall:
    return batch(status=status, updated_at=None if moment is None else iso(START + moment), **members)


def changes(events: Sequence[SimulatedEvent]) -> list[tuple[str, str, str | None]]:
    data = [(event.name, event.body["data"]) for event in events]
    return [(name, members["status"], members.get("previous_status")) for name, members in data]


CHANGED = "batch.status.changed"


def test_each_change_of_a_batch_gives_an_event_and_its_end_another() -> None:
    statuses = ["draft", "active", "paused", "active", "completed"]
    told = watched(*([at(status, 10 * number)] for number, status in enumerate(statuses)))
    assert changes(told) == [
        (CHANGED, "active", "draft"),
        (CHANGED, "paused", "active"),
        (CHANGED, "active", "paused"),
        (CHANGED, "completed", "active"),
        ("batch.completed", "completed", "active"),
    ]
    assert [event.moment for event in told] == [START + 10, START + 20, START + 30, START + 40, START + 40]


def test_a_batch_keeps_the_servers_own_word_and_its_fold_is_no_change() -> None:
    told = watched([at("draft", 0)], [at("running", 5)], [at("active", 15)])
    assert changes(told) == [(CHANGED, "running", "draft")]


@pytest.mark.parametrize("status", ["draft", "active", "completed"])
def test_a_batch_of_before_the_start_is_not_told(status: str) -> None:
    assert watched([at(status, -1)], [at(status, -1)]) == []


def test_batches_are_new_to_a_watch_that_has_read_only_calls() -> None:
    state, _ = sweep(WatchState(since=START), calls=[], now=START)
    undated = BatchCall.from_dict({"id": "b1", "status": "active"})
    state, events = sweep(state, batches=[undated], now=START + 1)
    assert events == []
    other = BatchCall.from_dict({"id": "b2", "status": "active"})
    assert names(sweep(state, batches=[undated, other], now=START + 2)[1]) == [CHANGED]


def test_a_sweep_reaches_to_where_its_reading_began() -> None:
    state, _ = sweep(WatchState(since=START), calls=[], now=START + 90, began=START + 30)
    assert state.swept_at == START + 30
    state, _ = sweep(state, batches=[], now=START + 120)
    assert state.swept_at == START + 30


def test_a_batch_made_after_the_start_is_told() -> None:
    made = iso(START + 5)
    assert changes(watched([], [at("active", 6, created_at=made)])) == [(CHANGED, "active", None)]
    assert changes(watched([], [at("draft", 6, created_at=made)])) == []


TRUE_CHANGES = ["draft", "scheduled", "active", "paused", "active", "paused", "active", "completed"]


@given(
    st.lists(st.lists(st.integers(0, len(TRUE_CHANGES) - 1), max_size=4), max_size=10),
    st.lists(st.integers(0, 3), min_size=len(TRUE_CHANGES), max_size=len(TRUE_CHANGES)),
)
def test_rows_that_lag_give_no_change(sweeps: list[list[int]], gaps: list[int]) -> None:
    rows, moment = [], 1
    for status, gap in zip(TRUE_CHANGES, gaps, strict=True):
        moment += 1 + gap
        rows.append(at(status, moment))
    told = watched([rows[0]], *([rows[index] for index in chosen] for chosen in sweeps), [rows[-1]])
    seen = [event.moment for event in told if event.name == CHANGED]
    assert seen == sorted(set(seen))
    assert names(told).count("batch.completed") == 1
    told_statuses = [event.body["data"]["status"] for event in told if event.name == CHANGED]
    remaining = iter(TRUE_CHANGES)
    assert all(status in remaining for status in told_statuses)


def test_rows_of_one_second_that_lag_give_no_change() -> None:
    assert names(watched([at("draft", 0)], [at("active", 5)], [at("draft", 5)], [at("active", 5)])) == [CHANGED]


def test_without_a_time_of_change_the_end_is_final() -> None:
    rows = [at(status, None) for status in ("active", "paused", "completed", *["active"] * 9, "completed")]
    assert names(watched(*([row] for row in rows))) == [CHANGED, CHANGED, "batch.completed"]


@pytest.mark.parametrize("moment", [5, None])
def test_a_status_that_comes_back_without_a_newer_time_counts_once_it_stays(moment: float | None) -> None:
    rows = [at("active", moment), at("paused", moment), *[at("active", moment)] * 8]
    assert [status for _, status, _ in changes(watched(*([row] for row in rows)))] == ["paused", "active"]


def test_a_row_without_a_status_changes_nothing() -> None:
    assert names(watched([at("active", 0)], [batch()], [at("paused", 9)])) == [CHANGED]


def test_bodies_are_events_as_the_server_sends_them() -> None:
    row = call(
        status="completed",
        agent_id="a1",
        started_at=iso(START + 6),
        ended_at=iso(START + 30.25),
        duration_seconds=24,
        cost_usd=0.05,
        end_reason="hangup",
        summary="Sam will come.",
        sentiment="positive",
        metadata={"campaign_id": "b1"},
    )
    started, joined, ended, billed = watched([], [row])
    assert ended.body == {
        "event": "call.ended",
        "timestamp": "2026-06-01T12:00:30.250Z",
        "data": {
            "event": "call.ended",
            "call": {
                "callId": "c1",
                "agent": {"agentId": "a1"},
                "batchId": "b1",
                "ended": "2026-06-01T12:00:30.250Z",
                "endReason": "hangup",
                "created": "2026-06-01T12:00:01.000Z",
                "joined": "2026-06-01T12:00:06.000Z",
                "billedDuration": "24s",
                "billingStatus": "BILLING_STATUS_PENDING",
                "costUsd": 0.05,
                "sentiment": "positive",
                "summary": "Sam will come.",
            },
        },
    }
    assert started.body["data"]["call"] == {"callId": "c1", "agent": {"agentId": "a1"}, "batchId": "b1"}
    assert joined.body["data"]["call"] == {"callId": "c1", "batchId": "b1"}
    assert billed.body["data"]["call"]["billingStatus"] == "BILLING_STATUS_BILLED"
    assert [parse_event(event.body).dedupe_key for event in (ended, billed)] == ["call.ended:c1", "call.billed:c1"]
