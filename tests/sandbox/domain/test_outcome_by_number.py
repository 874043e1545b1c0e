from __future__ import annotations

import pytest

from trudy.sandbox import Outcome, Sandbox, outcome_of
from trudy.sandbox.domain.new_call import outcome_for
from trudy.sandbox.domain.outcome_by_number import drawn, read_mix, settle

TABLE = {
    range(10): Outcome.COMPLETED,
    range(10, 20): Outcome.NO_ANSWER,
    range(20, 30): Outcome.BUSY,
    range(30, 40): Outcome.VOICEMAIL,
    range(40, 50): Outcome.REFUSED,
    range(50, 60): Outcome.FAILED,
    range(60, 70): Outcome.ANSWERED_SECOND_TIME,
    range(70, 80): Outcome.DO_NOT_CALL,
    range(80, 90): Outcome.LONG,
    range(90, 91): Outcome.RATE_LIMITED_ONCE,
    range(91, 92): Outcome.SERVER_ERROR_AFTER,
    range(92, 93): Outcome.RESET_AFTER,
    range(93, 94): Outcome.HANG,
    range(94, 97): Outcome.COMPLETED,
    range(97, 98): Outcome.PAYMENT_REQUIRED,
    range(98, 99): Outcome.FORBIDDEN,
    range(99, 100): Outcome.RANDOM,
}


def test_every_fictional_number_has_the_outcome_of_the_table() -> None:
    expected = {nn: outcome for numbers, outcome in TABLE.items() for nn in numbers}
    assert sorted(expected) == list(range(100))
    for nn, outcome in expected.items():
        assert outcome_of(f"+1415555{100 + nn:04d}") is outcome
        assert outcome_of(f"+4420794607{nn:02d}") is outcome


@pytest.mark.parametrize(
    "number",
    ["+14155550200", "+14155551100", "+14155560100", "+1415555010", "+141555501000", "14155550100", "+18005550100",
     "+19005550100", "+14115550100", "+12915550100", "+11555550100", "+442079461100", "+1234567890", ""],
)  # fmt: skip
def test_other_numbers_have_none(number: str) -> None:
    assert outcome_of(number) is None


def test_the_second_attempt_is_answered() -> None:
    outcome = Outcome.ANSWERED_SECOND_TIME
    got = [settle(outcome, number="+14155550160", attempt=attempt, seed=0) for attempt in (1, 2, 3)]
    assert got == [Outcome.NO_ANSWER, Outcome.COMPLETED, Outcome.COMPLETED]


def test_chance_follows_the_seed() -> None:
    def story(seed: int) -> list[Outcome]:
        return [settle(Outcome.RANDOM, number="+14155550199", attempt=n, seed=seed) for n in range(1, 40)]

    assert story(1) == story(1)
    assert story(1) != story(2)
    assert len(set(story(1))) > 3
    assert Outcome.RANDOM not in story(1)


def test_a_mix_gives_each_number_its_share_and_the_same_each_time() -> None:
    mix = read_mix({"completed": 3, "no_answer": 1, "busy": 0})
    drawn_once = [drawn(mix, number=f"+1415{index:07d}", attempt=1, seed=5) for index in range(2_000)]
    assert drawn_once == [drawn(mix, number=f"+1415{index:07d}", attempt=1, seed=5) for index in range(2_000)]
    assert drawn_once != [drawn(mix, number=f"+1415{index:07d}", attempt=1, seed=6) for index in range(2_000)]
    assert set(drawn_once) == {Outcome.COMPLETED, Outcome.NO_ANSWER}
    assert 1_400 < drawn_once.count(Outcome.COMPLETED) < 1_600
    attempts = {drawn(mix, number="+14150000001", attempt=attempt, seed=5) for attempt in range(1, 30)}
    assert len(attempts) == 2


@pytest.mark.parametrize(
    "mix", [{"nonsense": 1.0}, {"random": 1.0}, {"busy": -1.0}, {"busy": float("nan")}, {"busy": 0}]
)
def test_a_mix_that_is_none_is_refused(mix: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="outcome_mix"):
        Sandbox(outcome_mix=mix)


def test_a_mix_may_hold_for_fictional_numbers_too() -> None:
    sandbox = Sandbox(outcome_mix={"busy": 1}, mix_fictional=True)
    assert outcome_for(sandbox.world, "+14155550100") is Outcome.BUSY
    assert outcome_for(Sandbox(outcome_mix={"busy": 1}).world, "+14155550100") is Outcome.COMPLETED
    with pytest.raises(ValueError, match="mix_fictional"):
        Sandbox(mix_fictional=True)


def test_how_long_an_answered_call_talks() -> None:
    sandbox = Sandbox(speed=0, talk_seconds=90)
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        call = client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        sandbox.advance(minutes=5)
        assert client.calls.get(call.id).duration_seconds == 90
    for seconds in (0, -1, float("nan"), 100_000):
        with pytest.raises(ValueError, match="talk_seconds"):
            Sandbox(talk_seconds=seconds)
