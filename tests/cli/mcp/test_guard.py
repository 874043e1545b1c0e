"""Which calls are allowed."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trudy.cli.mcp.guard import PLAN_SECONDS, CallGuard, CallRefusedError, ProposedCall

ADA, BO, EVE = "+14155550100", "+14155550101", "+14155550102"


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def guard(most: int = 2, time: Time | None = None) -> CallGuard:
    return CallGuard(numbers=frozenset({ADA, BO}), most=most, secret=b"secret", monotonic=time or Time())


def call(number: str = ADA) -> ProposedCall:
    return ProposedCall(agent_id="agt_1", phone_number=number)


def test_a_plan_is_carried_out_once() -> None:
    own = guard()
    planned = own.propose(call())
    assert own.left == 2
    assert own.take(planned.plan_hash) == planned
    assert own.left == 1
    with pytest.raises(CallRefusedError, match="carried out already"):
        own.take(planned.plan_hash)
    assert own.left == 1


def test_equal_plans_have_different_hashes() -> None:
    own = guard()
    assert own.propose(call()).plan_hash != own.propose(call()).plan_hash


def test_hashes_of_another_process_are_of_no_use() -> None:
    other = CallGuard(numbers=frozenset({ADA}), most=1, secret=b"another", monotonic=Time())
    with pytest.raises(CallRefusedError, match="no plan with this"):
        guard().take(other.propose(call()).plan_hash)


@pytest.mark.parametrize("wrong", ["", "0" * 24, "x"])
def test_a_wrong_hash(wrong: str) -> None:
    own = guard()
    own.propose(call())
    with pytest.raises(CallRefusedError, match="no plan with this"):
        own.take(wrong)
    assert own.left == 2


def test_a_number_that_is_not_in_the_file_is_not_even_planned() -> None:
    with pytest.raises(CallRefusedError, match=r"\+1415\*\*\*0102 is not in the file"):
        guard().propose(call(EVE))


def test_the_count_holds_for_plans_that_were_made_before_it_was_used_up() -> None:
    own = guard(most=1)
    first, second = own.propose(call(ADA)), own.propose(call(BO))
    own.take(first.plan_hash)
    with pytest.raises(CallRefusedError, match=r"--max-calls"):
        own.take(second.plan_hash)
    with pytest.raises(CallRefusedError, match=r"--max-calls"):
        own.propose(call())


def test_a_plan_ages() -> None:
    time = Time()
    own = guard(time=time)
    planned = own.propose(call())
    time.now = PLAN_SECONDS
    kept = own.propose(call())
    time.now += 0.1
    with pytest.raises(CallRefusedError, match="too old"):
        own.take(planned.plan_hash)
    with pytest.raises(CallRefusedError, match="no plan with this"):
        own.take(planned.plan_hash)
    own.take(kept.plan_hash)


def test_a_number_in_doubt_is_called_no_more() -> None:
    own = guard()
    again = own.propose(call())
    own.doubt(ADA)
    for attempt in (lambda: own.propose(call()), lambda: own.take(again.plan_hash)):
        with pytest.raises(CallRefusedError, match="Nobody knows"):
            attempt()
    own.take(own.propose(call(BO)).plan_hash)


def test_plans_do_not_fill_the_memory() -> None:
    own = guard()
    first = own.propose(call())
    for _ in range(100):
        own.propose(call())
    with pytest.raises(CallRefusedError, match="no plan with this"):
        own.take(first.plan_hash)


class Agents(RuleBasedStateMachine):
    """Whatever an agent tries, no more is placed than allowed, nothing twice, and nothing to another number."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.guard = guard(most=3, time=self.time)
        self.hashes: list[str] = ["x"]
        self.placed: list[ProposedCall] = []

    @rule(number=st.sampled_from([ADA, BO, EVE]))
    def plan(self, number: str) -> None:
        try:
            self.hashes.append(self.guard.propose(call(number)).plan_hash)
        except CallRefusedError:
            assert number == EVE or self.guard.left == 0

    @rule(data=st.data())
    def place(self, data: st.DataObject) -> None:
        try:
            self.placed.append(self.guard.take(data.draw(st.sampled_from(self.hashes))))
        except CallRefusedError:
            return

    @rule(seconds=st.sampled_from([1.0, PLAN_SECONDS, 2 * PLAN_SECONDS]))
    def wait(self, seconds: float) -> None:
        self.time.now += seconds

    @invariant()
    def holds(self) -> None:
        assert len(self.placed) == 3 - self.guard.left <= 3
        assert len({planned.plan_hash for planned in self.placed}) == len(self.placed)
        assert {planned.phone_number for planned in self.placed} <= {ADA, BO}


TestAgents = Agents.TestCase
TestAgents.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
