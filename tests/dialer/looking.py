"""A sweep that looks for a call whose answer was lost."""

from __future__ import annotations

from collections.abc import Mapping

from tests.dialer.conftest import Night
from trudy.dialer import Breaker, DueRow, Hours, Policy
from trudy.dialer.endings import Endings
from trudy.dialer.records import Claim
from trudy.dialer.states import AttemptState
from trudy.dialer.sweep import Looked, Sweep
from trudy.models import Call

ONCE = Policy(
    hours=Hours.always(),
    gap=0,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, short_calls=1000),
)
NUMBER = "+12125550100"


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
