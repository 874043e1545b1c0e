"""Forged deliveries: mutations of real ones, and what hypothesis thinks of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import NOON
from tests.webhooks.forging import forgeries
from tests.webhooks.samples import NESTED, SECRET, pack, signed
from trudy.webhooks import WebhookVerificationError, unwrap

BODY = pack(NESTED)
SORTED = json.dumps(NESTED, sort_keys=True).encode()


def test_mutations_of_real_deliveries() -> None:
    accepted = 0
    for body, headers in forgeries(seed=7, count=200_000):
        try:
            unwrap(body, headers, secret=SECRET, now=NOON)
        except WebhookVerificationError:
            continue
        accepted += 1
    assert accepted == 0


def test_the_originals_are_accepted() -> None:
    for over in (BODY, SORTED):
        assert unwrap(BODY, signed(BODY, over=over), secret=SECRET, now=NOON)


@given(body=st.binary(max_size=200), timestamp=st.text(max_size=40), mark=st.text(max_size=80))
def test_arbitrary_deliveries(body: bytes, timestamp: str, mark: str) -> None:
    for stamp in (timestamp, str(int(NOON))):
        with pytest.raises(WebhookVerificationError):
            unwrap(body, {"x-truedy-timestamp": stamp, "x-truedy-signature": mark}, secret=SECRET, now=NOON)


@given(
    changed=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    place=st.sampled_from(["event", "timestamp", "data", "id"]),
    over=st.sampled_from([BODY, SORTED]),
)
def test_other_values_under_a_real_signature(changed: Any, place: str, over: bytes) -> None:
    forged = {**NESTED, place: changed}
    if json.dumps(forged, sort_keys=True) == json.dumps(NESTED, sort_keys=True):
        return
    with pytest.raises(WebhookVerificationError):
        unwrap(pack_anything(forged), signed(BODY, over=over), secret=SECRET, now=NOON)


@given(data=st.data())
def test_other_serialisations_of_a_sorted_body_give_the_same_event(data: st.DataObject) -> None:
    """Any re-serialisation is accepted, and gives the same event."""
    keys = data.draw(st.permutations(list(NESTED)))
    body = json.dumps(
        {key: NESTED[key] for key in keys},
        indent=data.draw(st.sampled_from([None, 0, 2, "\t"])),
        ensure_ascii=data.draw(st.booleans()),
    ).encode()
    event = unwrap(body, signed(BODY, over=SORTED), secret=SECRET, now=NOON)
    assert event.raw == NESTED
    assert event.signature_form == "sorted"


def pack_anything(value: object) -> bytes:
    return json.dumps(value).encode()
