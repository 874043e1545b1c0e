from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.answers import answer, request_for
from trudy import (
    APIError,
    PaymentRequiredError,
    ProviderError,
    RateLimitError,
    ServerError,
    TrudyError,
    ValidationError,
)
from trudy.pipeline.decode import to_error
from trudy.request import Response, RetryClass

NOON = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
PHONE = "+14155550123"
FASTAPI = {
    "detail": [
        {
            "type": "string_pattern_mismatch",
            "loc": ["body", "phone_number"],
            "msg": "String should match pattern",
            "input": PHONE,
            "ctx": {"given": "secret-value"},
        },
        {
            "type": "missing",
            "loc": ["body", "contacts", 3, "name"],
            "msg": "Field required",
            "input": {"a": "secret-value"},
        },
    ]
}


@pytest.mark.parametrize(
    ("body", "code", "message", "server_id"),
    [
        (
            {"error": {"code": "conflict", "message": "no", "details": {"a": 1}}, "meta": {"request_id": "r"}},
            "conflict",
            "no",
            "r",
        ),
        ({"error": {"code": "conflict", "message": "no", "request_id": "r", "ts": None}}, "conflict", "no", "r"),
        ({"detail": {"error": {"code": "conflict", "message": "no", "request_id": "r"}}}, "conflict", "no", "r"),
        ({"detail": {"code": "conflict", "message": "no"}}, "conflict", "no", "from-header"),
        ({"detail": "Not Found"}, None, "Not Found", "from-header"),
        ({"error": "went wrong"}, None, "went wrong", "from-header"),
        ({"message": "went wrong"}, None, "went wrong", "from-header"),
        (b"", None, "Conflict, with an empty body", "from-header"),
        (b"<html>busy</html>", None, "Conflict, with a body that is no JSON", "from-header"),
        ([1, 2], None, "Conflict, with a body without a message", "from-header"),
        ({}, None, "Conflict, with a body without a message", "from-header"),
        ({"error": None, "meta": None}, None, "Conflict, with a body without a message", "from-header"),
    ],
)
def test_each_form_of_an_error_body(body: object, code: str | None, message: str, server_id: str) -> None:
    facts = answer(409, body, x_request_id="from-header").facts
    assert (facts.code, facts.message, facts.request_id) == (code, message, server_id)


def test_request_validation_names_the_fields_and_never_what_was_sent() -> None:
    error = to_error(request_for(), answer(422, FASTAPI))
    assert isinstance(error, ValidationError)
    assert [fault.field for fault in error.field_errors] == ["body.phone_number", "body.contacts.3.name"]
    assert error.field_errors[0].message == "String should match pattern"
    shown = f"{error} {error!r} {error.details} {error.message} {vars(error)}"
    assert PHONE not in shown
    assert "secret-value" not in shown


def test_a_business_rule_names_its_field() -> None:
    body = {"error": {"code": "validation_error", "message": "no", "details": {"field": "name", "reason": "too long"}}}
    error = to_error(request_for(), answer(422, body))
    assert isinstance(error, ValidationError)
    assert [(fault.field, fault.message) for fault in error.field_errors] == [("name", "too long")]


def test_numbers_in_a_message_are_masked_and_links_are_kept() -> None:
    url = "https://app.test/pay/14155550123"
    body = {"error": {"code": "payment_required", "message": f"cannot call {PHONE}", "details": {"redirect_url": url}}}
    error = to_error(request_for(), answer(402, body))
    assert isinstance(error, PaymentRequiredError)
    assert PHONE not in str(error)
    assert "+1415***0123" in str(error)
    assert error.details.get("redirect_url") == error.redirect_url == url


def test_numbers_are_masked_wherever_details_hold_them() -> None:
    details = {PHONE: {PHONE: [PHONE]}, "url": f"/calls?phone_number={quote(PHONE)}&token=s3cr3t"}
    error = to_error(request_for(), answer(422, {"error": {"code": "x", "message": "m", "details": details}}))
    masked = "+1415***0123"
    assert error.details == {masked: {masked: [masked]}, "url": "/calls?***"}


