from __future__ import annotations

from datetime import UTC, datetime

import anyio
import pytest
from attrs import evolve

from tests.fakes.answers import AN_ID, Ending, Script, answer, failure, request_for, success
from tests.fakes.clock import NOON, FakeClock, settle
from tests.fakes.jumping import JumpingClock
from trudy import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    CallOutcomeUnknownError,
    RateLimitError,
    ResponseDecodeError,
)
from trudy.hooks import Event, RetryScheduled
from trudy.pipeline.retry import RECONCILE, STOP, Decision, RetryStep, SendAgain, decide
from trudy.request import Request, Response, RetryClass

NOT_SENT = APIConnectionError("no route", request_sent=False)
DROPPED = APIConnectionError("reset")
SLOW = APITimeoutError("no answer")
GARBAGE = answer(200, b"<html>")
PROVIDER_REFUSED = failure(502, "provider_error", {"httpStatus": 422})

REPEAT, KEYED, PLACE, ONCE = RetryClass.REPEAT, RetryClass.KEYED, RetryClass.RECONCILE, RetryClass.ONCE
AGAIN = "again"


def decision_for(request: Request, ending: Ending, *, failures: int = 1, renewed: bool = False) -> Decision:
    assert isinstance(ending, Response | APIConnectionError)
    return decide(request, ending, failures=failures, doubts=1, chance=0.5, renewed=renewed, limited=True, now=NOON)


@pytest.mark.parametrize(
    ("method", "retry", "ending", "expected"),
    [
        ("GET", REPEAT, success(), STOP),
        ("GET", REPEAT, answer(200, []), STOP),
        ("GET", REPEAT, NOT_SENT, AGAIN),
        ("GET", REPEAT, DROPPED, AGAIN),
        ("GET", REPEAT, SLOW, AGAIN),
        ("GET", REPEAT, GARBAGE, AGAIN),
        ("GET", REPEAT, answer(200), AGAIN),
        ("GET", REPEAT, answer(302), STOP),
        ("GET", REPEAT, failure(500, "internal_error"), AGAIN),
        ("GET", REPEAT, answer(504, b"<html>"), AGAIN),
        ("GET", REPEAT, failure(502, "provider_error"), AGAIN),
        ("GET", REPEAT, PROVIDER_REFUSED, STOP),
        ("GET", REPEAT, failure(404, "not_found"), STOP),
        ("PUT", REPEAT, SLOW, AGAIN),
        ("DELETE", REPEAT, answer(200), STOP),
        ("DELETE", REPEAT, answer(204), STOP),
        ("POST", KEYED, NOT_SENT, AGAIN),
        ("POST", KEYED, SLOW, AGAIN),
        ("POST", KEYED, failure(500, "internal_error"), AGAIN),
        ("POST", KEYED, answer(201, {"data": {"name": "without an id"}}), STOP),
        ("POST", KEYED, answer(201, {"data": {"id": ""}}), STOP),
        ("POST", KEYED, answer(201, {"data": {"toolId": "t1"}}), STOP),
        ("POST", KEYED, answer(201, {"toolId": "t1"}), STOP),
        ("POST", KEYED, answer(201, {"name": "without an id"}), AGAIN),
        ("POST", KEYED, answer(201, {"data": None}), AGAIN),
        ("POST", KEYED, answer(201, {"data": [{"id": "t1"}]}), AGAIN),
        ("POST", KEYED, answer(201, {"data": {"id": "t1"}, "error": None}), STOP),
        ("POST", KEYED, answer(201, {"data": None, "error": {"code": "x"}}), AGAIN),
        ("POST", KEYED, success(), STOP),
        ("POST", KEYED, failure(422, "validation_error"), STOP),
        ("POST", PLACE, NOT_SENT, AGAIN),
        ("POST", PLACE, SLOW, RECONCILE),
        ("POST", PLACE, DROPPED, RECONCILE),
        ("POST", PLACE, GARBAGE, RECONCILE),
        ("POST", PLACE, answer(200), RECONCILE),
        ("POST", PLACE, answer(200, {"data": {}}), RECONCILE),
        ("POST", PLACE, answer(201, {"data": {"id": ""}}), RECONCILE),
        ("POST", PLACE, answer(201, {"data": {"id": "  "}}), RECONCILE),
        ("POST", PLACE, answer(201, {"data": {"id": True}}), RECONCILE),
        ("POST", PLACE, answer(201, {"data": {"id": 7}}), STOP),
        ("POST", PLACE, failure(500, "internal_error"), RECONCILE),
        ("POST", PLACE, answer(503, b"busy"), RECONCILE),
        ("POST", PLACE, PROVIDER_REFUSED, STOP),
        ("POST", PLACE, failure(402, "payment_required"), STOP),
        ("POST", ONCE, NOT_SENT, AGAIN),
        ("POST", ONCE, SLOW, STOP),
        ("POST", ONCE, failure(500, "internal_error"), STOP),
        ("POST", ONCE, GARBAGE, STOP),
    ],
)
def test_what_follows_each_ending(method: str, retry: RetryClass, ending: Ending, expected: object) -> None:
    decision = decision_for(request_for(method, retry), ending)
    if expected is AGAIN:
        assert isinstance(decision, SendAgain)
        assert decision.is_fault
    else:
        assert decision is expected


