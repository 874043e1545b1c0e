from __future__ import annotations

from typing import Any

from trudy.sandbox import numbers
from trudy.sandbox.number_market import is_on_sale
from trudy.sandbox.outcomes import outcome_of
from trudy.sandbox.state import State


def agent(state: State, agent_id: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": agent_id, "inbound_phone_numbers": [], "outbound_phone_numbers": []}
    state.agents.put(agent_id, row)
    return row


def test_numbers_of_agents_are_fictional_distinct_and_not_for_sale() -> None:
    given = [numbers.outbound_number(index) for index in range(20_000)]
    assert len(set(given)) == len(given)
    assert all(outcome_of(number) is not None and not is_on_sale(number) for number in given)
    assert given[0] == "+16285550100"


def test_the_id_follows_from_the_number() -> None:
    assert numbers.id_of("+16285550100") == numbers.id_of("+16285550100") != numbers.id_of("+16285550101")


def test_what_somebody_has_is_not_given_away() -> None:
    state = State()
    numbers.new_number(state, numbers.outbound_number(1), now=1.0)
    ada = agent(state, "a")
    numbers.give_number(state, ada, now=1.0)
    assert [entry["phone_number"] for entry in ada["outbound_phone_numbers"]] == [numbers.outbound_number(2)]


def test_a_number_that_goes_to_another_agent_leaves_the_first() -> None:
    state = State()
    first, second = agent(state, "a"), agent(state, "b")
    row = numbers.new_number(state, "+16285550100", now=1.0)
    numbers.assign(state, row, "inbound", "a", now=2.0)
    row = state.numbers.get(row["id"]) or {}
    numbers.assign(state, row, "inbound", "b", now=3.0)
    listed = {"id": row["id"], "phone_number": "+16285550100"}
    assert (first["inbound_phone_numbers"], second["inbound_phone_numbers"]) == ([], [listed])
    found = state.numbers.get(row["id"]) or {}
    assert (found["inbound_agent_id"], found["outbound_agent_id"], found["updated_at"]) == ("b", None, 3.0)


def test_an_agent_that_goes_leaves_its_numbers_free() -> None:
    state = State()
    ada = agent(state, "a")
    numbers.give_number(state, ada, now=1.0)
    (row,) = state.numbers
    numbers.assign(state, row, "inbound", "a", now=1.0)
    numbers.take_numbers(state, "a", now=2.0)
    (row,) = state.numbers
    assert (row["inbound_agent_id"], row["outbound_agent_id"]) == (None, None)
