"""Which of several creates a call belongs to, and answers that belong to another request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.fakes.jumping import JumpingClock
from tests.fakes.wire import BASE_URL, KEY, Wire, envelope, rows
from tests.resources.creates import NUMBER, SLOW, Case, Newest, row
from trudy import (
    APIConnectionError,
    AsyncTrudyClient,
    CallOutcomeUnknownError,
)

pytestmark = pytest.mark.anyio


async def test_a_call_goes_to_one_caller_only() -> None:
    clock = JumpingClock(NOON)
    case = Case(clock, Newest(clock, row("a")))
    assert (await case.look()).reconciled
    with pytest.raises(CallOutcomeUnknownError):
        await case.look()


async def test_a_row_that_may_belong_to_either_of_two_creates_goes_to_neither() -> None:
    """Both answers are lost, and the list shows one call so far: it is nobody's."""
    clock = JumpingClock(NOON)
    case = Case(clock, Newest(clock, row("a")))
    mine, sibling = case.reconciler(), case.reconciler()
    request = case.request()
    with sibling.registered(case.request()), mine.registered(request), pytest.raises(CallOutcomeUnknownError) as caught:
        await mine(request, SLOW)
    assert [call.id for call in caught.value.candidates] == ["a"]


async def test_two_creates_whose_rows_differ_each_get_their_own() -> None:
    clock = JumpingClock(NOON)
    case = Case(clock, Newest(clock, row("b", variables={"n": "2"}), row("a", variables={"n": "1"})))
    mine, sibling = case.reconciler(), case.reconciler()
    first, second = case.request(variables={"n": 1}), case.request(variables={"n": 2})
    with sibling.registered(second), mine.registered(first):
        body: Any = (await mine(first, SLOW)).json()
        assert body["data"]["id"] == "a"
        body = (await sibling(second, SLOW)).json()
        assert body["data"]["id"] == "b"


async def test_a_row_that_another_caller_may_still_be_answered_with_is_left_alone() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, row("a"))
    case = Case(clock, newest)
    mine, other = case.reconciler(), case.reconciler()
    request = case.request()
    answered: list[Callable[[str], None]] = []

    def answer_the_other(count: int) -> None:
        if count == 3:
            answered[0]("a")
            stack.close()
            newest.rows.append(row("b"))

    newest.on_request = answer_the_other
    with ExitStack() as stack, mine.registered(request):
        answered.append(stack.enter_context(other.registered(case.request())))
        body: Any = (await mine(request, SLOW)).json()
    assert body["data"]["id"] == "b"


async def test_a_create_that_ended_unknown_still_owns_what_is_placed_late() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock)
    case = Case(clock, newest)
    with pytest.raises(CallOutcomeUnknownError):
        await case.look()  # its call is placed only now, while the user dials again
    newest.rows.append(row("late", 40))
    with pytest.raises(CallOutcomeUnknownError) as caught:
        await case.look()
    assert [call.id for call in caught.value.candidates] == ["late"]


async def test_the_answer_to_another_request_is_not_taken(
    client: AsyncTrudyClient, wire: Wire, clock: FakeClock
) -> None:
    foreign = envelope({"id": "a", "to": "+14155550199", "agent_id": "agent"}, 201)
    wire.answer(foreign, rows())
    with pytest.raises(CallOutcomeUnknownError) as caught:
        await client.calls.create(agent_id="agent", phone_number=NUMBER, on_unknown="raise")
    assert isinstance(caught.value.__cause__, APIConnectionError)
    assert caught.value.__cause__.code == "foreign_answer"


async def test_after_the_answer_to_another_request_no_connection_is_used_again(
    client: AsyncTrudyClient, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[bool] = []

    async def drop() -> None:
        dropped.append(True)

    monkeypatch.setattr(client._core.transport, "drop_connections", drop)
    wire.answer(envelope({"id": "a", "agent_id": "another"}, 201))
    with pytest.raises(CallOutcomeUnknownError):
        await client.calls.create(agent_id="agent", phone_number=NUMBER, on_unknown="raise")
    assert dropped == [True]


async def test_the_answer_to_another_create_is_not_taken(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope({"id": "a", "to": NUMBER}, 201))
    await client.calls.create(agent_id="agent", phone_number=NUMBER, idempotency_key="first")
    await client.calls.create(agent_id="agent", phone_number=NUMBER, idempotency_key="first")
    with pytest.raises(CallOutcomeUnknownError):
        await client.calls.create(agent_id="agent", phone_number=NUMBER, on_unknown="raise")


async def test_an_answer_that_holds_only_an_id_is_taken(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope({"id": "a"}, 201))
    for _ in range(2):
        assert (await client.calls.create(agent_id="agent", phone_number=NUMBER)).id == "a"


async def test_clients_of_one_api_share_what_has_been_returned(wire: Wire, client: AsyncTrudyClient) -> None:
    wire.answer(envelope({"id": "a", "to": NUMBER}, 201))
    await client.calls.create(agent_id="agent", phone_number=NUMBER)
    other = AsyncTrudyClient(KEY, base_url=BASE_URL, clock=client._core.clock)
    async with other:
        with pytest.raises(CallOutcomeUnknownError):
            await other.calls.create(agent_id="agent", phone_number=NUMBER, on_unknown="raise")


async def test_a_raw_request_that_places_a_call_is_registered_too(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope({"id": "a", "to": NUMBER}, 201))
    body = {"agent_id": "agent", "phone_number": NUMBER}
    await client.request("POST", "/calls", body=body)
    with pytest.raises(CallOutcomeUnknownError):
        await client.request("POST", "/calls", body=body)