@pytest.mark.parametrize("retry", RetryClass)
def test_a_refusal_for_the_rate_limit_is_repeated_by_every_class_and_is_no_fault(retry: RetryClass) -> None:
    decision = decision_for(request_for("POST", retry), failure(429, "rate_limit_exceeded"), failures=99)
    assert decision == SendAgain(0.0, "rate limit", is_fault=False)


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (60, 8.0)]
)
def test_backoff_doubles_to_eight_seconds_with_full_jitter(failures: int, longest: float) -> None:
    request = request_for(max_retries=100)
    waits = [
        decide(request, SLOW, failures=failures, doubts=1, chance=chance, renewed=False, limited=True, now=NOON)
        for chance in (0.0, 0.5, 0.999)
    ]
    assert waits == [SendAgain(longest * chance, "timeout") for chance in (0.0, 0.5, 0.999)]


def test_faults_are_repeated_twice_by_default() -> None:
    request = request_for()
    assert isinstance(decision_for(request, SLOW, failures=2), SendAgain)
    assert decision_for(request, SLOW, failures=3) is STOP


@pytest.mark.parametrize(
    ("ending", "wait"),
    [
        (answer(503, b"", retry_after="7"), 7.0),
        (answer(503, b"", retry_after="Fri, 15 Jan 2027 08:00:09 GMT"), 9.0),
        (failure(502, "provider_error", {"retry_after": 4}), 4.0),
        (answer(503, b"", retry_after="soon"), 0.25),
        (answer(503, b"", retry_after="0"), 0.25),
    ],
)
def test_what_a_proxy_asks_to_wait_is_waited(ending: Response, wait: float) -> None:
    assert datetime.fromtimestamp(NOON, UTC) == datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
    decision = decision_for(request_for(), ending)
    assert isinstance(decision, SendAgain)
    assert decision.after == wait


def test_a_wait_that_is_too_long_is_not_waited() -> None:
    assert decision_for(request_for(), answer(503, b"", retry_after="86400")) is STOP


def test_a_stale_token_is_asked_for_again_once() -> None:
    refused = failure(401, "unauthorized")
    assert decision_for(request_for(), refused, renewed=True) == SendAgain(0.0, "stale token", is_fault=False)
    assert decision_for(request_for(), refused) is STOP


def test_without_a_limiter_the_retry_step_waits_for_the_window() -> None:
    refused = failure(429, "rate_limit_exceeded", {"reset_at": "2027-01-15T08:00:20Z"})
    decision = decide(request_for(), refused, failures=1, doubts=0, chance=0.5, renewed=False, limited=False, now=NOON)
    assert decision == SendAgain(20.0, "rate limit", is_fault=False)


pytestmark = pytest.mark.anyio


async def test_the_same_request_goes_out_again() -> None:
    script = Script(SLOW, answer(503), success())
    request = request_for("POST", KEYED)
    clock = JumpingClock()
    response = await RetryStep(clock, limited=True, chance=lambda: 0.5)(request, script)
    assert response.status == 200
    assert [sent.headers for sent in script.requests] == [request.headers] * 3
    assert [sent.body for sent in script.requests] == [request.body] * 3
    assert clock.slept == [0.25, 0.5]


