"""Looking for a call whose answer was lost: which row is it, on whose clock, and for how long."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.fakes.answers import answer, failure
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.jumping import JumpingClock
from tests.resources.creates import NUMBER, SLOW, Case, Newest, row
from trudy import (
    AuthenticationError,
    CallOutcomeUnknownError,
    ProviderError,
    ServerError,
)
from trudy.request import Response

pytestmark = pytest.mark.anyio
REFUSED_UPSTREAM = failure(502, "provider_error", {"httpStatus": 400})


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


async def test_a_call_that_was_found_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "trudy")
    clock = JumpingClock(NOON)
    await Case(clock, Newest(clock, row("a"))).look()
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "INFO"]
    assert "key-1" in line
    assert " a to +1415***0123" in line
