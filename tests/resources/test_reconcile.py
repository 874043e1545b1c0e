from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from attrs import evolve

from tests.fakes.answers import answer, failure, request_for
from tests.fakes.clock import NOON, FakeClock, settle
from tests.fakes.jumping import JumpingClock
from tests.fakes.wire import BASE_URL, KEY, Wire, envelope, rows
from trudy import (
    APIConnectionError,
    APITimeoutError,
    AsyncTrudyClient,
    AuthenticationError,
    CallOutcomeUnknownError,
    ProviderError,
    ServerError,
)
from trudy._call_claims import Claims
from trudy.clock import Clock
from trudy.request import Request, Response, RetryClass
from trudy.resources._newest_calls import NewestCalls
from trudy.resources._reconcile import CallReconciler

pytestmark = pytest.mark.anyio

NUMBER = "+14155550123"
SLOW = APITimeoutError("no answer")
REFUSED_UPSTREAM = failure(502, "provider_error", {"httpStatus": 400})


def row(call_id: str, seconds: float = 1.0, **members: Any) -> dict[str, Any]:
    """A call made so many seconds after the attempt."""
    made = datetime.fromtimestamp(NOON, UTC) + timedelta(seconds=seconds)
    return {
        "id": call_id,
        "status": "queued",
        "direction": "outbound",
        "to": NUMBER,
        "agent_id": "agent",
        "created_at": made.isoformat(),
        **members,
    }


class Newest:
    """The list of calls, newest first, behind pages of three."""

    def __init__(self, clock: Clock, *rows: dict[str, Any], skew: float = 0.0) -> None:
        self.rows = list(rows)
        self.asked: list[int] = []
        self._clock = clock
        self._skew = skew
        self.rate_waited = 0.0
        self.on_request: Callable[[int], None] = lambda _: None

    async def __call__(self, offset: int) -> tuple[Response, float]:
        self.asked.append(offset)
        self.on_request(len(self.asked))
        await anyio.lowlevel.checkpoint()
        now = datetime.fromtimestamp(self._clock.time() + self._skew, UTC)
        page = self.rows[offset : offset + 3]
        body = {
            "data": page,
            "meta": {"request_id": "list", "ts": now.isoformat()},
            "pagination": {"has_more": offset + 3 < len(self.rows)},
        }
        return answer(200, body), self.rate_waited


class Case:
    """Creates under way in one process, whose requests left just now."""

    def __init__(self, clock: Clock, newest: Newest) -> None:
        self.clock = clock
        self.claims = Claims()
        self.newest = newest
        self.shared = NewestCalls(clock, self.claims)
        self.creates = 0

    def request(self, *, deadline: float | None = None, **body: Any) -> Request:
        self.creates += 1
        facts = {} if deadline is None else {"deadline": deadline}
        now = self.clock.monotonic()
        made = request_for("POST", RetryClass.RECONCILE, sent_at=now, attempts=1, **facts)
        sent = {"agent_id": "agent", "phone_number": NUMBER, **body}
        return evolve(made, idempotency_key=f"key-{self.creates}", body=json.dumps(sent).encode())

    def reconciler(self, timeout: float = 30) -> CallReconciler:
        return CallReconciler(
            clock=self.clock, claims=self.claims, newest=self.shared, timeout=timeout, fetch=lambda _: self.newest
        )

    async def look(self, failure: Any = SLOW, *, timeout: float = 30, **facts: Any) -> Response:
        """Lose the answer to a create that has just left, and look for its call."""
        reconciler, request = self.reconciler(timeout), self.request(**facts)
        with reconciler.registered(request):
            return await reconciler(request, failure)


