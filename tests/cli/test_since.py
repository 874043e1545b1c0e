"""`--since`: how long ago, or a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trudy.cli.since import moment_of
from trudy.errors import InvalidArgumentError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        (" 12h ", NOW - timedelta(hours=12)),
        ("1d", NOW - timedelta(days=1)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-05-31", datetime(2026, 5, 31, tzinfo=UTC)),
        ("2026-05-31T10:00", datetime(2026, 5, 31, 10, tzinfo=UTC)),
        ("2026-05-31T10:00+02:00", datetime(2026, 5, 31, 8, tzinfo=UTC)),
        ("2026-05-31T10:00Z", datetime(2026, 5, 31, 10, tzinfo=UTC)),
    ],
)
def test_moments(text: str, expected: datetime) -> None:
    assert moment_of(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "d", "1", "-1d", "1.5h", "1y", "yesterday", "999999w", "2026-13-01", "٣d"])
def test_no_moments(text: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        moment_of(text, NOW)
    assert caught.value.argument == "since"
