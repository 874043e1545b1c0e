from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from attrs import evolve

from tests.fakes.answers import answer, request_for
from tests.fakes.clock import NOON
from tests.fakes.jumping import JumpingClock
from tests.fakes.wire import Wire, envelope
from trudy import APITimeoutError, AsyncTrudyClient, AuthenticationError, CallOutcomeUnknownError, ServerError
from trudy.request import Request, Response, RetryClass
from trudy.resources._reconcile import CallReconciler, Claims, Wanted, claims, digits

pytestmark = pytest.mark.anyio

NUMBER = "+14155550123"
SLOW = APITimeoutError("no answer")


@pytest.fixture(autouse=True)
def _no_claims_left() -> None:
    claims._ids.clear()


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

    def __init__(self, clock: JumpingClock, *rows: dict[str, Any], skew: float = 0.0) -> None:
        self.rows = list(rows)
        self.asked: list[int] = []
        self._clock = clock
        self._skew = skew
        self.on_request: Callable[[int], None] = lambda _: None

    async def __call__(self, offset: int, seconds: float) -> Response:
        self.asked.append(offset)
        self.on_request(len(self.asked))
        now = datetime.fromtimestamp(self._clock.time() + self._skew, UTC)
        page = self.rows[offset : offset + 3]
        return answer(
            200,
            {
                "data": page,
                "meta": {"request_id": "list", "ts": now.isoformat()},
                "pagination": {"has_more": offset + 3 < len(self.rows)},
            },
        )


def attempt(**facts: object) -> Request:
    request = request_for("POST", RetryClass.RECONCILE, sent_at=NOON, attempts=1, **facts)
    return evolve(request, idempotency_key="a-key")


def reconcile(clock: JumpingClock, newest: Newest, *, ref: str | None = None, timeout: float = 30) -> CallReconciler:
    wanted = Wanted.by("agent", NUMBER, None if ref is None else {"trudy_ref": ref})
    return CallReconciler(clock=clock, wanted=wanted, timeout=timeout, fetch=newest)


async def found(*rows: dict[str, Any], ref: str | None = None, skew: float = 0.0) -> str | None:
    """The id of the call that is found among these; None if none or several may be it."""
    clock = JumpingClock(NOON + 2)
    try:
        response = await reconcile(clock, Newest(clock, *rows, skew=skew), ref=ref)(attempt(), SLOW)
    except CallOutcomeUnknownError:
        return None
    assert response.reconciled
    body: Any = response.json()
    assert body["meta"]["request_id"] == "list"
    return str(body["data"]["id"])


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


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({"trudy_ref": "x"}, "a"), ({"trudy_ref": "y"}, None), ({"name": "Bo"}, None), ({}, "a"), (None, "a")],
)
async def test_a_mark_decides_where_rows_show_variables(variables: dict[str, str] | None, expected: str | None) -> None:
    assert await found(row("a", variables=variables), ref="x") == expected


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
async def test_times_are_read_on_the_servers_clock(skew: float) -> None:
    assert await found(row("a", skew + 1), skew=skew) == "a"
    assert await found(row("b", skew - 60), skew=skew) is None


async def test_the_page_of_a_row_does_not_matter_while_rows_are_newer() -> None:
    others = [row(f"other-{number}", 5 - number / 10, to="+14155550199") for number in range(7)]
    assert await found(*others, row("mine", 1)) == "mine"


async def test_pages_older_than_the_attempt_are_not_read() -> None:
    clock = JumpingClock(NOON + 2)
    newest = Newest(clock, row("mine", 1), *(row(f"old-{number}", -100 - number) for number in range(30)))
    await reconcile(clock, newest)(attempt(), SLOW)
    assert newest.asked == [0]


async def test_a_list_in_another_order_is_read_to_its_end() -> None:
    old = [row(f"old-{number}", -100 + number) for number in range(10)]
    assert await found(*old, row("mine", 1)) == "mine"


async def test_a_server_that_gives_one_page_for_ever_and_promises_more_is_asked_no_further() -> None:
    clock = JumpingClock(NOON + 2)
    newest = Newest(clock, *(row(f"other-{number}", 5, to="+14155550199") for number in range(4)), row("mine", 1))

    async def first_page(offset: int, seconds: float) -> Response:
        assert len(newest.asked) < 50
        return await newest(0, seconds)

    look = CallReconciler(clock=clock, wanted=Wanted.by("agent", NUMBER, None), timeout=1, fetch=first_page)
    with pytest.raises(CallOutcomeUnknownError):
        await look(attempt(), SLOW)


