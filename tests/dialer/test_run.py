"""What holds during a run and over several: the hours, retries, whom a run may call, hooks, and held rows."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.dialer.conftest import START, Night, numbers_ending
from tests.dialer.test_dialer import ONCE, run
from trudy import ConfigurationError, InvalidArgumentError, NotFoundError, RateLimitError
from trudy.dialer import (
    AttemptResult,
    Attempts,
    Breaker,
    CallBack,
    DialEvent,
    DueRow,
    Heard,
    Hours,
    Later,
    OptOut,
    Policy,
    Retry,
    RetryAfter,
)
from trudy.dialer.policy import OutcomeWord
from trudy.models import Call

pytestmark = pytest.mark.anyio


def call_times(night: Night, number: str) -> list[float]:
    return [call.created_at - START for call in night.sandbox.placed_calls if call.to == number]


async def test_the_careful_hours_hold_in_every_zone(night: Night) -> None:
    new_york, los_angeles = "+12125550100", "+14155550101"
    plan = await night.plan([los_angeles, new_york], Policy())
    result = await run(night, plan)
    assert (result.state, result.counts) == ("done", {"done": 2})
    assert 0 <= call_times(night, new_york)[0] < 60
    assert 3600 <= call_times(night, los_angeles)[0] < 3660, "at ten on its own wall"


async def test_the_hours_are_those_of_the_servers_clock(night: Night) -> None:
    """The server says that it is an hour later than the machine believes: ten o'clock in Los Angeles."""
    night.sandbox.faults.add(skew=3600.0)
    await night.client.agents.get(night.agent)
    await run(night, await night.plan(["+14155550101"], Policy()))
    assert call_times(night, "+14155550101")[0] < 60


