"""Looking for the ends of calls: which row of the list is a lost call, and when looking is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from attrs import evolve

from tests.dialer.conftest import Night, numbers_ending
from trudy.dialer import Attempts, Breaker, Dialer, DueRow, Hours, Policy
from trudy.dialer import sweep as sweeps
from trudy.dialer.endings import Endings
from trudy.dialer.records import Claim
from trudy.dialer.states import AttemptState
from trudy.dialer.sweep import Looked, Sweep
from trudy.models import Call
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio
ONCE = Policy(
    hours=Hours.always(),
    gap=0,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, short_calls=1000),
)
NUMBER = "+12125550100"


@pytest.fixture
async def hiding(tmp_path: Path, clock: JumpingClock) -> AsyncIterator[Night]:
    """A night at a server that hides variables."""
    sandbox = Sandbox(clock=clock, rate_limit=None, quirks={"calls_without_variables"})
    async with night_on(sandbox, tmp_path) as night:
        yield night


@asynccontextmanager
async def night_on(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Night]:
    async with (
        sandbox.async_client() as client,
        Dialer(client, store=tmp_path / "leads.db", clock=sandbox.clock) as dialer,
    ):
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet {{name}}.")
        yield Night(sandbox, client, dialer, agent.id, tmp_path)


class Looking:
    """A sweep over a store in which the answer to one call was lost."""

    def __init__(self, night: Night) -> None:
        self.night = night
        self.store = night.dialer.store
        self.events: list[tuple[str, str]] = []
        self.attempt = "018f0000-0000-7000-8000-000000000001"
        self.campaign = ""

        def tell(kind: str, contact: DueRow, detail: str) -> None:
            self.events.append((kind, detail))

        now = night.dialer.now
        self.sweep = Sweep(
            client=night.client,
            store=self.store,
            server_now=now,
            is_awaited=lambda attempt: False,
            endings=Endings(client=night.client, store=self.store, server_now=now, on_event=tell),
            on_event=tell,
        )

    async def lose(self, policy: Policy = ONCE, *, placed_as: str | None = None) -> Looking:
        """Commit an intent, and lose the answer; or take the call to be the one with this id."""
        plan = await self.night.plan([NUMBER], policy)
        self.campaign = plan.campaign
        now = self.night.dialer.now()
        await self.store.move_campaign(plan.campaign, "running", reason=None, now=now)
        await self.claim(self.attempt)
        if placed_as is None:
            await self.store.unknown(self.attempt, "timeout", now)
        else:
            await self.store.placed(self.attempt, placed_as, now)
        return self

    async def claim(self, attempt: str) -> None:
        now = self.night.dialer.now()
        fence = await self.store.take_shard(self.campaign, 0, "worker")
        (contact,) = await self.store.due(self.campaign, 0, now, 10)
        claim = await self.store.claim(
            contact,
            attempt=attempt,
            from_number=None,
            worker="worker",
            shard=contact.shard,
            fence=fence,
            now=now,
            send_within=10.0,
        )
        assert isinstance(claim, Claim)

    async def call(self, *, agent: str | None = None, number: str = NUMBER, **variables: str) -> Call:
        """Somebody calls; with `trudy_ref="ours"` it is this attempt's call."""
        marks = {"ours": f"{self.store.id}/{self.attempt}"}
        sent = {name: marks.get(value, value) for name, value in variables.items()}
        return await self.night.client.calls.create(
            agent_id=agent or self.night.agent, phone_number=number, variables=dict(sent)
        )

    async def state(self) -> AttemptState:
        (attempt,) = await self.store.attempts([self.attempt])
        return attempt.state

    async def counts(self) -> Mapping[str, int]:
        return await self.store.counts(self.campaign)

    async def look_for(self, seconds: float, every: float = 10.0) -> Looked:
        """Look again and again for so long; the last look."""
        until = self.night.sandbox.clock.monotonic() + seconds
        looked = await self.sweep.once()
        while self.night.sandbox.clock.monotonic() < until:
            await self.night.sandbox.clock.sleep(every)
            looked = await self.sweep.once()
        return looked


