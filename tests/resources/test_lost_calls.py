"""Nobody is given another's call, and nobody is dialed twice, whatever the schedule."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.resources.lost_calls import Shows, schedule

_SCHEDULES = 400
"""For each kind of server; some seconds in all."""


@pytest.mark.parametrize(
    ("shows", "most_misled"), [("all", 0.02), ("some rows", 0.1), ("some members", 0.05), ("nothing", 0.25)]
)
def test_random_schedules(shows: Shows, most_misled: float) -> None:
    ends: Counter[str] = Counter()
    misled = 0
    for seed in range(_SCHEDULES):
        result = schedule(seed, shows)
        assert result.wrong == [], f"schedule {seed}"
        assert result.dialed_twice == [], f"schedule {seed}"
        ends += result.ends
        misled += len(result.misled)
    # Two processes that ask for the same call cannot be told apart by anybody.
    assert misled <= most_misled * ends["found"]
    assert ends["found"] > 0.25 * (ends["found"] + ends["unknown"])
