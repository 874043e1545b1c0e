from __future__ import annotations

import logging

import pytest

from tests.fakes.answers import Script, request_for, success
from tests.fakes.jumping import JumpingClock
from trudy import APITimeoutError
from trudy.hooks import AttemptEnded, Event
from trudy.pipeline.record import RecordStep

pytestmark = pytest.mark.anyio


async def test_each_attempt_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    await RecordStep(JumpingClock())(request_for(attempts=1), Script(success()))
    assert [record.message for record in caplog.records] == ["GET /things 200 in 0 ms, attempt 3, request id r-1"]


async def test_each_attempt_is_an_event() -> None:
    events: list[Event] = []

    async def emit(event: Event) -> None:
        events.append(event)

    clock = JumpingClock()
    await RecordStep(clock)(request_for(emit=emit), Script(success(), before=lambda _: clock.advance(2)))
    with pytest.raises(APITimeoutError):
        await RecordStep(clock)(request_for(emit=emit), Script(APITimeoutError("late")))
    told = [(e.status, e.seconds, e.request_id, e.error) for e in events if isinstance(e, AttemptEnded)]
    assert told == [(200, 2.0, "r-1", None), (None, 0.0, None, "timeout")]


async def test_when_the_last_attempt_left_is_noted() -> None:
    clock = JumpingClock(1000.0)
    request = request_for()
    await RecordStep(clock)(request, Script(success(), before=lambda _: clock.advance(5)))
    assert request.progress.sent_at == 1000.0
