from __future__ import annotations

import copy
import json
from typing import Any, get_args

import pytest

from tests.webhooks.samples import BATCH, BATCH_ID, CALL_ID, FLAT, NESTED, NUMBER, VOICE_ID
from trudy.webhooks.events import EventName
from trudy.webhooks.parse import parse_event


def key(body: dict[str, Any], **changes: Any) -> str:
    body = copy.deepcopy(body)
    body["data"] = {**body["data"], **changes.pop("data", {})}
    return parse_event({**body, **changes}).dedupe_key


@pytest.mark.parametrize(
    ("data", "identity"),
    [
        ({"id": "d1", "eventId": "d2", "call": {"callId": "c1"}}, "d1"),
        ({"eventId": "d2", "call": {"callId": "c1"}}, "d2"),
        ({"call": {"callId": "c1"}, "call_id": "c2", "callId": "c3", "batch_id": "b1"}, "c1"),
        ({"call_id": "c2", "callId": "c3", "batch_id": "b1"}, "c2"),
        ({"callId": "c3", "batch_id": "b1"}, "c3"),
        ({"batch_id": "b1", "batchId": "b2", "voice_id": "v1"}, "b1"),
        ({"batchId": "b2", "voice_id": "v1"}, "b2"),
        ({"voice_id": "v1", "voiceId": "v2"}, "v1"),
        ({"voiceId": "v2"}, "v2"),
        ({"data": {"call_id": "c4"}, "batch_id": "b1"}, "c4"),
        ({"data": {"call": {"callId": "c5"}}, "batch_id": "b1"}, "c5"),
    ],
)
def test_documented_order(data: dict[str, Any], identity: str) -> None:
    assert parse_event({"event": "call.ended", "data": data}).dedupe_key == f"call.ended:{identity}"


@pytest.mark.parametrize("name", ["id", "event_id"])
def test_the_events_own_id_comes_first(name: str) -> None:
    assert key(NESTED, **{name: "evt_1"}) == "call.ended:evt_1"
    assert key(BATCH, **{name: "evt_1"}) == "batch.status.changed:evt_1"


def test_one_call_has_many_events() -> None:
    names = ("call.started", "call.joined", "call.ended", "call.billed")
    assert len({key(NESTED, event=name) for name in names}) == len(names)


def test_a_resend_is_the_same() -> None:
    assert key(NESTED) == key(NESTED, timestamp="2027-01-15T09:00:00Z") == f"call.ended:{CALL_ID}"
    assert key(BATCH) == key(BATCH)


def test_each_change_of_status_is_its_own() -> None:
    first, resent = key(BATCH), key(BATCH)
    paused = key(BATCH, data={"status": "paused"})
    again = key(BATCH, timestamp="2027-01-15T09:00:00Z")
    assert first == resent
    assert len({first, paused, again}) == 3
    assert all(BATCH_ID in one for one in (first, paused, again))
    assert key(BATCH, data={"id": BATCH_ID}) != key(BATCH, data={"id": BATCH_ID, "status": "paused"})


@pytest.mark.parametrize(
    "same", ["2027-01-15T08:00:00+00:00", "2027-01-15T09:00:00+01:00", "2027-01-15T08:00:00.000Z", 1_800_000_000]
)
def test_a_change_of_status_is_known_however_its_time_is_spelled(same: object) -> None:
    assert key(BATCH, timestamp=same) == key(BATCH)


def test_a_time_that_nobody_can_read_still_tells_changes_apart() -> None:
    assert (
        len({key(BATCH), key(BATCH, timestamp="soon"), key(BATCH, timestamp="later"), key(BATCH, timestamp=None)}) == 4
    )


def test_a_batch_ends_once() -> None:
    assert key(BATCH, event="batch.completed") == key(BATCH, event="batch.completed", timestamp=None)


def test_without_any_id() -> None:
    bare = {"event": "call.rang", "timestamp": "2027-01-15T08:00:00Z", "data": {"url": "u", "phone_number": NUMBER}}
    assert key(bare) == key(bare, data={"more": 1})
    others = [
        key(bare, timestamp="2027-01-15T08:00:01Z"),
        key(bare, data={"url": "v"}),
        key(bare, data={"phone_number": "+14155550124"}),
        key(bare, event="call.rung"),
    ]
    assert len({key(bare), *others}) == 5
    assert NUMBER.removeprefix("+1") not in key(bare)


def test_without_anything_the_data_tells_two_events_apart() -> None:
    bare = {"event": "account.warned", "timestamp": "2027-01-15T08:00:00Z", "data": {"reason": "a"}}
    assert key(bare) == key(bare)
    assert key(bare) != key(bare, data={"reason": "b"})


@pytest.mark.parametrize("inside", [{"call_id": "A"}, {"data": [{"call_id": "A"}]}, {"data": "A"}])
def test_what_stands_elsewhere_than_in_data_tells_two_events_apart_too(inside: dict[str, Any]) -> None:
    def key_of(inside: dict[str, Any], stamp: str) -> str:
        return parse_event({"event": "call.ended", "timestamp": stamp, **inside}).dedupe_key

    other = json.loads(json.dumps(inside).replace("A", "B"))
    stamps = "2027-01-15T08:00:00Z", "2027-01-15T08:00:00+00:00", "2027-01-15T08:00:01Z"
    first, resent, later = (key_of(inside, stamp) for stamp in stamps)
    assert first == resent
    assert len({first, later, key_of(other, stamps[0])}) == 3


@pytest.mark.parametrize("identity", [{"call": {"callId": CALL_ID}}, {"id": CALL_ID}, {"batch_id": BATCH_ID}])
def test_an_unknown_event_may_come_many_times_for_one_call(identity: dict[str, Any]) -> None:
    note = {"event": "call.note", "timestamp": "2027-01-15T08:00:00Z", "data": identity}
    others = [
        key(note),
        key(note, timestamp="2027-01-15T08:00:01Z"),
        key(note, data={"note": 1}),
        key(note, data={"note": 2}),
    ]
    assert len(set(others)) == 4
    assert key(note) == key(note, timestamp="2027-01-15T08:00:00+00:00")
    assert key(note, id="evt_1") == key(note, id="evt_1", data={"note": 1}) == "call.note:evt_1"


@pytest.mark.parametrize("name", sorted(set(get_args(EventName)) - {"batch.status.changed"}))
def test_a_documented_event_comes_once_for_one_object(name: str) -> None:
    assert key(NESTED, event=name) == key(NESTED, event=name, data={"more": 1}, timestamp=None) == f"{name}:{CALL_ID}"


@pytest.mark.parametrize("name", ["x" * 10_000, "call.\ud800", "call.\x00"])
def test_names_are_no_longer_and_no_odder_in_keys_than_ids(name: str) -> None:
    for body in ({"event": name}, {"event": name, "id": "evt_1"}, {"event": name, "data": {"call_id": "c"}}):
        found = parse_event(body).dedupe_key
        assert len(found) <= 200
        assert found.encode().isascii()
        assert found != parse_event({**body, "event": name + "x"}).dedupe_key


@pytest.mark.parametrize("odd", ["x" * 10_000, "\ud800", "a\x00b", "line\nbreak"])
def test_keys_are_short_and_can_be_stored(odd: str) -> None:
    found = key(FLAT, id=odd)
    assert len(found) <= 200
    assert found.encode().isascii()
    assert found != key(FLAT, id=odd + "x")


def test_voice() -> None:
    body = {"event": "voice.training.failed", "data": {"voice": {"voiceId": VOICE_ID}}}
    assert parse_event(body).dedupe_key == f"voice.training.failed:{VOICE_ID}"
