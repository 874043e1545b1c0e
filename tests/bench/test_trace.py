"""How many files of the package a request passes through: what a newcomer has to open to follow it."""

from __future__ import annotations

import sys

import pytest

from tests.bench.trace import walk_of


@pytest.mark.parametrize(("refused", "most"), [(False, 24), (True, 26)], ids=["warm", "a 429 waited out"])
def test_a_request_passes_through_few_files(refused: bool, most: int) -> None:
    before = sys.getprofile()
    walk = walk_of(refused=refused)
    assert "pipeline/retry.py" in walk.files
    assert ("rate_limit/server_clock.py" in walk.files) is refused
    assert len(walk.files) <= most, walk.shown()
    assert sys.getprofile() is before
