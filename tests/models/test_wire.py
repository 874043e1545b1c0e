"""Values in requests: what is absent is not sent, None is null, times and durations have the API's format."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.errors import InvalidArgumentError
from trudy.models import (
    CallSettings,
    CallStatus,
    GreetingSettings,
    InactivityMessage,
    TranscriptTurn,
    VADSettings,
    to_wire,
)
from trudy.options import NOT_GIVEN


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (5, 5),
        (1.5, 1.5),
        ("x", "x"),
        (CallStatus.COMPLETED, "completed"),
        (CallStatus("new-word"), "new-word"),
        (CallStatus(""), None),
        (Colour.RED, "red"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        (datetime(2026, 1, 1, 2, microsecond=5, tzinfo=timezone(timedelta(hours=2))), "2026-01-01T00:00:00.000005Z"),
        (timedelta(minutes=1), "60s"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (("a", [1, None]), ["a", [1, None]]),
        (range(1, 4), [1, 2, 3]),
        ({"b": NOT_GIVEN, "a": None, "when": timedelta(seconds=1)}, {"a": None, "when": "1s"}),
        (CallSettings(), {}),
        (CallSettings(recording_enabled=True), {"recording_enabled": True}),
        (CallSettings(greeting=None), {"greeting": None}),
        (
            CallSettings(max_duration=timedelta(hours=1), join_timeout=30),
            {"max_duration": "3600s", "join_timeout": "30s"},
        ),
        (CallSettings(extra={"new": {"a": 1}}), {"new": {"a": 1}}),
        (GreetingSettings(first_speaker="user", delay="1s"), {"first_speaker": "user", "delay": "1s"}),
        (
            [
                InactivityMessage(
                    duration=timedelta(seconds=30), message="Hello?", end_behavior="END_BEHAVIOR_HANG_UP_SOFT"
                )
            ],
            [{"duration": "30s", "message": "Hello?", "endBehavior": "END_BEHAVIOR_HANG_UP_SOFT"}],
        ),
        (VADSettings(frame_activation_threshold=0.5), {"frame_activation_threshold": 0.5}),
        (TranscriptTurn(text="Hi"), {"speaker": None, "text": "Hi", "timestamp": None}),
    ],
)
def test_values(value: object, expected: object) -> None:
    found = to_wire(value)
    assert found == expected
    assert json.loads(json.dumps(found)) == expected


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        {"a": [math.nan]},
        datetime(2026, 1, 1),  # noqa: DTZ001
        object(),
        b"bytes",
        bytearray(b"bytes"),
        {1, 2},
        {1: "a"},
        NOT_GIVEN,
        [NOT_GIVEN],
        CallSettings,
    ],
)
def test_what_json_cannot_hold(value: object) -> None:
    with pytest.raises(InvalidArgumentError):
        to_wire(value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_unknown_json_passes_through_untouched(value: object) -> None:
    assert to_wire(value) == value


def test_a_mapping_is_copied() -> None:
    inner = {"a": 1}
    found = to_wire({"inner": inner})
    found["inner"]["a"] = 2
    assert inner == {"a": 1}


def test_to_dict_is_a_copy() -> None:
    settings = CallSettings(extra={"new": {"a": 1}})
    settings.to_dict()["new"]["a"] = 2
    assert settings.extra == {"new": {"a": 1}}


def test_numbers_json_does_not_have_become_null_in_extra() -> None:
    settings = CallSettings(extra={"new": [math.nan, {"a": math.inf}, 1.5]})
    assert settings.to_dict() == {"new": [None, {"a": None}, 1.5]}
