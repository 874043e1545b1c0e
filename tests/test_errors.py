from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import pytest

import trudy
from trudy.errors import ErrorResponse

MOMENT = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
API_ERRORS = [
    trudy.APIError,
    trudy.BadRequestError,
    trudy.AuthenticationError,
    trudy.PaymentRequiredError,
    trudy.PermissionDeniedError,
    trudy.NotFoundError,
    trudy.ConflictError,
    trudy.ValidationError,
    trudy.RateLimitError,
    trudy.ServerError,
    trudy.ProviderError,
]


def every_error() -> list[trudy.TrudyError]:
    api = [
        cls(
            "went wrong",
            code="a_code",
            details={"a": [1]},
            request_id="r",
            attempts=2,
            idempotency_key="k",
            method="GET",
            path="/agents",
            server_time=MOMENT,
            response=ErrorResponse(status_code=500, headers={"date": "today"}),
        )
        for cls in API_ERRORS
    ]
    return [
        *api,
        trudy.TrudyError("m"),
        trudy.ConfigurationError("m"),
        trudy.InvalidArgumentError("m", argument="name"),
        trudy.APIConnectionError("m", request_sent=False),
        trudy.APITimeoutError("m"),
        trudy.CallOutcomeUnknownError("m", candidates=["c"], idempotency_key="k"),
        trudy.WaitTimeoutError("m", last={"id": 1}),
        trudy.ResponseDecodeError("m", request_id="r"),
    ]


def pickled(error: trudy.TrudyError) -> object:
    return pickle.loads(pickle.dumps(error))  # noqa: S301


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("twin", [pickled, copy.copy, copy.deepcopy])
def test_each_error_pickles_and_copies(error: trudy.TrudyError, twin: object) -> None:
    other = twin(error)  # type: ignore[operator]
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert other.args == error.args
    assert {**vars(other), "details": dict(other.details)} == {**vars(error), "details": dict(error.details)}
    with pytest.raises(TypeError):
        other.details["a"] = 1


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
def test_each_error_has_what_was_promised(error: trudy.TrudyError) -> None:
    assert isinstance(error, trudy.TrudyError)
    assert error.code
    assert error.message
    assert error.details.get("missing") is None
    assert isinstance(error.retryable, bool)
    assert isinstance(error.attempts, int)


def test_the_text_tells_status_code_message_request_id_and_request() -> None:
    error = trudy.NotFoundError("Call not found", request_id="r-9", method="GET", path="/calls/7")
    assert str(error) == "404 not_found: Call not found (GET /calls/7, request id r-9)"
    assert str(trudy.APITimeoutError("no answer", method="GET", path="/calls")) == "timeout: no answer (GET /calls)"
    assert repr(trudy.TrudyError("m")) == "TrudyError('error: m')"


def test_a_connection_error_says_first_where_to_and_how_often() -> None:
    error = trudy.APIConnectionError(
        "could not connect: Connection refused", address="192.168.100.200:8443", attempts=3, method="GET", path="/calls"
    )
    assert str(error) == (
        "connection_error at 192.168.100.200:8443 after 3 attempts: could not connect: Connection refused (GET /calls)"
    )
    once = trudy.APITimeoutError("no answer within 60 s", address="[::1]:8443", attempts=1)
    assert str(once) == "timeout at [::1]:8443 after 1 attempt: no answer within 60 s"


def test_a_number_in_a_message_is_masked() -> None:
    error = trudy.APIError("cannot call +14155550123", path="/x/+14155550123", method="GET")
    assert "+14155550123" not in f"{error} {error!r} {error.message} {error.args}"


def test_no_text_from_outside_begins_a_line_of_its_own() -> None:
    error = trudy.APIError("no\nERROR forged", code="a\rb", request_id="\x1b[2J\u2028", path="/x/\ud800", method="GET")
    assert str(error) == r"0 a\rb: no\nERROR forged (GET /x/\ud800, request id \x1b[2J\u2028)"
    assert error.message == "no\nERROR forged"


def test_bad_arguments_are_value_errors() -> None:
    assert issubclass(trudy.InvalidArgumentError, ValueError)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    from trudy import errors

    drawn = {
        word for line in (errors.__doc__ or "").splitlines() for word in line.split()[:3] if word.endswith("Error")
    }
    real = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert real - {"FieldError"} <= drawn