async def test_a_busy_line_is_tried_again_as_the_policy_says(night: Night) -> None:
    (number,) = numbers_ending(20)
    policy = Policy(
        hours=Hours.always(), gap=0, attempts=Attempts(a_day=2), retry={"busy": RetryAfter(seconds=300, most=2)}
    )
    plan = await night.plan([number], policy)
    result = await run(night, plan)
    assert (result.state, result.counts) == ("done", {"done": 1})
    first, second = call_times(night, number)
    assert second - first >= 300
    await night.dialer.export(plan.campaign, night.folder / "results.csv")
    with (night.folder / "results.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["outcome"], row["reason"], row["attempts"]) == ("busy", "attempts_spent", "2")


async def test_a_canary_holds_over_runs_of_the_same_script(night: Night) -> None:
    numbers = numbers_ending(*range(6))
    for _ in range(2):
        plan = await night.plan(numbers, ONCE, canary=2)
        result = await run(night, plan)
        assert (result.state, result.reason) == ("paused", "the canary was called")
        assert len(night.sandbox.placed_calls) == 2
    assert (await run(night, await night.plan(numbers, ONCE, canary=3))).state == "paused"
    assert len(night.sandbox.placed_calls) == 3
    assert (await run(night, await night.plan(numbers, ONCE))).state == "done"
    night.sandbox.assert_no_number_dialed_twice()
    assert len(night.sandbox.placed_calls) == 6


async def test_with_only_to_nobody_else_is_called_until_it_is_left_out(night: Night) -> None:
    numbers = numbers_ending(*range(4))
    only = [{"who": "the team", "phone": numbers[2]}]
    for _ in range(2):
        plan = await night.plan(numbers, ONCE, only_to=only)
        assert "only to      1 numbers" in plan.summary()
        result = await run(night, plan)
        assert (result.state, result.reason) == ("paused", "only held rows are left")
        assert [call.to for call in night.sandbox.placed_calls] == [numbers[2]]
    assert any("held (only some numbers" in line for line in await night.dialer.why(numbers[0]))
    assert (await run(night, await night.plan(numbers, ONCE))).state == "done"
    night.sandbox.assert_no_number_dialed_twice()
    assert len(night.sandbox.placed_calls) == 4


async def test_an_entry_of_only_to_that_is_no_number_is_named_by_its_line(night: Night) -> None:
    with pytest.raises(InvalidArgumentError, match="only_to: line 2"):
        await night.plan(numbers_ending(0), ONCE, only_to=[{"phone": "+14155550100"}, {"phone": "Al"}])
    assert await night.dialer.store.campaigns() == []


async def test_max_calls_pauses(night: Night) -> None:
    policy = Policy(hours=Hours.always(), gap=0, max_calls=2)
    result = await run(night, await night.plan(numbers_ending(0, 1, 2), policy))
    assert (result.state, result.reason) == ("paused", "max_calls is reached")
    assert len(night.sandbox.placed_calls) == 2


@pytest.mark.parametrize(("most", "calls"), [(0.5, 1), (0.6, 2), (5.0, 3)])
async def test_money_is_reserved_and_then_settled(night: Night, most: float, calls: int) -> None:
    """A call may cost 0.50 and costs 0.10."""
    policy = Policy(hours=Hours.always(), gap=0, max_live=1, price=0.5, max_spend=most)
    result = await run(night, await night.plan(numbers_ending(0, 1, 2), policy))
    assert len(night.sandbox.placed_calls) == calls
    assert result.reason == (None if calls == 3 else "max_spend is reached")
    status = await night.dialer.status(result.campaign)
    assert (status.spent, status.reserved) == (pytest.approx(0.1 * calls), pytest.approx(0))


async def test_failures_in_a_row_trip_the_breaker_and_who_resumes_goes_on(night: Night) -> None:
    numbers = numbers_ending(50, 51, 52, 53, 0)
    policy = Policy(
        hours=Hours.always(), gap=0, max_live=1, retry={"failed": None}, breaker=Breaker(failed_share=0.5, of_last=4)
    )
    plan = await night.plan(numbers, policy)
    events: list[DialEvent] = []
    result = await run(night, plan, on_event=events.append)
    assert (result.state, result.reason) == ("paused", "4 of the last 4 attempts failed")
    assert [(each.row, each.detail) for each in events if each.kind == "breaker"] == [(None, result.reason)]
    assert result.counts == {"done": 4, "waiting": 1}
    assert (await night.dialer.status(plan.campaign)).reason == result.reason
    assert (await run(night, plan)).state == "done"


async def test_short_calls_in_a_row_trip_the_breaker(night: Night) -> None:
    policy = Policy(hours=Hours.always(), gap=0, max_live=1, breaker=Breaker(short_calls=2, shorter_than=60))
    result = await run(night, await night.plan(numbers_ending(0, 1, 2, 3), policy))
    assert (result.state, result.reason) == ("paused", "2 calls in a row ended within 60 s")
    assert result.counts == {"done": 2, "waiting": 2}


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (402, "payment_required"), (403, "forbidden")])
async def test_a_refusal_for_everybody_pauses_and_spends_nothing(night: Night, status: int, code: str) -> None:
    night.sandbox.faults.add(method="POST", path="/calls", status=status, code=code)
    result = await run(night, await night.plan(numbers_ending(0, 1, 2), Policy(hours=Hours.always(), gap=0)))
    assert (result.state, result.reason) == ("paused", f"HTTP {status}: {code}")
    assert result.counts == {"waiting": 3}
    assert (await night.dialer.status(result.campaign)).dialed == 0


async def test_a_contact_may_be_called_later_or_back(night: Night) -> None:
    first, second, third = numbers_ending(0, 1, 2)
    at = datetime.fromtimestamp(START, UTC) + timedelta(minutes=3)
    policy = Policy(hours=Hours.always(), gap=0, attempts=Attempts(a_day=2))

    def should_dial(row: DueRow) -> Later | None:
        return Later(at) if row.number == first and night.dialer.now() < at.timestamp() else None

    def on_outcome(result: AttemptResult) -> CallBack | Retry | None:
        if result.contact.attempts > 1:
            return None
        return {second: CallBack(at), third: Retry(after=60)}.get(result.contact.number)

    result = await run(
        night, await night.plan([first, second, third], policy), should_dial=should_dial, on_outcome=on_outcome
    )
    assert (result.state, result.counts) == ("done", {"done": 3})
    assert call_times(night, first)[0] >= 180
    assert call_times(night, second)[1] >= 180
    assert call_times(night, third)[1] - call_times(night, third)[0] >= 60