async def test_the_last_error_is_raised() -> None:
    with pytest.raises(APITimeoutError):
        await RetryStep(JumpingClock(), limited=True)(request_for(), Script(SLOW))
    response = await RetryStep(JumpingClock(), limited=True)(request_for(), Script(SLOW, answer(503)))
    assert response.status == 503


async def test_waits_for_the_rate_window_use_up_no_retry() -> None:
    refused = failure(429, "rate_limit_exceeded")
    script = Script(refused, SLOW, refused, SLOW, refused, success())
    assert (await RetryStep(JumpingClock(), limited=True)(request_for(), script)).status == 200
    assert len(script.requests) == 6


async def test_without_a_limiter_the_waits_for_the_window_are_bounded_in_sum() -> None:
    refused = failure(429, "rate_limit_exceeded", {"reset_at": "2027-01-15T08:00:50Z"})
    clock = JumpingClock()
    script = Script(refused)
    response = await RetryStep(clock, limited=False)(request_for(max_rate_limit_wait=120.0), script)
    assert response.status == 429
    assert clock.slept == [50.0, 50.0]


@pytest.mark.parametrize("ending", [SLOW, DROPPED, GARBAGE, failure(500, "internal_error")])
async def test_a_post_to_calls_is_never_sent_twice_where_it_may_have_happened(ending: Ending) -> None:
    script = Script(ending, success())
    with pytest.raises(CallOutcomeUnknownError) as caught:
        await RetryStep(JumpingClock(), limited=True)(request_for("POST", PLACE), script)
    assert len(script.requests) == 1
    assert caught.value.__cause__ is not None


async def test_a_delete_that_finds_nothing_after_an_unknown_end_has_succeeded() -> None:
    gone = failure(404, "not_found")
    response = await RetryStep(JumpingClock(), limited=True)(request_for("DELETE"), Script(SLOW, gone))
    assert response.status == 204
    first = await RetryStep(JumpingClock(), limited=True)(request_for("DELETE"), Script(gone))
    assert first.status == 404
    unsent = await RetryStep(JumpingClock(), limited=True)(request_for("DELETE"), Script(NOT_SENT, gone))
    assert unsent.status == 404


@pytest.mark.parametrize(
    ("retry", "ending", "retryable"),
    [
        (REPEAT, DROPPED, True),
        (REPEAT, SLOW, True),
        (KEYED, DROPPED, True),
        (KEYED, SLOW, True),
        (ONCE, DROPPED, False),
        (ONCE, SLOW, False),
        (ONCE, NOT_SENT, True),
        (PLACE, NOT_SENT, True),
        (KEYED, NOT_SENT, True),
    ],
)
async def test_without_an_answer_an_error_is_retryable_only_where_the_request_may_be_repeated(
    retry: RetryClass, ending: APIConnectionError, *, retryable: bool
) -> None:
    with pytest.raises(APIConnectionError) as caught:
        await RetryStep(JumpingClock(), limited=True)(request_for("POST", retry), Script(ending))
    assert caught.value.retryable is retryable


async def test_what_caused_an_unknown_outcome_is_not_called_retryable() -> None:
    with pytest.raises(CallOutcomeUnknownError) as caught:
        await RetryStep(JumpingClock(), limited=True)(request_for("POST", PLACE), Script(SLOW))
    assert isinstance(caught.value.__cause__, APITimeoutError)
    assert not caught.value.__cause__.retryable


async def test_a_wait_that_would_outlast_the_deadline_is_not_begun() -> None:
    clock = JumpingClock()
    request = request_for(deadline=clock.monotonic() + 0.2)

    def pass_time(_: Request) -> None:
        clock.advance(0.1)

    script = Script(SLOW, before=pass_time)
    with pytest.raises(APITimeoutError):
        await RetryStep(FrozenAlarms(clock), limited=True, chance=lambda: 0.9)(request, script)
    assert len(script.requests) == 1
    assert clock.slept == []