async def test_a_lost_call_is_found_by_its_mark(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.call(trudy_ref="another", name="P0")
    call = await looking.call(trudy_ref="ours", name="P0")
    await looking.sweep.once()
    assert looking.events == [("found", call.id)]
    assert await looking.state() is AttemptState.PLACED


@pytest.mark.parametrize(
    "variables",
    [{"trudy_ref": "another", "name": "P0"}, {"trudy_ref": "ours", "name": "P1"}, {"name": "P0"}, {}],
    ids=["another's mark", "another name", "no mark", "nothing"],
)
async def test_a_call_that_shows_something_else_is_not_ours(night: Night, variables: dict[str, str]) -> None:
    looking = await Looking(night).lose()
    await looking.call(number="+13125550100", trudy_ref="x", name="y")  # this server shows variables
    await looking.call(**variables)
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN


async def test_where_variables_are_hidden_number_agent_and_time_decide(hiding: Night) -> None:
    await hiding.client.calls.create(agent_id=hiding.agent, phone_number=NUMBER)
    await hiding.sandbox.clock.sleep(60)
    looking = await Looking(hiding).lose()
    other = await hiding.client.agents.create(
        name="Bo", voice_id=hiding.sandbox.voices[0].id, system_prompt="Greet {{name}}."
    )
    await looking.call(agent=other.id)
    await looking.call(number="+13125550100")
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN
    call = await looking.call(trudy_ref="ours", name="P0")
    await looking.look_for(60)
    assert looking.events[0] == ("found", call.id)


async def test_a_stranger_s_call_is_not_taken_while_the_list_lags(tmp_path: Path, clock: JumpingClock) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None, quirks={"calls_without_variables", "lagging_calls"})
    async with night_on(sandbox, tmp_path) as night:
        looking = await Looking(night).lose()
        stranger = await looking.call()
        await sandbox.clock.sleep(9)
        await looking.call(trudy_ref="ours", name="P0")
        seen: list[str] = []
        while not seen:
            await sandbox.clock.sleep(1)
            seen = [call.id async for call in night.client.calls.list()]
        assert seen == [stranger.id], "the list does not lag as this test needs it"
        await looking.look_for(60, every=1.0)
    assert looking.events == [("unresolved", "2 calls may be it")]


async def test_a_call_without_a_mark_is_taken_after_two_looks_thirty_seconds_apart(hiding: Night) -> None:
    looking = await Looking(hiding).lose()
    call = await looking.call()
    (attempt,) = await looking.store.open_attempts()
    await looking.look_for(attempt.send_by - hiding.dialer.now() + 29, every=1.0)
    assert await looking.state() is AttemptState.UNKNOWN
    await looking.look_for(3, every=1.0)
    assert looking.events[0] == ("found", call.id)