@pytest.mark.parametrize(
    ("details", "balance", "required"),
    [
        ({"balance": 1.5, "required": "2"}, 1.5, 2.0),
        ({"available": 3}, 3.0, None),
        ({"balance": 0, "available": 3}, 0.0, None),
        ({"balance": None, "required": "much"}, None, None),
        ({}, None, None),
    ],
)
def test_facts_of_a_402(details: dict[str, object], balance: float | None, required: float | None) -> None:
    error = to_error(request_for(), answer(402, {"error": {"code": "x", "message": "y", "details": details}}))
    assert isinstance(error, PaymentRequiredError)
    assert (error.balance, error.required, error.reason) == (balance, required, None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-15T12:00:00Z", NOON),
        ("2027-01-15T12:00:00+00:00", NOON),
        ("2027-01-15T12:00:00", NOON),
        ("2027-01-15T13:00:00.000+01:00", NOON),
        ("at noon", None),
    ],
)
def test_the_rate_limit_and_when_it_ends(text: str, moment: datetime | None) -> None:
    body = {"error": {"code": "rate_limit_exceeded", "message": "m", "details": {"limit": "100", "reset_at": text}}}
    error = to_error(request_for(), answer(429, body))
    assert isinstance(error, RateLimitError)
    assert error.limit == 100
    assert error.reset_at == moment


@pytest.mark.parametrize(
    ("status", "code", "cls"),
    [
        (502, "provider_error", ProviderError),
        (502, "bad_gateway", ServerError),
        (500, "provider_error", ServerError),
        (404, "internal_error", "NotFoundError"),
        (418, "teapot", APIError),
        (302, "", APIError),
        (507, "", ServerError),
    ],
)
def test_the_class_follows_the_status(status: int, code: str, cls: type[APIError] | str) -> None:
    error = to_error(request_for(), answer(status, {"error": {"code": code, "message": "m"}}))
    assert type(error).__name__ == (cls if isinstance(cls, str) else cls.__name__)
    assert error.status_code == status


@pytest.mark.parametrize(
    ("retry", "status", "details", "retryable"),
    [
        (RetryClass.REPEAT, 503, {}, True),
        (RetryClass.REPEAT, 502, {"httpStatus": 400}, False),
        (RetryClass.KEYED, 500, {}, True),
        (RetryClass.ONCE, 500, {}, False),
        (RetryClass.RECONCILE, 500, {}, False),
        (RetryClass.ONCE, 429, {}, True),
        (RetryClass.REPEAT, 422, {}, False),
    ],
)
def test_whether_the_same_operation_may_succeed_later(
    retry: RetryClass, status: int, details: dict[str, object], *, retryable: bool
) -> None:
    body = {"error": {"code": "provider_error" if status == 502 else "x", "message": "m", "details": details}}
    assert to_error(request_for("POST", retry), answer(status, body)).retryable is retryable


def test_only_harmless_headers_are_kept() -> None:
    error = to_error(request_for(), answer(500, None, set_cookie="a=b", x_request_id="r", date="today"))
    assert error.response is not None
    assert dict(error.response.headers) == {"x-request-id": "r", "date": "today"}


def test_an_envelope_and_a_flat_body() -> None:
    whole = answer(200, {"data": [1], "meta": {"count": 1}, "pagination": {"total": 1}}).facts
    assert (whole.data, whole.meta, whole.pagination) == ([1], {"count": 1}, {"total": 1})
    assert answer(200, {"joinUrl": "x"}).facts.data == {"joinUrl": "x"}
    assert answer(204).facts.data is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["error", "detail", "code", "message", "details", "meta", "request_id", "ts", "loc", "msg", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_values, st.integers(300, 599))
def test_any_json_makes_one_error(body: object, status: int) -> None:
    error = to_error(request_for(), Response(status=status, headers={}, body=json.dumps(body).encode()))
    assert isinstance(error, APIError)
    assert str(error)
    assert error.code
    assert error.details.get("anything") is None or error.details
    if isinstance(error, ValidationError):
        assert list(error.field_errors) is not None


@given(st.binary(max_size=200))
def test_any_bytes_make_one_error(body: bytes) -> None:
    response = Response(status=500, headers={}, body=body)
    assert isinstance(to_error(request_for(), response), TrudyError)
    assert response.facts.request_id is None or isinstance(response.facts.request_id, str)


@given(st.text(max_size=40))
def test_any_retry_after_is_seconds_or_nothing(text: str) -> None:
    wait = answer(503, None, retry_after=text).facts.retry_after(NOON.timestamp())
    assert wait is None or 0 <= wait < float("inf")


def test_a_body_nested_too_deep_is_no_json() -> None:
    assert answer(500, b"[" * 100_000).json() is None
