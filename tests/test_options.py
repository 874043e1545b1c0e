from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from trudy import NOT_GIVEN, InvalidArgumentError, RateLimit, Timeout
from trudy._settings import Settings


def test_the_default_timeout() -> None:
    assert Timeout() == Timeout(connect=5, read=60, write=30, pool=60)
    assert Timeout.of(3) == Timeout(connect=3, read=3, write=3, pool=3)
    assert Timeout.of(Timeout(read=9)) == Timeout(read=9)


@pytest.mark.parametrize("bad", [0, -1, float("inf"), float("nan"), True, "5"])
def test_a_bad_timeout_names_the_argument(bad: float) -> None:
    with pytest.raises(InvalidArgumentError, match=r"timeout\.read") as caught:
        Timeout(read=bad)
    assert caught.value.argument == "timeout"


@pytest.mark.parametrize("bad", [{"limit": 0}, {"limit": 1.5}, {"window": 0}, {"bulk_share": 0}, {"bulk_share": 1.1}])
def test_a_bad_rate_limit_names_the_argument(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match=f"rate_limit.{next(iter(bad))}"):
        RateLimit(**bad)  # type: ignore[arg-type]


def test_a_number_is_a_limit_a_minute() -> None:
    assert RateLimit.of(60) == RateLimit(60, window=60.0)
    assert RateLimit.of(None) is None
    assert RateLimit.of(False) is False


def test_not_given_is_one_falsy_object_for_ever() -> None:
    assert not NOT_GIVEN
    assert repr(NOT_GIVEN) == "NOT_GIVEN"
    assert copy.deepcopy(NOT_GIVEN) is NOT_GIVEN
    assert pickle.loads(pickle.dumps(NOT_GIVEN)) is NOT_GIVEN  # noqa: S301


def test_options_are_laid_over_each_other() -> None:
    base = Settings().merged({"extra_headers": {"X-A": "1"}, "max_retries": 5})
    merged = base.merged({"extra_headers": {"X-B": "2"}, "timeout": 3})
    assert merged.extra_headers == {"X-A": "1", "X-B": "2"}
    assert (merged.max_retries, merged.timeout) == (5, Timeout.of(3))
    assert base.merged({}) is base


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": 1.5}, "max_retries"),
        ({"deadline": 0}, "deadline"),
        ({"max_rate_limit_wait": -1}, "max_rate_limit_wait"),
        ({"lane": "fast"}, "lane"),
        ({"extra_headers": {"X-A": "a\r\nb"}}, "extra_headers"),
        ({"extra_headers": {"X A": "a"}}, "extra_headers"),
        ({"extra_headers": {"Authorization": "Bearer x"}}, "extra_headers"),
        ({"extra_headers": {"X-Idempotency-Key": "x"}}, "extra_headers"),
        ({"extra_headers": {"X-A": 1}}, "extra_headers"),
        ({"extra_headers": {b"X-A": "a"}}, "extra_headers"),
        ({"extra_headers": {None: "a"}}, "extra_headers"),
        ({"extra_headers": {"Transfer-Encoding": "chunked"}}, "extra_headers"),
        ({"extra_query": "a=b"}, "extra_query"),
        ({"timeout": -3}, "timeout"),
    ],
)
def test_a_bad_option_is_named(options: dict[str, object], argument: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Settings().merged(options)  # type: ignore[arg-type]
    assert caught.value.argument == argument
    assert argument in str(caught.value)


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="max_retry"):
        Settings().merged({"max_retry": 3})  # type: ignore[typeddict-unknown-key]


@pytest.mark.parametrize(
    "options", [{"timeout": 10**400}, {"deadline": 10**400}, {"max_rate_limit_wait": 10**400}], ids=str
)
def test_an_absurd_number_is_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Settings().merged(options)  # type: ignore[arg-type]
    assert caught.value.argument == next(iter(options))
