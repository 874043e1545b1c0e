"""What is read from an answer: the limit, the reset, the server's clock."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.pipeline.refusal import Refusal, Stamp, refusal_facts, server_stamp, window_wait
from trudy.request import Response

NOON = 1_800_000_000.0
NOW = "2027-01-15T08:00:00.250000Z"
RESET = "2027-01-15T08:01:00Z"
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"


def answer(body: object, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=429, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=content)


def error(details: object, **more: object) -> dict[str, object]:
    return {"code": "rate_limit_exceeded", "message": "slow down", "details": details, **more}


DETAILS = {"limit": 100, "reset_at": RESET}
FACTS = Refusal(limit=100, reset_at=NOON + 60, server_now=NOON + 0.25)


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        ({"error": error(DETAILS), "meta": {"request_id": "r", "ts": NOW}}, FACTS),
        ({"error": error(DETAILS, ts=NOW)}, FACTS),
        ({"detail": {"error": error(DETAILS, ts=NOW)}}, FACTS),
        ({"error": error(DETAILS), "meta": {"timestamp": NOW}}, FACTS),
        ({"error": error({"limit": "100", "reset_at": "2027-01-15T08:01:00+00:00"}, ts=NOW)}, FACTS),
        ({"error": error({"limit": 100, "reset_at": "2027-01-15T08:01:00"}, ts=NOW)}, FACTS),
        (
            {"error": error({"reset_at": "2027-01-15T08:01:00.123456+00:00"}), "meta": {"ts": None}},
            Refusal(reset_at=NOON + 60.123456),
        ),
        ({"error": error({"limit": 0, "reset_at": "soon"})}, Refusal()),
        ({"error": error({"limit": True, "reset_at": 60})}, Refusal()),
        ({"error": error({"limit": -3})}, Refusal()),
        ({"error": error({"limit": 10.5})}, Refusal()),
        ({"error": error([])}, Refusal()),
        ({"error": "slow down"}, Refusal()),
        ({"detail": "Not Found"}, Refusal()),
        ({"detail": [{"loc": ["body"], "msg": "no"}]}, Refusal()),
        ([1, 2], Refusal()),
        (b"", Refusal()),
        (b"<html>busy</html>", Refusal()),
    ],
)
def test_every_form_of_a_refusal(body: object, facts: Refusal) -> None:
    assert refusal_facts(answer(body)) == facts


@pytest.mark.parametrize(
    ("header", "seconds"), [("17", 17.0), ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0), ("soon", None), ("-4", None)]
)
def test_retry_after_counts_where_the_body_names_no_reset(header: str, seconds: float | None) -> None:
    assert refusal_facts(answer(b"", retry_after=header, date=DATE)).retry_after == seconds
    assert refusal_facts(answer({"error": error(DETAILS)}, retry_after=header, date=DATE)).retry_after is None


@pytest.mark.parametrize(
    ("ts", "date", "stamp"),
    [
        (NOW, None, Stamp(NOON + 0.25, 0.001)),
        (NOW, DATE, Stamp(NOON + 0.25, 0.001)),
        ("2027-01-15T08:00:00Z", None, Stamp(NOON, 1.0)),
        (None, DATE, Stamp(NOON, 1.0)),
        (None, "yesterday", None),
        (None, None, None),
        ("2027-01-14T08:00:00.5Z", DATE, Stamp(NOON, 1.0)),
        ("2027-01-15T08:00:01.900000Z", DATE, Stamp(NOON + 1.9, 0.001)),
    ],
    ids=["ts", "both", "whole second", "date", "bad date", "neither", "a replay's old ts", "a cached date"],
)
def test_the_server_clock_is_meta_ts_else_date_and_date_where_they_contradict(
    ts: str | None, date: str | None, stamp: Stamp | None
) -> None:
    headers = {} if date is None else {"date": date}
    assert server_stamp(answer({"data": {}, "meta": {"ts": ts}}, **headers)) == stamp


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        ({"error": error(DETAILS), "meta": {"ts": NOW}}, {}, 59.75),
        ({"error": error(DETAILS)}, {"date": DATE}, 60.0),
        ({"error": error(DETAILS)}, {}, 50.0),
        ({"error": error({})}, {"retry_after": "9"}, 9.0),
        ({"error": error({"reset_at": "2027-01-15T07:59:00Z"}), "meta": {"ts": NOW}}, {}, None),
        ({"error": error({"reset_at": "2047-01-15T07:59:00Z"}), "meta": {"ts": NOW}}, {}, None),
        (b"", {}, None),
    ],
)
def test_the_wait_without_a_gate(body: object, headers: dict[str, str], wait: float | None) -> None:
    assert window_wait(answer(body, **headers), NOON + 10) == wait


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "detail", "details", "meta", "ts", "limit", "reset_at"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    ),
    st.text(max_size=20),
)
def test_no_body_and_no_header_is_too_odd(body: object, header: str) -> None:
    response = answer(body, retry_after=header, date=header)
    facts = refusal_facts(response)
    assert facts.limit is None or facts.limit > 0
    server_stamp(response)
    window_wait(response, NOON)
