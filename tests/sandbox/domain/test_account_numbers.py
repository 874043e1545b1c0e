from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox.domain import account_numbers
from trudy.sandbox.domain.number_market import is_on_sale
from trudy.sandbox.domain.outcome_by_number import outcome_of
from trudy.sandbox.world import State


def agent(state: State, agent_id: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": agent_id, "inbound_phone_numbers": [], "outbound_phone_numbers": []}
    state.agents.put(agent_id, row)
    return row


def own(agent: dict[str, Any]) -> list[str]:
    return [entry["phone_number"] for entry in agent["outbound_phone_numbers"]]


def test_numbers_of_agents_are_fictional_distinct_and_not_for_sale() -> None:
    given = [account_numbers.outbound_number(index) for index in range(20_000)]
    assert len(set(given)) == len(given)
    assert all(outcome_of(number) is not None and not is_on_sale(number) for number in given)
    assert given[0] == "+16285550100"


def test_the_id_follows_from_the_number() -> None:
    assert (
        account_numbers.id_of("+16285550100")
        == account_numbers.id_of("+16285550100")
        != account_numbers.id_of("+16285550101")
    )


def test_a_number_in_use_is_given_to_no_agent() -> None:
    state = State()
    account_numbers.new_number(state, account_numbers.outbound_number(0), now=1.0)
    ada = agent(state, "a")
    account_numbers.give_number(state, ada, now=1.0)
    assert own(ada) == [account_numbers.outbound_number(1)]


def test_a_number_that_goes_to_another_agent_leaves_the_first() -> None:
    state = State()
    first, second = agent(state, "a"), agent(state, "b")
    row = account_numbers.new_number(state, "+16285550100", now=1.0)
    account_numbers.assign(state, row, "inbound", "a", now=2.0)
    row = state.numbers.get(row["id"]) or {}
    account_numbers.assign(state, row, "inbound", "b", now=3.0)
    listed = {"id": row["id"], "phone_number": "+16285550100"}
    assert (first["inbound_phone_numbers"], second["inbound_phone_numbers"]) == ([], [listed])
    found = state.numbers.get(row["id"]) or {}
    assert (found["inbound_agent_id"], found["outbound_agent_id"], found["updated_at"]) == ("b", None, 3.0)


@pytest.mark.parametrize("number", ["+14155550177", "+442079460123"])
def test_a_deleted_agent_frees_its_bought_numbers(number: str) -> None:
    state = State()
    agent(state, "a")
    row = account_numbers.new_number(state, number, now=1.0)
    for direction in account_numbers.DIRECTIONS:
        account_numbers.assign(state, state.numbers.get(row["id"]) or row, direction, "a", now=1.0)
    account_numbers.take_numbers(state, "a", now=2.0)
    (row,) = state.numbers
    assert (row["inbound_agent_id"], row["outbound_agent_id"], row["updated_at"]) == (None, None, 2.0)


def test_the_given_number_of_a_deleted_agent_goes_to_the_next() -> None:
    state = State()
    first = agent(state, "a")
    account_numbers.give_number(state, first, now=1.0)
    given = own(first)
    account_numbers.take_numbers(state, "a", now=2.0)
    assert list(state.numbers) == []
    second = agent(state, "b")
    account_numbers.give_number(state, second, now=3.0)
    assert own(second) == given


def test_a_given_number_that_another_agent_answers_stays() -> None:
    state = State()
    account_numbers.give_number(state, agent(state, "a"), now=1.0)
    agent(state, "b")
    (row,) = state.numbers
    account_numbers.assign(state, row, "inbound", "b", now=1.0)
    account_numbers.take_numbers(state, "a", now=2.0)
    assert [entry["inbound_agent_id"] for entry in state.numbers] == ["b"]


def test_a_freed_number_that_was_imported_since_is_not_given() -> None:
    state = State()
    account_numbers.give_number(state, agent(state, "a"), now=1.0)
    account_numbers.take_numbers(state, "a", now=2.0)
    account_numbers.new_number(state, account_numbers.outbound_number(0), now=3.0, credential_id="c")
    ada = agent(state, "b")
    account_numbers.give_number(state, ada, now=4.0)
    assert own(ada) == [account_numbers.outbound_number(1)]


def test_where_all_numbers_are_given_an_agent_gets_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(account_numbers, "GIVEN_AT_MOST", 2)
    state = State()
    agents = [agent(state, str(index)) for index in range(3)]
    for row in agents:
        account_numbers.give_number(state, row, now=1.0)
    assert [len(own(row)) for row in agents] == [1, 1, 0]
    assert "a new agent gets none" in caplog.text
    (row, *_) = state.numbers
    account_numbers.release(state, row)
    account_numbers.give_number(state, agents[2], now=2.0)
    assert own(agents[2]) == [row["phone_number"]]