async def test_a_call_with_the_mark_is_ours_whatever_else_is_there(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.call(number=NUMBER)
    call = await looking.call(trudy_ref="ours", name="P0")
    await looking.sweep.once()
    assert looking.events == [("found", call.id)]


async def test_a_much_later_call_to_the_number_is_not_ours(hiding: Night) -> None:
    looking = await Looking(hiding).lose(evolve(ONCE, unresolved_after=1000))
    await hiding.sandbox.clock.sleep(600)
    await looking.call()
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN


async def test_several_calls_that_it_may_be_are_held(hiding: Night) -> None:
    looking = await Looking(hiding).lose(evolve(ONCE, on_unresolved="redial"))
    await looking.call()
    await looking.call()
    await hiding.sandbox.clock.sleep(11)
    await looking.sweep.once()
    assert looking.events == [("unresolved", "2 calls may be it")]
    assert await looking.counts() == {"unresolved": 1}


async def test_a_call_that_another_attempt_has_is_no_candidate(hiding: Night) -> None:
    looking = await Looking(hiding).lose()
    call = await looking.call()
    await looking.store.adopt("018f0000-0000-7000-8000-000000000002", call.id, NUMBER, 0.0, hiding.dialer.now())
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN


async def test_a_call_that_is_not_there_is_held_after_340_seconds(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.look_for(330)
    assert await looking.state() is AttemptState.UNKNOWN
    await looking.look_for(30)
    assert looking.events == [("unresolved", "not found")]
    assert await looking.counts() == {"unresolved": 1}
    campaign = await looking.store.campaign(looking.campaign)
    assert (campaign.live, campaign.dialed) == (0, 1)


async def test_one_look_is_not_enough_however_late(night: Night) -> None:
    looking = await Looking(night).lose()
    await night.sandbox.clock.sleep(2000)
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN
    await night.sandbox.clock.sleep(10)
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN, "two looks ten seconds apart are one"
    await night.sandbox.clock.sleep(25)
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNRESOLVED


async def test_a_shorter_patience_has_looks_nearer_to_each_other(night: Night) -> None:
    looking = await Looking(night).lose(evolve(ONCE, unresolved_after=50))
    await looking.look_for(61, every=1.0)
    assert await looking.state() is AttemptState.UNRESOLVED


async def test_redial_is_an_explicit_choice(night: Night) -> None:
    looking = await Looking(night).lose(evolve(ONCE, on_unresolved="redial"))
    await looking.look_for(365)
    assert await looking.counts() == {"waiting": 1}


@pytest.mark.parametrize("quirks", [set[str](), {"calls_without_variables"}], ids=["marked", "unmarked"])
@pytest.mark.parametrize("policy", [ONCE, evolve(ONCE, on_unresolved="redial")], ids=["held", "to be dialed again"])
async def test_a_call_that_is_found_late_is_taken_into_account(
    tmp_path: Path, clock: JumpingClock, quirks: set[str], policy: Policy
) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None, quirks=quirks)
    async with night_on(sandbox, tmp_path) as night:
        looking = await Looking(night).lose(policy)
        await looking.look_for(365)
        assert looking.events == [("unresolved", "not found")]
        # Whatever was placed at last: 360 seconds after the intent.
        call = await looking.call(trudy_ref="ours", name="P0")
        await looking.look_for(70)
        assert looking.events[1] == ("found", call.id)
        assert not await looking.store.due(looking.campaign, 0, night.dialer.now(), 10), "it would be dialed again"
        await looking.look_for(120)
        assert await looking.counts() == {"done": 1}
        campaign = await looking.store.campaign(looking.campaign)
        assert (campaign.live, campaign.dialed, campaign.reserved) == (0, 1, 0)


async def test_a_call_that_is_found_late_counts_after_a_second_attempt_that_was_not_sent(night: Night) -> None:
    looking = await Looking(night).lose(evolve(ONCE, on_unresolved="redial", attempts=Attempts(a_day=2)))
    await looking.look_for(365)
    await looking.claim("018f0000-0000-7000-8000-000000000009")
    await looking.store.not_sent("018f0000-0000-7000-8000-000000000009", "too_late", night.dialer.now())
    assert await looking.counts() == {"waiting": 1}
    call = await looking.call(trudy_ref="ours", name="P0")
    await looking.look_for(180)
    assert ("found", call.id) in looking.events
    assert await looking.counts() == {"done": 1}


async def test_several_calls_found_late_leave_the_row_held(hiding: Night) -> None:
    looking = await Looking(hiding).lose()
    await looking.look_for(365)
    await looking.call()
    await looking.call()
    await looking.look_for(120)
    assert await looking.counts() == {"unresolved": 1}


async def test_looking_for_what_was_given_up_ends_after_an_hour(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.look_for(365)
    assert (await looking.look_for(600, every=60.0)).looked_for == 1
    before = len(night.sandbox.requests)
    await looking.look_for(600, every=10.0)
    assert len(night.sandbox.requests) - before <= 11, "once a minute"
    assert (await looking.look_for(3600, every=60.0)).looked_for == 0


async def test_a_held_call_that_is_found_late_goes_on(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.look_for(365)
    assert await looking.counts() == {"unresolved": 1}
    call = await looking.call(trudy_ref="ours", name="P0")
    # Sweeps go on while anything is open.
    await looking.sweep.adopt_forgotten(night.dialer.now())
    assert looking.events[-1] == ("found", call.id)
    await looking.look_for(60)
    assert await looking.counts() == {"done": 1}
    campaign = await looking.store.campaign(looking.campaign)
    assert (campaign.live, campaign.dialed) == (0, 1)


async def test_a_list_that_does_not_reach_back_finds_nobody_missing(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 2)
    monkeypatch.setattr(sweeps, "DEEPEST", 3)
    monkeypatch.setattr(sweeps, "MOST_PAGES", 2)
    looking = await Looking(night).lose()
    for _ in range(8):
        await looking.call(number="+13125550100", trudy_ref="x", name="y")
    await looking.look_for(500)
    assert await looking.state() is AttemptState.UNKNOWN
    await looking.look_for(3600, every=60.0)
    assert await looking.state() is AttemptState.UNRESOLVED
    assert looking.events == [("unresolved", "the list does not reach back to it")]


async def test_a_lost_call_of_long_ago_is_found_deep_down(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 2)
    monkeypatch.setattr(sweeps, "MOST_PAGES", 2)
    looking = await Looking(night).lose()
    call = await looking.call(trudy_ref="ours", name="P0")
    for _ in range(20):
        await looking.call(number="+13125550100", trudy_ref="x", name="y")
    await looking.sweep.once()
    assert looking.events == [("found", call.id)]


async def test_a_call_deep_down_is_read_by_itself_with_growing_pauses(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 2)
    monkeypatch.setattr(sweeps, "MOST_PAGES", 2)
    long = await night.client.calls.create(agent_id=night.agent, phone_number="+12125550180")
    looking = await Looking(night).lose(placed_as=long.id)
    for _ in range(8):
        await looking.call(number="+13125550100", trudy_ref="x", name="y")
    before = len(night.sandbox.requests)
    await looking.look_for(1700)
    reads = [request for request in night.sandbox.requests[before:] if request.path.endswith(long.id)]
    moments = [request.received_at.timestamp() for request in reads]
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert all(later > earlier - 0.01 for earlier, later in pairwise(pauses))
    assert 5 <= len(reads) <= 12
    await looking.look_for(700)
    assert await looking.counts() == {"done": 1}


async def test_a_page_has_the_rows_that_the_open_calls_need(night: Night) -> None:
    """As many as the last look had above the oldest of them, and some for calls that others place."""
    call = await Looking(night).call(number="+12125550194")  # a long one
    looking = await Looking(night).lose(placed_as=call.id)
    for others in (0, 0, 5, 30, 0):
        for _ in range(others):
            await night.client.calls.create(agent_id=night.agent, phone_number="+13125550101")
        assert (await looking.sweep.once()).looked_for == 1
    lists = [request for request in night.sandbox.requests if request.method == "GET" and request.path == "/calls"]
    sizes = [int(parse_qs(request.query)["limit"][0]) for request in lists]
    first, then, shifted, *rest = sizes
    assert (first, then, shifted) == (100, 11, 11)
    assert rest == [16, 16, 16, 46], "the 30 of others need more pages once"
    assert await looking.state() is AttemptState.PLACED


async def test_older_rows_end_the_list(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 2)
    for index in range(10):
        await night.client.calls.create(agent_id=night.agent, phone_number=f"+131255501{index:02d}")
    await night.sandbox.clock.sleep(60)
    looking = await Looking(night).lose()
    await looking.call(trudy_ref="ours", name="P0")
    before = len(night.sandbox.requests)
    await looking.sweep.once()
    lists = [request for request in night.sandbox.requests[before:] if request.path.endswith("/calls")]
    assert len(lists) == 1


async def test_every_opt_out_is_heard_whenever_its_transcript_comes(night: Night) -> None:
    numbers = [f"+1{area}55501{ending}" for area in ("212", "312", "415") for ending in range(70, 80)]
    plan = await night.plan(numbers, evolve(ONCE, gap=0.7, max_live=4))
    result = await night.dialer.run(plan, confirm=plan.hash)
    assert result.counts == {"done": 30}
    later = await night.plan(numbers, ONCE, columns=None)
    assert later.counts == {"suppressed: do_not_call": 30}


@pytest.mark.parametrize("status", [404, 503])
async def test_a_transcript_that_never_comes_holds_nobody_up(night: Night, status: int) -> None:
    night.sandbox.faults.add(method="GET", path="/calls/*/transcript", status=status)
    plan = await night.plan(numbers_ending(0, 1), ONCE)
    began = night.sandbox.clock.monotonic()
    result = await night.dialer.run(plan, confirm=plan.hash)
    assert result.counts == {"done": 2}
    assert night.sandbox.clock.monotonic() - began < 180


@pytest.mark.parametrize(("longest", "lost_after"), [("120s", 720.0), (None, 4200.0), ("7200s", 7800.0)])
async def test_a_call_that_never_ends_is_lost_ten_minutes_after_its_longest_duration(
    night: Night, longest: str | None, lost_after: float
) -> None:
    """Of a call that no list shows only the plan knows how long it may take."""
    if longest is not None:
        await night.client.agents.update(night.agent, max_duration=longest)
    looking = await Looking(night).lose(placed_as="00000000-0000-4000-8000-000000000000")
    began = night.sandbox.clock.monotonic()
    await looking.look_for(lost_after - 10, every=300.0)
    while await looking.state() is AttemptState.PLACED:
        await looking.look_for(0)
        await night.sandbox.clock.sleep(5)
    assert await looking.state() is AttemptState.LOST
    assert lost_after < night.sandbox.clock.monotonic() - began < lost_after + 320
    assert await looking.counts() == {"done": 1}
    assert (await looking.store.campaign(looking.campaign)).live == 0
