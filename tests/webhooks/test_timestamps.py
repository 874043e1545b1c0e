"""How old or how early a delivery may be, and what is no time."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.fakes.clock import NOON
from tests.webhooks.checking import BODY, check, refuse
from tests.webhooks.samples import OTHER, signed
from trudy.errors import InvalidArgumentError
from trudy.webhooks import (
    BadSignatureError,
    StaleTimestampError,
)


class TestTimestamp:
    @pytest.mark.parametrize("age", [300, 0, -60])
    def test_tolerated(self, age: float) -> None:
        assert check(headers=signed(BODY, at=NOON - age))

    @pytest.mark.parametrize("age", [300.5, 301, 1e9, -60.5, -61, -1e9])
    def test_not_tolerated(self, age: float) -> None:
        assert refuse(StaleTimestampError, headers=signed(BODY), now=NOON + age) == "stale_timestamp"

    def test_other_tolerances(self) -> None:
        assert check(now=NOON + 5, tolerance=5)
        refuse(StaleTimestampError, now=NOON + 6, tolerance=5)
        assert check(now=NOON - 500, future_tolerance=500)
        refuse(StaleTimestampError, now=NOON - 1, future_tolerance=0)
        assert check(now=NOON + 1e9, tolerance=math.inf)

    @pytest.mark.parametrize("bad", [-1, math.nan])
    def test_senseless_tolerances(self, bad: float) -> None:
        with pytest.raises(InvalidArgumentError):
            check(tolerance=bad)
        with pytest.raises(InvalidArgumentError):
            check(future_tolerance=bad)

    def test_a_clock_that_gives_nan_accepts_nothing(self) -> None:
        refuse(StaleTimestampError, now=math.nan)

    @pytest.mark.parametrize("text", ["2027-01-15T08:00:00Z", "2027-01-15T08:00:00+00:00", "2027-01-15T09:00:00+01:00"])
    def test_iso(self, text: str) -> None:
        assert datetime.fromtimestamp(NOON, UTC) == datetime.fromisoformat("2027-01-15T08:00:00Z")
        assert check(headers=signed(BODY, at=text))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "1800000000\n",
            " 1800000000",
            "1800000000 ",
            "+1800000000",
            "1800000000.0",
            "1_800_000_000",
            "\N{FULLWIDTH DIGIT ONE}800000000",
            "1.8e9",
            "0x6b49d200",
            "-1800000000",
            "NaN",
            "now",
            "9" * 5000,
            "1800000000, 1800000000",
            "\ud800",
        ],
    )
    def test_no_time(self, text: str) -> None:
        headers = {**signed(BODY), "X-Truedy-Timestamp": text}
        refuse(StaleTimestampError, headers=headers)

    def test_milliseconds_are_far_in_the_future(self) -> None:
        refuse(StaleTimestampError, headers=signed(BODY, at=NOON * 1000))

    def test_the_timestamp_is_signed(self) -> None:
        refuse(BadSignatureError, headers={**signed(BODY), "X-Truedy-Timestamp": str(int(NOON) + 1)})

    def test_the_time_is_checked_before_the_signature(self) -> None:
        refuse(StaleTimestampError, headers=signed(BODY, secret=OTHER), now=NOON + 1000)


@pytest.mark.parametrize("value", [pd.NaT, np.datetime64("NaT"), "300"])
@pytest.mark.parametrize("argument", ["tolerance", "future_tolerance", "now"])
def test_what_is_no_number_of_seconds(argument: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check(**{argument: value})
    assert caught.value.argument == argument