async def found(*rows: dict[str, Any], skew: float = 0.0, **body: Any) -> str | None:
    """The id of the call that is found among these; None if none or several may be it."""
    clock = JumpingClock(NOON)
    try:
        response = await Case(clock, Newest(clock, *rows, skew=skew)).look(**body)
    except CallOutcomeUnknownError:
        return None
    assert response.reconciled
    answered: Any = response.json()
    assert answered["meta"]["request_id"] == "list"
    return str(answered["data"]["id"])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        ([row("a")], "a"),
        ([row("a", 0)], "a"),
        ([row("a", -60)], None),
        ([row("a", to="+14155550124")], None),
        ([row("a", to="+1 (415) 555-0123")], "a"),
        ([row("a", to="0014155550123")], "a"),
        ([row("a", to=None, phone_number=NUMBER)], "a"),
        ([row("a", to=None, to_number=NUMBER)], "a"),
        ([row("a", to=None)], None),
        ([row("a", agent_id="another")], None),
        ([row("a", agent_id=None)], "a"),
        ([row("a", created_at=None)], None),
        ([row("a"), row("b")], None),
        ([row("a"), row("c", to="+14155550124"), row("d", to="+14155550124"), row("a")], "a"),
        ([row("a"), row("b", -60)], "a"),
        ([row("a"), {"status": "queued"}], "a"),
        ([{**row("a"), "id": None}], None),
    ],
)
async def test_which_row_is_the_call(rows: list[dict[str, Any]], expected: str | None) -> None:
    assert await found(*rows) == expected


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
async def test_times_are_read_on_the_servers_clock(skew: float) -> None:
    assert await found(row("a", skew + 1), skew=skew) == "a"
    assert await found(row("b", skew - 60), skew=skew) is None


async def test_a_clock_that_is_set_right_meanwhile_lets_no_old_call_in() -> None:
    clock = FakeClock(NOON - 1300)
    case = Case(clock, Newest(clock, row("mine", 0.5), row("old", -1200)))
    reconciler, request = case.reconciler(), case.request()
    with reconciler.registered(request):
        clock.set_wall(NOON)
        body: Any = (await reconciler(request, SLOW)).json()
    assert body["data"]["id"] == "mine"


async def test_a_server_that_does_not_tell_its_time_leaves_the_call_unknown() -> None:
    clock = JumpingClock(NOON)
    case = Case(clock, Newest(clock))
    page = answer(200, {"data": [row("a")]})

    async def timeless(offset: int) -> tuple[Response, float]:
        return page, 0.0

    reconciler, request = case.reconciler(), case.request()
    reconciler._fetch = lambda _: timeless
    with reconciler.registered(request), pytest.raises(CallOutcomeUnknownError, match="does not tell its time"):
        await reconciler(request, SLOW)


async def test_the_page_of_a_row_does_not_matter_while_rows_are_newer() -> None:
    others = [row(f"other-{number}", 5 - number / 10, to="+14155550199") for number in range(7)]
    assert await found(*others, row("mine", 1)) == "mine"


async def test_pages_older_than_the_attempt_are_not_read() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, row("mine", 1), *(row(f"old-{number}", -100 - number) for number in range(30)))
    await Case(clock, newest).look()
    assert newest.asked == [0]


async def test_a_list_in_another_order_is_read_to_its_end() -> None:
    old = [row(f"old-{number}", -100 + number) for number in range(10)]
    assert await found(*old, row("mine", 1)) == "mine"


async def test_a_server_that_gives_one_page_for_ever_and_promises_more_is_asked_no_further() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, *(row(f"other-{number}", 5, to="+14155550199") for number in range(4)), row("mine", 1))
    case = Case(clock, newest)
    reconciler, request = case.reconciler(timeout=1), case.request()
    reconciler._fetch = lambda _: lambda offset: newest(0)
    with reconciler.registered(request), pytest.raises(CallOutcomeUnknownError):
        await reconciler(request, SLOW)
    assert len(newest.asked) <= 6


async def test_a_call_that_appears_later_is_found() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock)

    def place(count: int) -> None:
        if count == 4:
            newest.rows.append(row("late", 4))

    newest.on_request = place
    await Case(clock, newest).look()
    assert clock.slept == [0.5, 1.0, 2.0]


async def test_it_looks_no_longer_than_reconcile_timeout() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock)
    with pytest.raises(CallOutcomeUnknownError) as caught:
        await Case(clock, newest).look(timeout=30)
    assert sum(clock.slept) == pytest.approx(30)
    assert len(newest.asked) == 9
    error = caught.value
    assert (error.idempotency_key, error.candidates, error.__cause__) == ("key-1", (), SLOW)
    assert dict(error.details) == {"looked": True}
    assert "looked for the call for 30 s and found none" in str(error)


async def test_time_spent_at_the_rate_limiter_does_not_count() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock)
    newest.rate_waited = 60.0
    newest.on_request = lambda _: clock.advance(60)
    with pytest.raises(CallOutcomeUnknownError):
        await Case(clock, newest).look(timeout=30)
    assert len(newest.asked) == 9


