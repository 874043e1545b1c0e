"""Numbers that no machine holds, for every setting that is a number: an error that names it, before a request."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import trudy
from trudy.dialer.policy import Attempts, Breaker, Policy, RetryAfter
from trudy.sandbox import Sandbox

ABSURD = [10**5000, -(10**5000), 10**400, math.inf, -math.inf, math.nan, True, "5"]
ids = ["10**5000", "-10**5000", "10**400", "inf", "-inf", "nan", "True", "text"]
absurd = pytest.mark.parametrize("value", ABSURD, ids=ids)


def refused(set_to: Callable[[], object], argument: str) -> None:
    with pytest.raises(trudy.InvalidArgumentError) as caught:
        set_to()
    error = caught.value
    assert error.argument == argument
    assert argument.split(".")[-1] in str(error)
    assert len(str(error)) < 300


@absurd
@pytest.mark.parametrize(
    "argument", ["timeout", "max_retries", "deadline", "max_rate_limit_wait", "rate_limit", "max_response_bytes"]
)
def test_of_the_client(argument: str, value: Any) -> None:
    refused(lambda: trudy.TrudyClient(api_key="truedy_key", **{argument: value}), argument)


@absurd
@pytest.mark.parametrize("argument", ["timeout", "max_retries", "deadline", "max_rate_limit_wait"])
def test_of_with_options_and_of_one_operation(argument: str, value: Any) -> None:
    with Sandbox().client() as client:
        refused(lambda: client.with_options(**{argument: value}), argument)
        refused(lambda: client.calls.list(**{argument: value}), argument)


@absurd
@pytest.mark.parametrize("argument", ["limit", "window", "bulk_share"])
def test_of_a_rate_limit(argument: str, value: Any) -> None:
    with pytest.raises(trudy.InvalidArgumentError, match=rf"rate_limit\.{argument}") as caught:
        trudy.RateLimit(**{argument: value})
    assert caught.value.argument == "rate_limit"


@absurd
@pytest.mark.parametrize("argument", ["connect", "read", "write", "pool"])
def test_of_a_timeout(argument: str, value: Any) -> None:
    with pytest.raises(trudy.InvalidArgumentError, match=rf"timeout\.{argument}"):
        trudy.Timeout(**{argument: value})


@absurd
def test_of_waits_lists_and_downloads(value: Any) -> None:
    with Sandbox().client() as client:
        refused(lambda: client.pace(value), "rate_limit")
        for argument in ("max_wait", "poll_interval"):
            refused(lambda name=argument: client.calls.wait("call", **{name: value}), argument)
        refused(lambda: client.calls.wait_for_transcript("call", max_wait=value), "max_wait")
        refused(lambda: client.calls.wait_for_recording("call", max_wait=value), "max_wait")
        refused(lambda: client.calls.download_recording("call", to="x", max_bytes=value), "max_bytes")
        for argument in ("limit", "offset", "page_size"):
            refused(lambda name=argument: client.calls.list(**{name: value}), argument)
        refused(
            lambda: client.calls.create(agent_id="a", phone_number="+14155550100", reconcile_timeout=value),
            "reconcile_timeout",
        )


@absurd
@pytest.mark.parametrize(
    ("make", "argument", "named"),
    [
        (Policy, "max_live", "max_live"),
        (Policy, "gap", "gap"),
        (Policy, "max_calls", "max_calls"),
        (Policy, "price", "price"),
        (Policy, "unresolved_after", "unresolved_after"),
        (Attempts, "a_day", "attempts.a_day"),
        (Attempts, "in_30_days", "attempts.in_30_days"),
        (RetryAfter, "seconds", "retry.seconds"),
        (RetryAfter, "most", "retry.most"),
        (Breaker, "failed_share", "breaker.failed_share"),
        (Breaker, "of_last", "breaker.of_last"),
        (Breaker, "shorter_than", "breaker.shorter_than"),
    ],
)
def test_of_a_dialer(make: Callable[..., object], argument: str, named: str, value: Any) -> None:
    refused(lambda: make(**{argument: value}), named)


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": 1e308},
        {"timeout": 10**30},
        {"deadline": 1e308},
        {"max_rate_limit_wait": 1e308},
        {"max_retries": 2**63 - 1},
        {"max_response_bytes": 2**63 - 1},
        {"rate_limit": 10**30},
        {"rate_limit": trudy.RateLimit(10**30, window=31 * 86_400)},
        {"rate_limit": trudy.RateLimit(1, window=0.001)},
    ],
    ids=str,
)
def test_the_largest_that_are_taken_work(settings: dict[str, Any]) -> None:
    with Sandbox().client(**settings) as client:
        assert len(client.calls.list(limit=1).data) == 0
        assert client.rate_limit.used >= 0
        client.with_options(lane="bulk").calls.list(limit=1)


@pytest.mark.parametrize("window", [5e-324, 1e-300, 1e308, 10**12])
def test_a_window_that_no_clock_could_follow_is_refused(window: float) -> None:
    with pytest.raises(trudy.InvalidArgumentError, match=r"rate_limit\.window"):
        trudy.RateLimit(1, window=window)
