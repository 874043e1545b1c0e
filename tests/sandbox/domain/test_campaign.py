"""A campaign by itself, with calls that a test makes up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from trudy._hours import WorkingHours
from trudy.sandbox.domain import lifecycle
from trudy.sandbox.domain.campaign import (
    PACE_SECONDS,
    RETRY_SECONDS,
    Campaign,
    CampaignSettings,
    Dialed,
    DialLater,
    Impossible,
    Member,
    Refused,
)
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.domain.new_call import SETTINGS
from trudy.sandbox.domain.outcome_by_number import Outcome

MONDAY = datetime(2025, 6, 16, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


def settings_of(
    *,
    at_once: int = 10,
    a_day: int | None = None,
    attempts: int = 1,
    start: time | None = None,
    end: time | None = None,
    zone: str = "UTC",
) -> CampaignSettings:
    hours = WorkingHours(zone=ZoneInfo(zone), days=frozenset(range(1, 8)), start=start or time(), end=end)
    return CampaignSettings(hours=hours, max_concurrent_calls=at_once, max_calls_per_day=a_day, attempts=attempts)


class Line:
    """Places calls that end as `outcome` says, and keeps them; `answers` gives others by number."""

    def __init__(self, outcome: Outcome = Outcome.COMPLETED, answers: dict[str, Any] | None = None) -> None:
        self.calls: list[PlacedCall] = []
        self._outcome = outcome
        self._answers = answers or {}

    def dial(self, campaign: Campaign, member: Member, moment: float) -> Dialed:
        answer = self._answers.get(member.phone_number, self._outcome)
        if callable(answer):
            answer = answer(moment)
        if not isinstance(answer, Outcome):
            return answer
        call = PlacedCall(
            id=f"{len(self.calls)}",
            agent_id="a",
            agent_name="Ada",
            to=member.phone_number,
            from_number=None,
            attempt=1,
            outcome=answer,
            idempotency_key=None,
            variables={},
            call_settings=SETTINGS,
            greeting=None,
            timeline=lifecycle.plan(answer, created_at=moment, join_timeout=30, max_duration=3600),
            campaign_id=campaign.id,
        )
        self.calls.append(call)
        return call

    @property
    def moments(self) -> list[float]:
        return [call.created_at - MONDAY for call in self.calls]

    def most_at_once(self) -> int:
        edges = [(call.created_at, 1) for call in self.calls] + [(call.timeline.ended_at, -1) for call in self.calls]
        most = running = 0
        for _, step in sorted(edges):
            running += step
            most = max(most, running)
        return most


def campaign_of(count: int = 5, **options: Any) -> Campaign:
    campaign = Campaign(
        id="b",
        order=0,
        agent_id="a",
        created_at=MONDAY,
        updated_at=MONDAY,
        settings=settings_of(**options),
        described={},
    )
    campaign.add(map(member, range(count)), MONDAY)
    return campaign


def member(index: int) -> Member:
    return Member(contact_id=f"c{index}", phone_number=f"+1415555{index:04d}")


def run(campaign: Campaign, line: Line, until: float = MONDAY + 365 * DAY) -> None:
    while (moment := campaign.next_event()) is not None and moment <= until:
        campaign.step(line.dial)


def statuses(campaign: Campaign) -> list[str]:
    return [status for _, status in campaign.history]


def test_a_draft_does_nothing_until_it_is_scheduled() -> None:
    campaign = campaign_of()
    assert campaign.next_event() is None
    assert {person.status for person in campaign.members} == {"pending"}
    campaign.schedule(MONDAY + 60, MONDAY)
    assert (campaign.next_event(), campaign.status) == (MONDAY + 60, "scheduled")
    assert {person.status for person in campaign.members} == {"scheduled"}
    line = Line()
    run(campaign, line)
    assert statuses(campaign) == ["draft", "scheduled", "active", "completed"]
    assert [moment for moment, _ in campaign.history] == [MONDAY, MONDAY, MONDAY + 60, MONDAY + 89]
    assert campaign.counts == {"total_contacts": 5, "called": 5, "completed": 5, "failed": 0, "pending": 0}


def test_waves_of_as_many_as_may_be_called_at_once() -> None:
    campaign, line = campaign_of(5, at_once=2), Line()
    campaign.schedule(MONDAY, MONDAY)
    assert [(person.due or 0) - MONDAY for person in campaign.members] == [0, 0, PACE_SECONDS, PACE_SECONDS, 60]
    run(campaign, line)
    assert line.moments == [0, 0, 30, 30, 60]
    assert line.most_at_once() == 2


def test_a_long_call_takes_one_of_the_concurrent_calls() -> None:
    campaign, line = campaign_of(3, at_once=1), Line(Outcome.LONG)
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line)
    assert line.moments == [0, 1805, 3610]


def test_no_more_in_a_day_than_allowed_and_the_day_is_the_zones() -> None:
    campaign, line = campaign_of(5, a_day=2, zone="America/New_York"), Line()
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line)
    midnight = datetime(2025, 6, 17, 4, tzinfo=UTC).timestamp() - MONDAY
    assert line.moments == [0, 0, midnight, midnight, midnight + DAY]


def test_only_within_its_hours() -> None:
    campaign, line = campaign_of(4, at_once=1, start=time(11), end=time(12, 1)), Line()
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line)
    assert line.moments == [0, 30, DAY - 3600, DAY - 3570]


def test_failed_calls_are_placed_again_after_a_rest() -> None:
    answers = {"+14155550001": Outcome.NO_ANSWER, "+14155550002": Outcome.BUSY, "+14155550003": Outcome.FAILED}
    campaign, line = campaign_of(5, attempts=3), Line(answers=answers)
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line)
    calls = Counter(call.to for call in line.calls)
    assert [calls[person.phone_number] for person in campaign.members] == [1, 3, 3, 3, 1]
    for first, second in [(call, later) for call in line.calls for later in line.calls if call is not later]:
        if first.to == second.to and first.created_at < second.created_at:
            assert second.created_at >= first.timeline.ended_at + RETRY_SECONDS
    assert campaign.counts == {"total_contacts": 5, "called": 5, "completed": 2, "failed": 3, "pending": 0}


def test_between_two_attempts_a_contact_is_scheduled() -> None:
    campaign, line = campaign_of(1, attempts=2), Line(Outcome.BUSY)
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line, MONDAY)
    assert campaign.members[0].status == "in_progress"
    run(campaign, line, MONDAY + 3)
    assert (campaign.members[0].status, campaign.members[0].due) == ("scheduled", MONDAY + 3 + RETRY_SECONDS)
    assert (campaign.status, campaign.counts["pending"]) == ("active", 1)
    run(campaign, line)
    assert (campaign.members[0].status, campaign.status) == ("failed", "completed")


def test_a_pause_ends_no_call_and_resuming_makes_a_new_plan() -> None:
    campaign, line = campaign_of(6, at_once=2), Line()
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line, MONDAY + 10)
    campaign.pause(MONDAY + 10)
    run(campaign, line, MONDAY + 3600)
    assert (len(line.calls), campaign.counts["completed"], campaign.status) == (2, 2, "paused")
    campaign.resume(MONDAY + 3600)
    run(campaign, line)
    assert line.moments == [0, 0, 3600, 3600, 3630, 3630]
    assert statuses(campaign) == ["draft", "scheduled", "active", "paused", "active", "completed"]


def test_a_pause_before_the_start_resumes_as_scheduled() -> None:
    campaign, line = campaign_of(1), Line()
    campaign.schedule(MONDAY + 3600, MONDAY)
    campaign.pause(MONDAY + 1)
    run(campaign, line, MONDAY + 2)
    campaign.resume(MONDAY + 2)
    assert (campaign.status, campaign.next_event()) == ("scheduled", MONDAY + 3600)
    campaign.pause(MONDAY + 3)
    campaign.resume(MONDAY + 7200)
    assert campaign.status == "active"
    run(campaign, line)
    assert line.moments == [7200]


def test_a_retry_keeps_its_rest_over_a_pause() -> None:
    campaign, line = campaign_of(1, attempts=2), Line(Outcome.BUSY)
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line, MONDAY + 5)
    campaign.pause(MONDAY + 5)
    campaign.resume(MONDAY + 6)
    run(campaign, line)
    assert line.moments == [0, 3 + RETRY_SECONDS]


def test_a_retry_is_kept_while_a_later_start_is_waited_for() -> None:
    campaign, line = campaign_of(1, attempts=2), Line(Outcome.BUSY)
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line, MONDAY + 1)
    campaign.pause(MONDAY + 1)
    campaign.start_at = MONDAY + 7200
    campaign.resume(MONDAY + 2)
    run(campaign, line, MONDAY + 4)
    assert (campaign.status, campaign.members[0].status, campaign.members[0].due) == (
        "scheduled",
        "scheduled",
        MONDAY + 7200,
    )
    run(campaign, line)
    assert line.moments == [0, 7200]


def test_a_campaign_whose_last_call_ends_in_a_pause_is_completed_by_resuming() -> None:
    campaign, line = campaign_of(1), Line()
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line, MONDAY + 1)
    campaign.pause(MONDAY + 1)
    run(campaign, line, MONDAY + 100)
    assert campaign.status == "paused"
    campaign.resume(MONDAY + 100)
    run(campaign, line)
    assert campaign.history[-1] == (MONDAY + 100, "completed")


def test_changes_take_effect_from_when_they_are_made() -> None:
    campaign, line = campaign_of(6, at_once=1), Line()
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line, MONDAY + 40)
    campaign.pause(MONDAY + 40)
    campaign.settings = settings_of(at_once=3)
    campaign.plan_anew(MONDAY + 40)
    campaign.resume(MONDAY + 50)
    run(campaign, line)
    # Two places are free; the third is when the call that runs ends.
    assert line.moments == [0, 30, 50, 50, 59, 80]


def test_contacts_may_join_while_it_runs() -> None:
    campaign, line = campaign_of(2, at_once=1), Line()
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line, MONDAY + 1)
    assert campaign.add([member(1), member(7), member(7)], MONDAY + 1) == 2
    run(campaign, line)
    assert [call.to for call in line.calls] == [member(index).phone_number for index in (0, 1, 7)]
    assert campaign.counts["total_contacts"] == 3


def test_added_contacts_are_planned_after_the_others_of_the_day() -> None:
    campaign, line = campaign_of(5, at_once=2, a_day=5), Line()
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line, MONDAY + 1)
    campaign.add(map(member, range(5, 8)), MONDAY + 1)
    campaign.add(map(member, range(8, 13)), MONDAY + 1)
    days = Counter(int(((person.due or MONDAY) - MONDAY + DAY / 2) // DAY) for person in campaign.members)
    assert days == {0: 5, 1: 5, 2: 3}
    run(campaign, line)
    assert Counter(int((moment + DAY / 2) // DAY) for moment in line.moments) == days


def test_refused_numbers_fail_without_a_call() -> None:
    campaign, line = campaign_of(2, attempts=3), Line(answers={"+14155550000": Refused()})
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line)
    assert [person.status for person in campaign.members] == ["failed", "completed"]
    assert (campaign.members[0].last_call, campaign.counts["called"]) == (None, 1)


def test_a_dial_may_be_put_off() -> None:
    answers = {"+14155550000": lambda moment: DialLater(MONDAY + 60) if moment < MONDAY + 60 else Outcome.COMPLETED}
    campaign, line = campaign_of(1), Line(answers=answers)
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line)
    assert line.moments == [60]


def test_a_campaign_that_cannot_dial_fails_and_ends_no_call() -> None:
    campaign, line = campaign_of(4, at_once=1), Line(answers={"+14155550001": Impossible()})
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line)
    assert statuses(campaign) == ["draft", "scheduled", "active", "failed"]
    assert [person.status for person in campaign.members] == ["completed", "pending", "pending", "pending"]
    assert campaign.next_event() is None


def test_a_cancelled_campaign_calls_nobody() -> None:
    campaign, line = campaign_of(3, at_once=1, attempts=3), Line(Outcome.BUSY)
    campaign.schedule(MONDAY, MONDAY)
    run(campaign, line, MONDAY)
    campaign.end("cancelled", MONDAY + 1)
    run(campaign, line)
    assert [person.status for person in campaign.members] == ["failed", "pending", "pending"]
    assert (len(line.calls), campaign.status) == (1, "cancelled")


@settings(deadline=None)
@given(
    count=st.integers(1, 60),
    at_once=st.integers(1, 12),
    a_day=st.one_of(st.none(), st.integers(1, 20)),
    attempts=st.integers(1, 4),
    outcomes=st.lists(
        st.sampled_from([Outcome.COMPLETED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED, Outcome.LONG]), min_size=1
    ),
    pauses=st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), max_size=4),
)
def test_whatever_happens_the_limits_hold_and_everybody_is_called(
    count: int,
    at_once: int,
    a_day: int | None,
    attempts: int,
    outcomes: list[Outcome],
    pauses: list[tuple[int, int]],
) -> None:
    campaign = campaign_of(count, at_once=at_once, a_day=a_day, attempts=attempts, start=time(9), end=time(17))
    line = Line(answers={member(index).phone_number: outcomes[index % len(outcomes)] for index in range(count)})
    campaign.schedule(MONDAY, MONDAY)
    now = MONDAY
    for runs, rests in pauses:
        now += runs
        run(campaign, line, now)
        if campaign.status == "completed":
            break
        campaign.pause(now)
        calls = len(line.calls)
        now += rests
        run(campaign, line, now)
        assert len(line.calls) == calls
        campaign.resume(now)
    run(campaign, line)
    assert campaign.status == "completed"
    assert line.most_at_once() <= at_once
    walls = [datetime.fromtimestamp(call.created_at, UTC) for call in line.calls]
    assert all(9 <= wall.hour < 17 for wall in walls)
    assert a_day is None or max(Counter(wall.date() for wall in walls).values()) <= a_day
    calls_of = Counter(call.to for call in line.calls)
    for index, person in enumerate(campaign.members):
        fails = outcomes[index % len(outcomes)] in (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED)
        assert calls_of[person.phone_number] == (attempts if fails else 1)
        assert person.status == ("failed" if fails else "completed")
    assert walls == sorted(walls)


def test_no_whole_number_in_a_repr() -> None:
    assert "+14155550001" not in repr(member(1))


def test_nobody_to_call_is_done_at_once() -> None:
    campaign, line = campaign_of(0), Line()
    campaign.schedule(MONDAY + 5, MONDAY)
    run(campaign, line)
    assert campaign.history[-1] == (MONDAY + 5, "completed")