@pytest.mark.parametrize(("rows", "is_found"), [([row("a", status="failed")], True), ([], False)])
async def test_a_call_that_the_provider_refused_is_looked_for_once(rows: list[dict[str, Any]], is_found: bool) -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, *rows)
    if is_found:
        assert (await Case(clock, newest).look(REFUSED_UPSTREAM)).reconciled
    else:
        with pytest.raises(ProviderError):
            await Case(clock, newest).look(REFUSED_UPSTREAM)
    assert (newest.asked, clock.slept) == ([0], [])


@pytest.mark.parametrize(("deadline", "asked"), [(4.0, 5), (-1.0, 0)])
async def test_the_deadline_bounds_the_search(deadline: float, asked: int) -> None:
    clock = FakeClock()
    newest = Newest(clock)
    case = Case(clock, newest)
    raised: list[CallOutcomeUnknownError] = []

    async def look() -> None:
        with pytest.raises(CallOutcomeUnknownError) as caught:
            await case.look(deadline=clock.monotonic() + deadline)
        raised.append(caught.value)

    async with anyio.create_task_group() as group:
        group.start_soon(look)
        await clock.run(4.1)
    assert raised[0].details["looked"] is (asked > 0)
    assert len(newest.asked) <= asked
    assert bool(newest.asked) is bool(asked)


async def test_the_error_holds_the_candidates() -> None:
    clock = JumpingClock(NOON)
    with pytest.raises(CallOutcomeUnknownError) as caught:
        await Case(clock, Newest(clock, row("a"), row("b"))).look()
    assert [call.id for call in caught.value.candidates] == ["a", "b"]
    assert NUMBER not in f"{caught.value!r}"


async def test_faults_of_the_list_do_not_end_the_search() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, row("a"))

    def fail(count: int) -> None:
        if count < 3:
            raise ServerError("down", retryable=True)

    newest.on_request = fail
    assert (await Case(clock, newest).look()).reconciled


async def test_a_refusal_of_the_list_ends_the_search() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, row("a"))

    def refuse(_: int) -> None:
        raise AuthenticationError("revoked")

    newest.on_request = refuse
    with pytest.raises(CallOutcomeUnknownError, match="could not be looked for"):
        await Case(clock, newest).look()
    assert newest.asked == [0]


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


async def test_fifty_that_look_at_once_share_few_lists() -> None:
    clock = FakeClock()
    newest = Newest(clock, *(row(f"mine-{number}", 1, variables={"n": str(number)}) for number in range(60)))
    newest.rows = [*newest.rows]
    case = Case(clock, newest)
    found: set[str] = set()

    async def look(number: int) -> None:
        body: Any = (await case.look(variables={"n": number})).json()
        found.add(body["data"]["id"])

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(look, number)
        await settle()
        assert len(newest.asked) <= 5
        await clock.run(1)
        group.cancel_scope.cancel()
    assert found <= {f"mine-{number}" for number in range(50)}


async def test_fifty_that_look_in_vain_cost_five_lists_a_round() -> None:
    clock = FakeClock()
    newest = Newest(clock, *(row(f"other-{number}", 1, to="+14155550199") for number in range(60)))
    case = Case(clock, newest)

    async def look(number: int) -> None:
        with pytest.raises(CallOutcomeUnknownError):
            await case.look()

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(look, number)
        await clock.run(31)
    rounds = newest.asked.count(0)
    assert rounds <= 8
    assert len(newest.asked) <= 5 * rounds


async def test_when_the_one_who_lists_for_all_is_cancelled_another_does() -> None:
    clock = FakeClock()
    newest = Newest(clock, row("a", variables={"n": "1"}), row("b", variables={"n": "2"}))
    case = Case(clock, newest)
    hold = anyio.Event()
    leading = anyio.CancelScope()
    ids: list[str] = []
    lists = newest.__call__

    async def held(offset: int) -> tuple[Response, float]:
        await hold.wait()
        return await lists(offset)

    async def look(number: int) -> None:
        reconciler, request = case.reconciler(), case.request(variables={"n": number})
        reconciler._fetch = lambda _: held
        with reconciler.registered(request):
            body: Any = (await reconciler(request, SLOW)).json()
        ids.append(body["data"]["id"])

    async def lead() -> None:
        with leading:
            await look(1)

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await settle()
        group.start_soon(look, 2)
        await settle()
        leading.cancel()
        hold.set()
        await clock.run(2)
    assert ids == ["b"]


async def test_a_call_that_was_found_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "trudy")
    clock = JumpingClock(NOON)
    await Case(clock, Newest(clock, row("a"))).look()
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "INFO"]
    assert "key-1" in line
    assert " a to +1415***0123" in line


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
