from __future__ import annotations

import pytest

from tests.fakes.clock import FakeClock
from trudy.errors import InvalidArgumentError
from trudy.webhooks import MemoryReplayGuard


class TestMemory:
    def test_bounded(self) -> None:
        guard = MemoryReplayGuard(max_keys=100)
        for number in range(1000):
            assert guard.begin(str(number), 60) == "new"
            guard.commit(str(number), 60)
        assert len(guard) == 100
        assert guard.begin("999", 60) == "done"
        assert guard.begin("899", 60) == "new"

    def test_claims_are_never_pushed_out(self) -> None:
        guard = MemoryReplayGuard(max_keys=1)
        assert guard.begin("slow", 60) == "new"
        for number in range(10):
            guard.begin(str(number), 60)
            guard.commit(str(number), 60)
        assert guard.begin("slow", 60) == "busy"

    def test_forgets_what_is_over(self) -> None:
        clock = FakeClock()
        guard = MemoryReplayGuard(clock=clock)
        for number in range(10):
            guard.commit(str(number), 60)
        clock.advance(61)
        guard.commit("last", 60)
        assert len(guard) == 1

    def test_no_room_at_all(self) -> None:
        with pytest.raises(InvalidArgumentError):
            MemoryReplayGuard(max_keys=0)
