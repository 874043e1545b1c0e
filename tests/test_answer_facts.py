"""What is read from an answer: the forms of an error, the limit, the reset, the server's clock."""

from __future__ import annotations

import json

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from trudy._answer_facts import AnswerFacts, Stamp
from trudy.errors import RateLimitError
from trudy.pipeline.retry import window_wait
from trudy.request import Response

NOON = 1_800_000_000.0
NOW = "2027-01-15T08:00:00.250000Z"
RESET = "2027-01-15T08:01:00Z"
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"


def answer(body: object, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=429, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=content)


@frozen(kw_only=True)
class Refusal:
    limit: int | None = None
    reset_at: float | None = None
    server_now: float | None = None

    @classmethod
    def of(cls, facts: AnswerFacts) -> Refusal:
        return cls(
            limit=facts.limit,
            reset_at=None if facts.reset_at is None else facts.reset_at.timestamp(),
            server_now=None if facts.server_time is None else facts.server_time.timestamp(),
        )


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
        ({"error": error({"limit": 100, "reset_at": NOON + 60}, ts=NOW)}, FACTS),
        ({"error": error({"limit": 100, "reset_at": int(NOON + 60) * 1000}, ts=NOW)}, FACTS),
        ({"error": error({"limit": 100, "reset_at": str(int(NOON + 60))}, ts=NOW)}, FACTS),
        ({"error": error({"limit": 100, "reset_at": str(int(NOON + 60) * 1000)}, ts=NOW)}, FACTS),
        ({"error": error({"limit": 100, "reset_at": RESET.lower()}, ts=(NOON + 0.25) * 1000)}, FACTS),
        ({"error": error({"limit": 0, "reset_at": "soon"})}, Refusal()),
        ({"error": error({"reset_at": "60"}, ts="5")}, Refusal()),
        ({"error": error({"reset_at": 1e300}, ts=-NOON)}, Refusal()),
        ({"error": error({"reset_at": [NOON]}, ts={"at": NOON})}, Refusal()),
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
    assert Refusal.of(answer(body).facts) == facts


@pytest.mark.parametrize("reset_at", [int(NOON + 60), int(NOON + 60) * 1000, str(int(NOON + 60)), RESET])
def test_the_error_keeps_the_reset_though_unix_time_looks_like_a_phone_number(reset_at: object) -> None:
    details = answer({"error": error({"reset_at": reset_at, "to": 14155550100})}).facts.masked_details
    moment = RateLimitError("slow down", details=details).reset_at
    assert moment is not None
    assert moment.timestamp() == NOON + 60
    assert "4155550" not in str(details)


@pytest.mark.parametrize(
    ("header", "seconds"), [("17", 17.0), ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0), ("soon", None), ("-4", None)]
)
def test_retry_after_is_seconds_or_a_date_of_the_servers_clock(header: str, seconds: float | None) -> None:
    assert answer(b"", retry_after=header, date=DATE).facts.retry_after(NOON + 10) == seconds


def test_a_date_in_retry_after_counts_from_our_clock_where_the_server_shows_none() -> None:
    assert answer(b"", retry_after="Fri, 15 Jan 2027 08:00:30 GMT").facts.retry_after(NOON + 10) == 20.0


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
    assert answer({"data": {}, "meta": {"ts": ts}}, **headers).facts.stamp == stamp


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
    assert window_wait(answer(body, **headers).facts, NOON + 10) == wait


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
    facts = answer(body, retry_after=header, date=header).facts
    assert facts.limit is None or facts.limit > 0
    assert facts.stamp is None or facts.stamp.granularity > 0
    wait = window_wait(facts, NOON)
    assert wait is None or wait > 0


def test_what_is_too_long_or_too_deep_is_cut_and_nothing_recurses() -> None:
    details = {"deep": "DEEP", "long": "x" * 10_000, "n" * 10_000: 1, "many": list(range(10_000))}
    body = json.dumps({"error": {"code": "c" * 10_000, "message": "m" * 10_000, "details": details}})
    facts = answer(body.replace('"DEEP"', '{"a":' * 600 + "1" + "}" * 600).encode()).facts
    assert len(facts.code or "") == 100
    assert len(facts.message) == 500
    assert len(json.dumps(facts.masked_details)) < 5_000
    assert facts.details["long"] == "x" * 10_000


def test_a_server_that_nests_on_every_level_costs_no_more() -> None:
    wide: object = "x"
    for _ in range(4):
        wide = [wide] * 20
    facts = answer({"error": error({"wide": wide})}).facts
    assert len(json.dumps(facts.masked_details)) < 5_000


def test_a_fact_is_read_once() -> None:
    facts = answer({"error": error(DETAILS)}).facts
    assert facts.details is facts.details
    assert facts.masked_details is facts.masked_details


def test_the_repr_shows_nothing_of_the_body() -> None:
    response = answer({"error": error({"to": "+14155550123"})}, authorization="s3cret")
    assert response.facts.message
    assert "4155550123" not in f"{response!r} {response.facts!r}"
    assert "s3cret" not in f"{response!r} {response.facts!r}"
