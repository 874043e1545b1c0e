"""Which events wake those who wait for a call or batch."""

from __future__ import annotations

from typing import Any

import pytest

from trudy.event_source import Subject
from trudy.testing import make_event
from trudy.webhooks.parse import parse_event
from trudy.webhooks.subscriptions import Subscriptions


class Waiter:
    """Waits under some ids, and counts how often it is woken."""

    def __init__(self, subscriptions: Subscriptions, *ids: str, kind: Subject = "call") -> None:
        self.woken = 0
        self.leave = [subscriptions.subscribe(kind, one, self.wake) for one in ids]

    def wake(self) -> None:
        self.woken += 1


@pytest.mark.parametrize("name", ["call.ended", "call.completed", "call.failed", "call.billed"])
def test_the_end_of_a_call_wakes_those_who_wait_for_it(name: str) -> None:
    subscriptions = Subscriptions()
    one, other = Waiter(subscriptions, "c1", "uv_call_1"), Waiter(subscriptions, "c2", "uv_call_2")
    subscriptions.notify(make_event(name, call_id="uv_call_1"))
    subscriptions.notify(make_event(name, call_id="c1"))
    assert (one.woken, other.woken) == (2, 0)
    assert subscriptions.has_matched


@pytest.mark.parametrize("name", ["call.ended", "call.completed", "call.failed"])
def test_the_end_of_an_unknown_call_wakes_all_who_wait_for_a_call_once(name: str) -> None:
    subscriptions = Subscriptions()
    one, other = Waiter(subscriptions, "c1", "uv_call_1", "sip_1"), Waiter(subscriptions, "c2")
    batch = Waiter(subscriptions, "b1", kind="batch")
    subscriptions.notify(make_event(name, ids="provider"))
    assert (one.woken, other.woken, batch.woken) == (1, 1, 0)
    assert not subscriptions.has_matched


def test_the_end_of_a_batch_that_fits_nobody_wakes_each_who_waits_for_one() -> None:
    subscriptions = Subscriptions()
    one, other = Waiter(subscriptions, "b1", kind="batch"), Waiter(subscriptions, "b2", kind="batch")
    call = Waiter(subscriptions, "c1")
    subscriptions.notify(make_event("batch.completed", batch_id="uv_batch_1"))
    assert (one.woken, other.woken, call.woken) == (1, 1, 0)
    subscriptions.notify(make_event("batch.status.changed", batch_id="uv_batch_1"))
    subscriptions.notify(make_event("batch.completed", batch_id="b2"))
    assert (one.woken, other.woken, call.woken) == (1, 2, 0)


@pytest.mark.parametrize(
    "data",
    [
        {"call": {"callId": "uv_1"}, "call_id": "c1"},
        {"call": {"callId": "c1", "ultravoxCallId": "uv_1"}},
        {"call_id": "uv_1", "data": {"call_id": "c1"}},
        {"call_id": "x", "provider_call_id": "c1"},
        {"call_id": "x", "metadata": {"ultravox_call_id": "c1"}},
        {"provider": {"name": "ultravox", "callId": "c1"}},
    ],
)
def test_an_event_fits_by_any_id_that_it_names_its_call_by(data: dict[str, Any]) -> None:
    subscriptions = Subscriptions()
    one, other = Waiter(subscriptions, "c1"), Waiter(subscriptions, "c2")
    subscriptions.notify(parse_event({"event": "call.ended", "data": data}))
    assert (one.woken, other.woken) == (1, 0)
    assert subscriptions.has_matched


@pytest.mark.parametrize("name", ["call.started", "call.joined", "call.billed", "call.analyzed", "batch.completed"])
def test_of_other_events_only_those_that_fit_count(name: str) -> None:
    subscriptions = Subscriptions()
    waiter = Waiter(subscriptions, "c1")
    subscriptions.notify(make_event(name))
    assert waiter.woken == 0


def test_the_beginning_of_a_call_wakes_nobody_but_shows_whose_ids_are_sent() -> None:
    subscriptions = Subscriptions()
    waiter = Waiter(subscriptions, "c1")
    subscriptions.notify(make_event("call.started", call_id="c1"))
    assert waiter.woken == 0
    assert subscriptions.has_matched


def test_a_removed_subscription_is_not_woken() -> None:
    subscriptions = Subscriptions()
    waiter = Waiter(subscriptions, "c1", "uv_call_1")
    for leave in waiter.leave:
        leave()
        leave()
    subscriptions.notify(make_event("call.ended"))
    subscriptions.notify(make_event("call.ended", call_id="c1"))
    assert waiter.woken == 0
    assert not subscriptions._wakes
