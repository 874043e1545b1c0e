"""A store without a dialer: campaigns put into it, and workers that claim."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from trudy.dialer.policy import Hours, Policy
from trudy.dialer.records import Claim, DueRow, Miss, NewRow, PlanHeader
from trudy.dialer.sql_store import SqlStore

NOON = 1_780_675_200.0
"""2026-06-05 12:00 in New York, a Friday."""
ZONES = ("America/New_York",)
OPEN = Policy(hours=Hours.always())


IN_A_FILE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


async def campaign_of(store: SqlStore, *numbers: str, policy: Policy = OPEN, name: str = "a", **members: Any) -> str:
    header = PlanHeader(agent_id="agent", policy=policy, consent={"basis": "form"}, region="US")
    campaign = await store.start_plan(header, NOON)
    rows = [
        evolve(
            NewRow(
                line=line,
                number=number,
                variables={},
                columns={"phone": number},
                zones=("America/New_York",),
                country="US",
            ),
            **members,
        )
        for line, number in enumerate(numbers, start=2)
    ]
    await store.add_rows(campaign, rows)
    kept, _ = await store.finish_plan(campaign, f"hash-{name}", NOON)
    await store.move_campaign(kept.id, "running", reason=None, now=NOON)
    return kept.id


async def contacts(store: SqlStore, campaign: str, now: float = NOON) -> list[DueRow]:
    return list(await store.due(campaign, None, now, 100))


class Worker:
    """Claims with a fence of its own, and names its attempts."""

    def __init__(self, store: SqlStore, campaign: str) -> None:
        self.store, self.campaign = store, campaign
        self.fence = 0
        self.count = 0

    async def start(self) -> Worker:
        self.fence = await self.store.take_shard(self.campaign, None, "worker")
        return self

    async def claim(self, contact: DueRow, now: float = NOON) -> Claim | Miss:
        self.count += 1
        attempt = f"{self.campaign[:8]}-{self.fence}-{self.count}"
        policy = (await self.store.campaign(self.campaign)).policy
        from_number = await self.store.caller_id(contact, policy, now)
        if isinstance(from_number, Miss):
            return from_number
        return await self.store.claim(
            contact,
            from_number=from_number,
            attempt=attempt,
            worker="worker",
            shard=contact.shard,
            fence=self.fence,
            now=now,
            send_within=5.0,
        )

    async def must_claim(self, contact: DueRow, now: float = NOON) -> str:
        claim = await self.claim(contact, now)
        assert isinstance(claim, Claim), claim
        return claim.attempt


A, B, C = "+12125550100", "+12125550101", "+12125550102"