class FrozenAlarms(JumpingClock):
    """Time passes only where a test says so: the deadline's own alarm must not jump to its end."""

    def __init__(self, clock: JumpingClock) -> None:
        super().__init__()
        self._clock = clock

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep_forever()


async def test_the_deadline_ends_an_attempt_under_way() -> None:
    clock = FakeClock()
    request = request_for(deadline=clock.monotonic() + 3)

    async def hang(request: Request) -> Response:
        request.progress.attempts += 1
        await anyio.sleep_forever()
        raise AssertionError

    errors: list[Exception] = []

    async def call() -> None:
        try:
            await RetryStep(clock, limited=True)(request, hang)
        except APITimeoutError as error:
            errors.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await clock.run(2.9)
        assert not errors
        await clock.run(0.2)
        await settle()
    assert isinstance(errors[0], APITimeoutError)
    assert errors[0].request_sent


async def test_with_on_unknown_retry_a_call_is_sent_again_and_its_error_is_never_retryable() -> None:
    request = request_for("POST", PLACE, on_unknown="retry")
    script = Script(SLOW, success())
    assert (await RetryStep(JumpingClock(), limited=True)(request, script)).status == 200
    for endings in ([SLOW], [SLOW, failure(500, "internal_error")], [SLOW, failure(402, "payment_required")]):
        with pytest.raises(CallOutcomeUnknownError) as caught:
            await RetryStep(JumpingClock(), limited=True)(
                request_for("POST", PLACE, on_unknown="retry"), Script(*endings)
            )
        assert not caught.value.retryable
        assert caught.value.__cause__ is SLOW or isinstance(caught.value.__cause__, APIError)


async def test_a_call_that_may_ring_is_not_forgotten_when_the_rate_limiter_refuses_the_second_attempt() -> None:
    request = request_for("POST", PLACE, on_unknown="retry")
    with pytest.raises(CallOutcomeUnknownError):
        await RetryStep(JumpingClock(), limited=True)(request, Script(SLOW, RateLimitError("too late")))


@pytest.mark.parametrize("garbage", [answer(200), GARBAGE, answer(204), answer(200, {}), answer(201, {"error": "x"})])
async def test_a_2xx_that_cannot_be_read_is_no_refusal(garbage: Response) -> None:
    step = RetryStep(JumpingClock(), limited=True)
    with pytest.raises(ResponseDecodeError, match=f"HTTP {garbage.status} from things.do") as caught:
        await step(request_for("POST", KEYED), Script(garbage))
    assert caught.value.details["may_have_happened"] is True
    with pytest.raises(CallOutcomeUnknownError, match="response_decode_error") as unknown:
        await step(request_for("POST", PLACE), Script(garbage))
    assert isinstance(unknown.value.__cause__, ResponseDecodeError)


async def test_a_create_that_may_have_happened_says_so() -> None:
    with pytest.raises(APIError) as caught:
        await RetryStep(JumpingClock(), limited=True)(
            request_for("POST", KEYED), Script(SLOW, failure(402, "payment_required"))
        )
    assert caught.value.details["may_have_happened"] is True
    with pytest.raises(RateLimitError) as late:
        await RetryStep(JumpingClock(), limited=True)(
            request_for("POST", KEYED), Script(SLOW, RateLimitError("too late"))
        )
    assert late.value.details["may_have_happened"] is True


async def test_each_retry_is_an_event() -> None:
    events: list[Event] = []

    async def emit(event: Event) -> None:
        events.append(event)

    await RetryStep(JumpingClock(), limited=True, chance=lambda: 0.5)(request_for(emit=emit), Script(SLOW, success()))
    assert events == [
        RetryScheduled(operation="things.do", method="GET", path="/things", attempt=1, seconds=0.25, reason="timeout")
    ]


async def test_the_call_that_was_found_is_the_answer() -> None:
    class Found:
        def accepts(self, response: Response) -> bool:
            return True

        async def __call__(self, request: Request, failure: Response | APIConnectionError) -> Response:
            assert failure is SLOW
            return success()

    request = evolve(request_for("POST", PLACE, on_unknown="reconcile"), reconcile=Found())
    response = await RetryStep(JumpingClock(), limited=True)(request, Script(SLOW))
    assert isinstance(response.json(), dict)
    assert AN_ID in response.body.decode()