async def test_a_hook_that_names_times_that_are_over_is_asked_each_ten_seconds(night: Night) -> None:
    asked: list[float] = []

    def should_dial(_: DueRow) -> Later | None:
        asked.append(night.dialer.now())
        return Later(datetime(2020, 1, 1, tzinfo=UTC)) if len(asked) < 4 else None

    plan = await night.plan(numbers_ending(0), ONCE)
    assert (await run(night, plan, should_dial=should_dial)).counts == {"done": 1}
    assert len(asked) == 4
    assert all(later - earlier >= 10 for earlier, later in pairwise(asked))


async def test_an_async_on_event_is_refused(night: Night) -> None:
    async def on_event(event: DialEvent) -> None:
        raise AssertionError(event)

    plan = await night.plan(numbers_ending(0), ONCE)
    with pytest.raises(InvalidArgumentError, match="plain function") as refused:
        await run(night, plan, on_event=on_event)
    assert refused.value.argument == "on_event"


@pytest.mark.parametrize("make", [Later, CallBack])
def test_times_say_their_zone(make: type) -> None:
    with pytest.raises(InvalidArgumentError, match="time zone"):
        make(datetime(2026, 6, 5))  # noqa: DTZ001
    with pytest.raises(InvalidArgumentError):
        make(5.0)


async def test_an_opt_out_is_committed_before_anything_else_is_placed(night: Night) -> None:
    """The same person is in a second campaign, which goes on at the moment the opt-out is heard."""
    (number,) = numbers_ending(70)
    others = numbers_ending(*range(1, 4))
    heard: list[bool] = []

    plan = await night.plan([number, *others], Policy(hours=Hours.always(), max_live=1))

    def tell(event: DialEvent) -> None:
        if event.kind == "ended" and event.detail == "opted_out":
            heard.append(len(night.sandbox.placed_calls) == 1)

    assert (await run(night, plan, on_event=tell)).state == "done"
    assert heard == [True]
    assert await night.dialer.dnc.add(number) == 0


async def test_classify_may_be_told_by_the_user(night: Night) -> None:
    class Event:
        def __init__(self, call_id: str) -> None:
            self.call_id = call_id

    (number,) = numbers_ending(0)
    seen: list[Heard] = []

    async def classify(call: Call, event: Heard) -> OutcomeWord:
        seen.append(event)
        return "voicemail"

    def nudge(event: DialEvent) -> None:
        if event.kind == "placed":
            night.dialer.nudge(Event(event.detail))

    plan = await night.plan([number], ONCE)
    assert (await run(night, plan, classify=classify, on_event=nudge)).state == "done"
    (heard,) = seen
    assert isinstance(heard.event, Event)
    assert heard.event.call_id == night.sandbox.placed_calls[0].id
    assert heard.transcript is not None
    assert any("voicemail" in line for line in await night.dialer.why(number))


async def test_a_word_that_is_no_outcome_is_refused_by_name(night: Night) -> None:
    plan = await night.plan(numbers_ending(0), ONCE)
    with pytest.raises(ValueError, match="classify must give one of answered"):
        await run(night, plan, classify=lambda call, event: "happy")


async def test_a_hook_that_fails_ends_the_run_with_its_own_error(night: Night) -> None:
    def on_outcome(result: AttemptResult) -> OptOut | None:
        raise LookupError(result.outcome)

    with pytest.raises(LookupError, match="answered"):
        await run(night, await night.plan(numbers_ending(0, 1), ONCE), on_outcome=on_outcome)


