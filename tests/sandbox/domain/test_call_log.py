from __future__ import annotations

import time

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trudy.sandbox.domain import lifecycle
from trudy.sandbox.domain.call_log import CallLog
from trudy.sandbox.domain.lifecycle import PlacedCall, status_at
from trudy.sandbox.domain.new_call import SETTINGS
from trudy.sandbox.domain.outcome_by_number import Outcome

OUTCOMES = [Outcome.COMPLETED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED, Outcome.LONG]
STATUSES = ["queued", "ringing", "in_progress", "completed", "failed"]


def call_of(number: int, created_at: float, outcome: Outcome = Outcome.COMPLETED, agent: str = "a") -> PlacedCall:
    return PlacedCall(
        id=str(number),
        agent_id=agent,
        agent_name="Ada",
        to="+14155550100",
        from_number=None,
        attempt=1,
        outcome=outcome,
        idempotency_key=None,
        variables={},
        call_settings=SETTINGS,
        greeting=None,
        timeline=lifecycle.plan(outcome, created_at=created_at, join_timeout=30, max_duration=3600),
        direction="webrtc" if number % 3 == 0 else "outbound",
    )


class CallLogMachine(RuleBasedStateMachine):
    """`CallLog` compared with a plain list that is searched from end to end."""

    def __init__(self) -> None:
        super().__init__()
        self.log = CallLog()
        self.model: list[PlacedCall] = []
        self.now = 1000.0
        self.made = 0

    @rule(count=st.integers(1, 40), outcome=st.sampled_from(OUTCOMES), agent=st.sampled_from("ab"))
    def place(self, count: int, outcome: Outcome, agent: str) -> None:
        for _ in range(count):
            call = call_of(self.made, self.now, outcome, agent)
            self.made += 1
            self.log.put(call)
            self.model.append(call)

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 4.0, 24.0, 30.0, 2000.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if not self.model:
            return
        call = self.model.pop(data.draw(st.integers(0, len(self.model) - 1)))
        assert self.log.remove(call.id)
        assert not self.log.remove(call.id)

    @rule(data=st.data())
    def take_another_course(self, data: st.DataObject) -> None:
        if not self.model:
            return
        place = data.draw(st.integers(0, len(self.model) - 1))
        call = self.model[place]
        if self.now < call.timeline.ended_at:
            changed = evolve(call, timeline=lifecycle.join_plan(call.timeline, joined_at=self.now, max_duration=60))
            self.log.put(changed)
            self.model[place] = changed

    @rule(
        status=st.sampled_from([None, *STATUSES]),
        agent=st.sampled_from([None, "a", "b", "c"]),
        direction=st.sampled_from([None, "outbound", "webrtc", "inbound"]),
        after=st.one_of(st.none(), st.floats(990, 4000)),
        before=st.one_of(st.none(), st.floats(990, 4000)),
        limit=st.integers(1, 10),
        offset=st.integers(0, 10),
    )
    def page(
        self,
        status: str | None,
        agent: str | None,
        direction: str | None,
        after: float | None,
        before: float | None,
        limit: int,
        offset: int,
    ) -> None:
        kept = [
            call
            for call in reversed(self.model)
            if status in (None, status_at(call.timeline, self.now))
            and agent in (None, call.agent_id)
            and direction in (None, call.direction)
            and (after is None or call.created_at > after)
            and (before is None or call.created_at < before)
        ]
        found = self.log.page(
            limit,
            offset,
            now=self.now,
            agent_id=agent,
            direction=direction,
            status=status,
            after=after,
            before=before,
        )
        assert found == (kept[offset : offset + limit], len(kept))

    @invariant()
    def same(self) -> None:
        assert list(self.log) == self.model[::-1]
        assert len(self.log) == len(self.model)
        assert all(self.log.get(call.id) is call for call in self.model)


TestCallLog = CallLogMachine.TestCase
TestCallLog.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def seconds_for(log: CallLog, now: float, **wanted: str | float) -> float:
    """The best of some, so that a machine busy with other things does not count."""
    found = []
    for _ in range(7):
        begin = time.perf_counter()
        for _ in range(20):
            log.page(50, 0, now=now, **wanted)  # type: ignore[arg-type]
        found.append(time.perf_counter() - begin)
    return min(found)


def test_a_hundred_thousand_calls_make_no_list_slow() -> None:
    small, large = CallLog(), CallLog()
    for log, count in ((small, 1_000), (large, 100_000)):
        for number in range(count):
            log.put(call_of(number, float(number), OUTCOMES[number % 5], "ab"[number % 2]))
    for wanted in (
        {},
        {"status": "completed"},
        {"agent_id": "a", "status": "failed"},
        {"direction": "webrtc", "after": 10.0, "before": 900.0},
    ):
        # The first look moves what has changed since the last; the others find it done.
        large.page(1, 0, now=1e9, **wanted)  # type: ignore[arg-type]
        assert seconds_for(large, 1e9, **wanted) < 5 * seconds_for(small, 1e9, **wanted)  # type: ignore[arg-type]
