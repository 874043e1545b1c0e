"""Signing a delivery as Truedy does."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.fakes.clock import NOON
from tests.webhooks.checking import BODY, check
from tests.webhooks.samples import OTHER, SECRET, signed
from trudy.errors import InvalidArgumentError
from trudy.webhooks import (
    sign,
    unwrap,
)


class TestSign:
    def test_round_trip(self) -> None:
        for options in (
            {},
            {"form": "sorted"},
            {"prefix": "X-Trudy-"},
            {"timestamp": datetime.fromtimestamp(NOON, UTC)},
        ):
            headers = sign(BODY, secret=SECRET, **{"timestamp": NOON, **options})  # type: ignore[arg-type]
            assert check(headers=headers)
        assert unwrap(BODY, sign(BODY, secret=SECRET), secret=SECRET)

    def test_first_secret_signs(self) -> None:
        headers = sign(BODY, secret=[SECRET, OTHER], timestamp=NOON)
        assert check(headers=headers)
        assert headers["X-Truedy-Signature"] == signed(BODY)["X-Truedy-Signature"]

    @pytest.mark.parametrize(
        "options",
        [{"form": "both"}, {"prefix": "X-"}, {"timestamp": datetime(2027, 1, 1)}],  # noqa: DTZ001
    )
    def test_senseless_options(self, options: Any) -> None:
        with pytest.raises(InvalidArgumentError):
            sign(BODY, secret=SECRET, **options)


@pytest.mark.parametrize(
    "value",
    [pd.NaT, np.datetime64("NaT"), 10**5000, -(10**5000), math.nan, math.inf, True],
    ids=["pandas NaT", "NumPy NaT", "large", "small", "NaN", "infinity", "True"],
)
def test_what_is_no_time_to_sign_with(value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        sign(BODY, secret=SECRET, timestamp=value)
    assert caught.value.argument == "timestamp"