async def test_a_call_that_appears_later_is_found() -> None:
    clock = JumpingClock(NOON + 2)
    newest = Newest(clock)

    def place(count: int) -> None:
        if count == 4:
            newest.rows.append(row("late", 4))

    newest.on_request = place
    await reconcile(clock, newest)(attempt(), SLOW)
    assert clock.slept == [0.5, 1.0, 2.0]


async def test_it_looks_no_longer_than_it_may() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock)
    with pytest.raises(CallOutcomeUnknownError) as caught:
        await reconcile(clock, newest, timeout=30)(attempt(), SLOW)
    assert sum(clock.slept) == pytest.approx(30)
    assert len(newest.asked) == 9
    error = caught.value
    assert (error.idempotency_key, error.candidates, error.__cause__) == ("a-key", (), SLOW)
    assert dict(error.details) == {"looked": True}
    assert "looked for the call for 30 s and found none" in str(error)


async def test_the_deadline_bounds_the_look() -> None:
    clock = JumpingClock(NOON)
    with pytest.raises(CallOutcomeUnknownError):
        await reconcile(clock, Newest(clock))(attempt(deadline=clock.monotonic() + 4), SLOW)
    assert sum(clock.slept) == pytest.approx(4)
    newest = Newest(clock)
    with pytest.raises(CallOutcomeUnknownError, match="no time was left to look for it") as caught:
        await reconcile(clock, newest)(attempt(deadline=clock.monotonic() - 1), SLOW)
    assert newest.asked == []
    assert caught.value.details["looked"] is False


async def test_candidates_come_along() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, row("a"), row("b"))
    with pytest.raises(CallOutcomeUnknownError) as caught:
        await reconcile(clock, newest)(attempt(), SLOW)
    assert [call.id for call in caught.value.candidates] == ["a", "b"]  # type: ignore[attr-defined]
    assert NUMBER not in f"{caught.value!r}"


async def test_faults_while_looking_are_outlasted() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, row("a"))

    def fail(count: int) -> None:
        if count < 3:
            raise ServerError("down", retryable=True)

    newest.on_request = fail
    assert (await reconcile(clock, newest)(attempt(), SLOW)).reconciled


async def test_a_refusal_while_looking_ends_it() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, row("a"))

    def refuse(_: int) -> None:
        raise AuthenticationError("revoked")

    newest.on_request = refuse
    with pytest.raises(CallOutcomeUnknownError):
        await reconcile(clock, newest)(attempt(), SLOW)
    assert newest.asked == [0]


async def test_a_call_goes_to_one_caller_only() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, row("a"))
    assert (await reconcile(clock, newest)(attempt(), SLOW)).reconciled
    with pytest.raises(CallOutcomeUnknownError):
        await reconcile(clock, newest)(attempt(), SLOW)


async def test_a_row_that_another_caller_may_still_be_answered_with_is_left_alone() -> None:
    clock = JumpingClock(NOON)
    newest = Newest(clock, row("a"))
    mine, other = reconcile(clock, newest), reconcile(clock, newest)

    def answer_the_other(count: int) -> None:
        if count == 3:
            claims.add("a", clock.monotonic())
            newest.rows.append(row("b"))
            settled.set()

    settled = anyio.Event()
    newest.on_request = answer_the_other
    responses: list[Response] = []

    async def look() -> None:
        with mine.dialing():
            responses.append(await mine(attempt(), SLOW))

    async with anyio.create_task_group() as group:
        with other.dialing():
            group.start_soon(look)
            await settled.wait()
    body: Any = responses[0].json()
    assert body["data"]["id"] == "b"


async def test_a_call_is_taken_before_others_may_look_for_theirs(
    client: AsyncTrudyClient, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bool] = []
    settle = Claims.settle

    def watched(book: Claims, number: str) -> None:
        taken.append(book.has("a-call"))
        settle(book, number)

    monkeypatch.setattr(Claims, "settle", watched)
    wire.answer(envelope({"id": "a-call"}, 201))
    await client.calls.create(agent_id="agent", phone_number=NUMBER)
    assert taken == [True]


def test_claims_are_forgotten_in_time() -> None:
    book = Claims()
    assert book.add("a", 0.0)
    assert not book.add("a", 800.0)
    assert book.has("a")
    assert book.add("b", 1000.0)
    assert not book.has("a")


def test_a_forked_child_does_not_wait_for_its_parents_calls() -> None:
    claims.dial("14155550123")
    try:
        child = os.fork()
        if child == 0:
            os._exit(int(claims.is_dialed("14155550123")))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert claims.is_dialed("14155550123")
    finally:
        claims.settle("14155550123")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("+1 415 555-0123", "14155550123"), ("001415", "1415"), ("sip", ""), ("+14155550123@carrier.test", "14155550123")],
)
def test_digits(text: str, expected: str) -> None:
    assert digits(text) == expected