async def test_hours_of_a_place_are_refused_for_the_real_api_too(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy(hours=Hours(by_region={"US-NY": Hours.always()}))
    plan = await night.plan(numbers_ending(0), policy)
    monkeypatch.setattr(type(night.client), "base_url", "https://api.truedy.ai/api/public/v1")
    with pytest.raises(ConfigurationError, match="i_know_the_law"):
        await run(night, plan)
    assert not night.sandbox.placed_calls


async def test_a_held_row_is_resolved_by_number_and_goes_on(night: Night) -> None:
    number, other = numbers_ending(0, 1)
    policy = Policy(hours=Hours.always(), gap=0, attempts=Attempts(a_day=2), unresolved_after=20)
    night.sandbox.fail_next(method="POST", path="/calls", reset="before")
    plan = await night.plan([number], policy)
    result = await run(night, plan)
    assert result.counts == {"unresolved": 1}
    assert not night.sandbox.placed_calls
    assert any("resolve() it" in line for line in await night.dialer.why(number))
    with pytest.raises(InvalidArgumentError, match="nothing is held"):
        await night.dialer.resolve(other, called=True)
    await night.dialer.resolve(number, called=False, reason="asked her")
    result = await run(night, await night.plan([number], policy))
    assert (result.state, result.counts) == ("done", {"done": 1})
    assert len(night.sandbox.placed_calls) == 1
    assert any("settled by hand as waiting: asked her" in line for line in await night.dialer.why(number))


async def test_a_campaign_is_paused_resumed_and_stopped_for_good(night: Night) -> None:
    plan = await night.plan(numbers_ending(0, 1), ONCE)
    await night.dialer.pause(plan.campaign, "lunch")
    assert (await night.dialer.status(plan.campaign)).reason == "lunch"
    await night.dialer.resume(plan.campaign)
    assert (await night.dialer.status(plan.campaign)).state == "running"
    assert await night.dialer.stop(plan.campaign) == 0
    assert (await run(night, plan)).state == "stopped"
    assert not night.sandbox.placed_calls
    for act in (night.dialer.pause, night.dialer.resume, night.dialer.stop):
        with pytest.raises(InvalidArgumentError, match="it is stopped"):
            await act(plan.campaign)


async def test_a_campaign_that_is_not_there_is_named(night: Night) -> None:
    for act in (night.dialer.pause, night.dialer.resume, night.dialer.stop, night.dialer.status):
        with pytest.raises(InvalidArgumentError, match="campaign"):
            await act("nonsense")
    with pytest.raises(InvalidArgumentError, match="campaign"):
        await night.dialer.export("nonsense", night.folder / "results.csv")
    assert not (night.folder / "results.csv").exists()


async def test_why_tells_in_sentences(night: Night) -> None:
    gone, refused, lost = numbers_ending(70, 40, 91)
    plan = await night.plan([gone, refused, lost, gone], ONCE)
    await run(night, plan)
    told = "\n".join(await night.dialer.why(gone))
    call_id = next(call.id for call in night.sandbox.placed_calls if call.to == gone)
    assert f"2026-06-05 16:00:00  the call was placed: {call_id}" in told
    assert "  the call ended: opted_out after 24 s" in told
    assert f"row 1 of campaign {plan.campaign}: done (opted_out, called 1 time)" in told
    assert f"row 4 of campaign {plan.campaign}: duplicate (the number stands further up in the source)" in told
    assert "on the do-not-call list: asked in a call" in told
    assert "the server refused the call: validation_error" in "\n".join(await night.dialer.why(refused))
    told = "\n".join(await night.dialer.why(lost))
    assert "nobody knows whether it was called" in told
    assert "its call was found" in told


@pytest.mark.parametrize("hook", ["should_dial", "classify", "on_outcome", "on_event"])
@pytest.mark.parametrize("error", [RateLimitError("not ours"), NotFoundError("not ours"), LookupError("not ours")])
async def test_an_error_of_the_api_in_a_hook_is_the_hooks_own(night: Night, hook: str, error: Exception) -> None:
    """A hook may use the client too; what fails there says nothing of the dialer's looking."""

    async def fails(*_: object) -> None:
        raise error

    def fails_at_once(*_: object) -> None:
        raise error

    plan = await night.plan(numbers_ending(0, 1), ONCE)
    with pytest.raises(type(error), match="not ours"):
        await run(night, plan, **{hook: fails_at_once if hook == "on_event" else fails})
    assert (await night.dialer.status(plan.campaign)).state == "running"
    result = await run(night, plan)
    assert (result.state, result.counts) == ("done", {"done": 2})
    night.sandbox.assert_no_number_dialed_twice()
