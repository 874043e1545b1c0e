"""Durations and times of a command line."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.cli.failures import CommandError
from trudy.cli.times import UNITS, instant_of, seconds_of

NOW = 1_780_000_000.0


@pytest.mark.parametrize(
    ("text", "distance"),
    [("2h", -7200), ("+2h", 7200), ("1d", -86400), ("+30m", 1800), ("now", 0), ("90s", -90), ("2w", -1_209_600)],
)
def test_a_time_may_be_so_long_ago_or_ahead(text: str, distance: int) -> None:
    assert instant_of(text, "--at", NOW) == datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=distance)


@pytest.mark.parametrize("text", ["2026-12-01T09:00:00Z", "2026-12-01T10:00+01:00", "20261201T090000Z"])
def test_a_time_in_iso_8601(text: str) -> None:
    assert instant_of(text, "--at", NOW) == datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_a_time_without_a_zone_is_this_machines(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", zone)
        time.tzset()
        assert instant_of("2026-12-01", "--since", NOW) == datetime(2026, 12, 1, tzinfo=ZoneInfo(zone))
    time.tzset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "d",
        "1",
        "-1d",
        "1y",
        "yesterday",
        "++2h",
        "+now",
        "99999999d",
        "+99999999d",
        "9" * 400 + "s",
        "0001-01-01",
        "٣d",
    ],
)
def test_what_is_no_time_is_said_to_be_none(text: str) -> None:
    with pytest.raises(CommandError, match=r"--since: .* is no time"):
        instant_of(text, "--since", NOW)


@pytest.mark.parametrize("text", ["9" * 400 + "s", "9" * 400, "1e3", "-5s", "5 m", "1H", "", "nan", "inf"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="--wait"):
        seconds_of(text, "--wait")


def test_a_duration_has_bounds_where_a_command_has() -> None:
    assert seconds_of("1m", "--wait", least=1, most=60) == 60
    for text in ("0.5", "61s"):
        with pytest.raises(CommandError, match="--wait must be from 1 to 60 seconds"):
            seconds_of(text, "--wait", least=1, most=60)


@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from(sorted(UNITS))), min_size=1, max_size=4))
def test_durations_add_up(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{amount}{unit}" for amount, unit in parts)
    assert seconds_of(text, "--wait") == pytest.approx(sum(amount * UNITS[unit] for amount, unit in parts))


@given(st.text(max_size=12))
def test_any_text_is_a_duration_and_a_time_or_an_error_that_says_so(text: str) -> None:
    with suppress(CommandError):
        assert seconds_of(text, "--x") >= 0
    with suppress(CommandError):
        assert instant_of(text, "--x", NOW).tzinfo is not None
