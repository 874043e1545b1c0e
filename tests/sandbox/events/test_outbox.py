from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from trudy.clock import SystemClock
from trudy.sandbox.events.of_things import SandboxEvent
from trudy.sandbox.events.outbox import DeliveryAttempt, Outbox, Receiver

ENDED = SandboxEvent(name="call.ended", key="e", moment=100.0, ids={}, number="+14155550100", over_at=100.0)
STARTED = evolve(ENDED, name="call.started", key="s", moment=90.0)


def receiver(**options: Any) -> Receiver:
    defaults: dict[str, Any] = {
        "order": 0,
        "target": "http://127.0.0.1/",
        "label": "x",
        "secret": "s",
        "events": None,
        "delay": 0.0,
        "duplicates": 0.0,
        "reorder": 0.0,
        "reorder_by": 60.0,
        "loss": 0.0,
        "tries": 5,
        "backoff": 1.0,
        "clock": SystemClock(),
    }
    return Receiver(**defaults | options)


def drain(outbox: Outbox) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    while (attempt := outbox.take(float("inf"))) is not None:
        found.append((attempt.due, attempt.event.name))
    return found


def sent(*events: SandboxEvent, seed: int = 0, **options: Any) -> list[tuple[float, str]]:
    outbox = Outbox(seed)
    for event in events:
        outbox.post(event, [receiver(**options)])
    return drain(outbox)


def test_in_the_order_of_their_time_once_each() -> None:
    assert sent(ENDED, STARTED) == [(90.0, "call.started"), (100.0, "call.ended")]


def test_nothing_before_its_time() -> None:
    outbox = Outbox(0)
    outbox.post(ENDED, [receiver(delay=5)])
    assert outbox.take(104.9) is None
    assert outbox.take(105.0) is not None
    assert (outbox.take(1e9), len(outbox)) == (None, 0)


def test_only_the_events_wanted() -> None:
    assert sent(STARTED, ENDED, events=frozenset({"call.ended"})) == [(100.0, "call.ended")]


def test_sure_probabilities() -> None:
    assert sent(ENDED, loss=1.0) == []
    assert [due for due, _ in sent(ENDED, duplicates=1.0)] == [100.0, 102.0]


def many(count: int) -> list[SandboxEvent]:
    return [evolve(ENDED, key=str(index), moment=float(index)) for index in range(count)]


@pytest.mark.parametrize(("option", "expected"), [("loss", 700), ("duplicates", 1_300)])
def test_probabilities_hold_and_repeat(option: str, expected: int) -> None:
    first = sent(*many(1_000), **{option: 0.3})
    assert abs(len(first) - expected) < 60
    assert sent(*many(1_000), **{option: 0.3}) == first
    assert sent(*many(1_000), seed=1, **{option: 0.3}) != first


def test_reordering_delays_some_past_others() -> None:
    moments = [due for due, _ in sent(*many(1_000), reorder=0.5)]
    late = sum(due != int(due) for due in moments)
    assert abs(late - 500) < 60
    assert len(moments) == 1_000


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+14155550194", []),
        ("+442079460094", []),
        (
            "+14155550195",
            [(100.0, "call.ended"), (102.0, "call.ended"), (110.0, "call.started"), (112.0, "call.started")],
        ),
        ("+14155550196", [(690.0, "call.started"), (700.0, "call.ended")]),
    ],
)
def test_numbers_that_force_how_events_are_sent(number: str, expected: Any) -> None:
    assert sent(evolve(STARTED, number=number), evolve(ENDED, number=number)) == expected


def test_a_failed_attempt_is_repeated_with_backoff_up_to_the_limit() -> None:
    outbox = Outbox(0)
    outbox.post(ENDED, [receiver(tries=4, backoff=2)])
    tries: list[tuple[float, int]] = []
    while (attempt := outbox.take(float("inf"))) is not None:
        tries.append((attempt.due, attempt.number))
        outbox.failed(attempt)
    assert tries == [(100.0, 1), (102.0, 2), (106.0, 3), (114.0, 4)]


def test_attempts_of_a_removed_receiver_are_dropped() -> None:
    outbox, gone, stays = Outbox(0), receiver(), receiver(order=1)
    outbox.post(ENDED, [gone, stays])
    outbox.forget(lambda one: one is stays)
    attempt = outbox.take(float("inf"))
    assert isinstance(attempt, DeliveryAttempt)
    assert attempt.receiver is stays
    assert len(outbox) == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [("loss", 1.1), ("duplicates", -0.1), ("reorder", float("nan")), ("delay", -1), ("backoff", -1), ("tries", 0)],
)
def test_nonsense_is_refused(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=option):
        receiver(**{option: value})


def test_no_secret_in_a_repr() -> None:
    assert "hush" not in repr(receiver(secret="hush"))
