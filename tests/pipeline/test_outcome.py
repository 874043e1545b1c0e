"""The table of the guide, row for row, against the code that it describes."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

import trudy.pipeline
from tests.fakes.answers import Ending, answer, failure, request_for, success
from tests.fakes.clock import NOON
from trudy import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    ConfigurationError,
    InvalidArgumentError,
    RateLimitError,
    ResponseDecodeError,
    ServerError,
)
from trudy.pipeline.decode import to_error
from trudy.pipeline.outcome import AttemptOutcome, is_retryable, outcome_of, outcome_of_error
from trudy.pipeline.retry import Reconcile, SendAgain, Stop, decide
from trudy.request import Request, Response, RetryClass

ENDINGS: dict[str, list[Ending]] = {
    "2xx with JSON; to a create, an object in `data`": [success(), answer(201, {"data": {"id": 7}})],
    "proof that no byte of the request left": [
        APIConnectionError("refused", request_sent=False),
        APITimeoutError("no connection", request_sent=False),
    ],
    "429": [failure(429, "rate_limit_exceeded"), answer(429, b"<html>")],
    "a redirect that is not followed, any other 3xx": [
        answer(status, None, **headers)
        for status in range(300, 400)
        for headers in ({}, {"location": "https://elsewhere.test/"})
    ],
    "501, any other 4xx": [
        answer(status) for status in (501, *range(400, 500)) if status not in (401, 408, 425, 429, 460, 499)
    ],
    "502 `provider_error` with a 4xx of the provider": [
        *(failure(502, "provider_error", {"httpStatus": upstream}) for upstream in (400, 404, 422, "422", 429)),
        *(failure(502, "provider_error", {name: 422}) for name in ("http_status", "upstream_status", "providerStatus")),
        failure(502, "provider_error", {"status": "failed", "statusCode": "404"}),
    ],
    "408, 425, 460, 499 (a gateway lost the server behind it)": [answer(status) for status in (408, 425, 460, 499)],
    "any other 5xx": [
        *(answer(status) for status in range(500, 600) if status != 501),
        failure(502, "provider_error"),
        failure(502, "provider_error", {"httpStatus": 500}),
        failure(502, "provider_error", {"httpStatus": 408}),
        failure(502, "bad_gateway", {"httpStatus": 404}),
        failure(503, "provider_error", {"httpStatus": 404}),
    ],
    "no answer in time, a broken connection": [APITimeoutError("late"), APIConnectionError("reset")],
    "2xx that cannot be read": [answer(200, b"<html>"), answer(200), answer(201, {"error": {"code": "x"}})],
}
OUTCOMES = {
    AttemptOutcome.ANSWERED: "happened",
    AttemptOutcome.NOT_SENT: "did not happen",
    AttemptOutcome.REFUSED: "did not happen",
    AttemptOutcome.UNKNOWN: "may have happened",
}
REQUESTS = (
    request_for("GET"),
    request_for("POST", RetryClass.KEYED),
    request_for("POST", RetryClass.RECONCILE, on_unknown="reconcile"),
    request_for("POST", RetryClass.ONCE),
)


def guide() -> list[list[str]]:
    """The rows of the guide's table, without its head."""
    text = Path(trudy.pipeline.__file__).with_name("README.md").read_text(encoding="utf-8")
    table = text.partition("| how an attempt ended |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def word(request: Request, ending: Ending) -> str:
    """What follows, in the guide's words."""
    assert isinstance(ending, Response | APIConnectionError)
    decision = decide(request, ending, failures=1, doubts=1, chance=0.5, renewed=False, limited=True, now=NOON)
    match decision:
        case SendAgain(is_fault=False):
            return "wait for the window"
        case SendAgain():
            return "again, same key" if request.idempotency_key else "again"
        case Reconcile():
            is_refused = outcome_of(request.endpoint, ending) is AttemptOutcome.REFUSED
            return "**look once**, raise" if is_refused else "**look first**"
        case Stop():
            return "return" if outcome_of(request.endpoint, ending) is AttemptOutcome.ANSWERED else "raise"


def test_the_guide_has_these_rows() -> None:
    assert [row[0] for row in guide()] == list(ENDINGS)


@pytest.mark.parametrize("row", guide(), ids=lambda row: row[0])
def test_the_guide_says_what_the_code_does(row: list[str]) -> None:
    for ending in ENDINGS[row[0]]:
        assert {OUTCOMES[outcome_of(request.endpoint, ending)] for request in REQUESTS} == {row[1]}, ending
        assert [word(request, ending) for request in REQUESTS] == row[2:], ending


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_judged_as_the_first_column_says(method: str) -> None:
    for row in guide():
        for ending in ENDINGS[row[0]]:
            if not (isinstance(ending, Response) and ending.status == 200):
                assert word(request_for(method), ending) == row[2], ending


def test_an_error_says_the_same_as_the_answer_it_was_made_of() -> None:
    for endings in ENDINGS.values():
        for ending in endings:
            for request in REQUESTS:
                if isinstance(ending, Response) and not ending.is_success:
                    error = to_error(request, ending)
                    assert outcome_of_error(error) is outcome_of(request.endpoint, ending), ending
                    assert error.retryable is is_retryable(request.endpoint, ending), ending


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (APIConnectionError("reset"), AttemptOutcome.UNKNOWN),
        (APIConnectionError("refused", request_sent=False), AttemptOutcome.NOT_SENT),
        (RateLimitError("its turn would come too late"), AttemptOutcome.REFUSED),
        (ServerError("busy"), AttemptOutcome.UNKNOWN),
        (APIError("not here", status_code=501), AttemptOutcome.REFUSED),
        (APIError("gateway", status_code=408), AttemptOutcome.UNKNOWN),
        (RateLimitError("late", details={"may_have_happened": True}), AttemptOutcome.UNKNOWN),
        (ResponseDecodeError("no JSON"), AttemptOutcome.UNKNOWN),
        (InvalidArgumentError("bad"), AttemptOutcome.NOT_SENT),
        (ConfigurationError("bad"), AttemptOutcome.NOT_SENT),
        (ConfigurationError("sent on again", details={"may_have_happened": True}), AttemptOutcome.UNKNOWN),
        (LookupError("a stranger's"), AttemptOutcome.UNKNOWN),
        (KeyboardInterrupt(), AttemptOutcome.UNKNOWN),
    ],
)
def test_what_an_error_proves(error: BaseException, outcome: AttemptOutcome) -> None:
    assert outcome_of_error(error) is outcome


@pytest.mark.parametrize(
    ("body", "is_named"),
    [
        ({"data": {"id": "c1"}}, True),
        ({"data": {"call_id": "c1"}}, True),
        ({"data": {"callId": "c1"}}, True),
        ({"callId": "c1"}, True),
        ({"data": {"agent_id": "a1"}}, False),
        ({"data": {"id": ""}}, False),
        ({"data": {"id": True}}, False),
        ({"data": {}}, False),
    ],
)
def test_a_call_whose_answer_holds_no_id_is_looked_for_and_never_placed_again(body: object, *, is_named: bool) -> None:
    for on_unknown in ("reconcile", "retry", "raise"):
        request = request_for("POST", RetryClass.RECONCILE, on_unknown=on_unknown)
        request = evolve(request, endpoint=evolve(request.endpoint, creates="call"))
        decision = decide(
            request, answer(201, body), failures=1, doubts=0, chance=0.5, renewed=False, limited=True, now=NOON
        )
        assert decision == (Stop() if is_named else Reconcile())
