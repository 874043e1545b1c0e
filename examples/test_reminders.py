"""Tests of an app that calls people: `pytest test_reminders.py`.

The fixtures `trudy_sandbox` and `trudy_client` come with the package: each test has a local Truedy of its own. The last
two digits of a phone number choose what happens when it is called.
"""

from __future__ import annotations

import pytest
from reminders import Diary, remind

import trudy
from trudy.sandbox import Sandbox
from trudy.testing import make_event

ANSWERED, NO_ANSWER, ANSWERED_LATER = "+14155550100", "+14155550110", "+14155550160"
REFUSED, ANSWER_LOST, NO_CREDIT = "+14155550140", "+14155550192", "+14155550197"


@pytest.fixture
def agent_id(trudy_client: trudy.TrudyClient, trudy_sandbox: Sandbox) -> str:
    agent = trudy_client.agents.create(name="Ada", voice_id=trudy_sandbox.voices[0].id, system_prompt="Be kind.")
    return agent.id


@pytest.mark.trudy_sandbox(speed=600)
def test_a_person_who_does_not_answer_is_called_once_more(
    trudy_client: trudy.TrudyClient, trudy_sandbox: Sandbox, agent_id: str
) -> None:
    people = {ANSWERED: "Sam", NO_ANSWER: "Kim", ANSWERED_LATER: "Lou", REFUSED: "Max"}
    assert remind(trudy_client, agent_id, people) == {
        ANSWERED: "completed",
        NO_ANSWER: "failed",
        ANSWERED_LATER: "completed",
        REFUSED: "bad number",
    }
    assert [len(trudy_sandbox.calls_to(number)) for number in people] == [1, 2, 2, 0]


def test_a_lost_answer_makes_no_second_call(
    trudy_client: trudy.TrudyClient, trudy_sandbox: Sandbox, agent_id: str
) -> None:
    assert remind(trudy_client, agent_id, {ANSWER_LOST: "Sam"}) == {ANSWER_LOST: "completed"}
    trudy_sandbox.assert_no_number_dialed_twice()


def test_missing_credit_stops_the_reminders(
    trudy_client: trudy.TrudyClient, trudy_sandbox: Sandbox, agent_id: str
) -> None:
    with pytest.raises(trudy.PaymentRequiredError) as caught:
        remind(trudy_client, agent_id, {NO_CREDIT: "Sam", ANSWERED: "Kim"})
    assert caught.value.reason == "insufficient_credits"
    assert trudy_sandbox.placed_calls == []


@pytest.mark.trudy_sandbox(speed=0)
def test_the_diary_stores_the_summary_once(
    trudy_client: trudy.TrudyClient, trudy_sandbox: Sandbox, agent_id: str
) -> None:
    diary = Diary(trudy_sandbox.webhook_secret)
    trudy_sandbox.connect(diary.router, duplicates=1.0)
    call = trudy_client.calls.create(agent_id=agent_id, phone_number=ANSWERED)
    trudy_sandbox.advance(minutes=1)
    trudy_sandbox.webhooks.deliver()
    assert list(diary.summaries) == [call.id]


def test_the_handler_alone() -> None:
    diary = Diary("whsec_test")
    diary.note(make_event("call.ended", call_id="c1", data={"call": {"summary": "Sam will come."}}))
    assert diary.summaries == {"c1": "Sam will come."}
