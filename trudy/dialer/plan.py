"""From a source to a campaign that waits for a person's yes: rows read, judged and stored; nothing is called.

The hash is over the normalised rows, the agent, the policy and the consent. The same inputs give the same campaign, so
that a script which ran once and was killed goes on where it was. `canary` and `only_to` are no part of it: they say how
far into the campaign a run may go, and who leaves them out goes on with the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anyio import CancelScope
from attrs import field, frozen

from trudy.dialer import policy_json
from trudy.dialer.columns import Columns
from trudy.dialer.contacts import Reading, judged, reading_for
from trudy.dialer.export import RejectsFile
from trudy.dialer.forecast import forecast
from trudy.dialer.policy import Policy
from trudy.dialer.records import LONGEST_CALL, CampaignRecord, NewRow, PlanHeader
from trudy.dialer.sources import Source, read_rows
from trudy.dialer.states import RowState
from trudy.dialer.store import Store
from trudy.errors import TrudyError

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient
    from trudy.models import Agent

_CHUNK: Final = 1_000
"""Rows put into the store at a time: more costs memory, fewer costs transactions."""


@frozen(kw_only=True)
class Plan:
    """A campaign that nobody was called for yet, or one that goes on.

    Attributes:
        campaign: its id in the store.
        hash: what `run` wants to hear, to be sure that this plan is meant.
        counts: rows by state, and by state and reason: `waiting`, `rejected: invalid`, `duplicate: in_file`...
        columns: which column was taken for what.
        openings: for each set of zones, how many wait there, and when all are open next (aware, UTC); None where they
            never are. Rows of no known zone are under `""`, and held.
        requests: requests that one attempt for each row takes, about.
        ends_at: when one attempt for each row is done, about (aware, UTC); None where nobody is called, or that takes
            more than a year.
        cost: in the unit of the policy's price: one attempt for each row, and all that the policy allows; None
            without a price.
        rejects: where the rejected rows were written, if there are any.
        canary: the campaign pauses once so many calls were made.
        only_to: the only numbers that `run` calls; None for all.
    """

    campaign: str
    hash: str
    agent_id: str
    policy: Policy
    counts: Mapping[str, int]
    columns: Columns
    openings: Mapping[str, tuple[int, datetime | None]]
    requests: int
    ends_at: datetime | None
    cost: tuple[float, float] | None
    rejects: Path | None
    canary: int | None = None
    only_to: frozenset[str] | None = field(default=None, repr=False)
    agent_seen: str = field(default="", repr=False)
    """A hash of the agent as the plan saw it."""

    async def agent_has_changed(self, client: AsyncTrudyClient) -> bool:
        """Whether the agent is another than a person said yes to. Where the server does not tell, its calls will."""
        try:
            agent = await client.agents.get(self.agent_id)
        except TrudyError:
            return False
        return self.agent_seen != seen(agent)

    @property
    def rows(self) -> int:
        """Rows of the source."""
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        """Rows that will be called."""
        return self._counted("waiting")

    @property
    def rejected(self) -> int:
        """Rows that cannot be called, by their number, zone, consent or variables."""
        return self._counted("rejected")

    @property
    def duplicates(self) -> int:
        """Rows whose number stands further up, or in a campaign that is open or called it within 30 days."""
        return self._counted("duplicate")

    @property
    def suppressed(self) -> int:
        """Rows whose number is on the do-not-call list."""
        return self._counted("suppressed")

    @property
    def unknown_zones(self) -> int:
        """Rows that are held, since nobody knows what time it is there."""
        return self.openings.get("", (0, None))[0]

    def summary(self) -> str:
        """The plan in a few lines, for a person who is to say yes."""
        lines = [f"campaign {self.campaign}, plan {self.hash[:12]}", f"  rows         {self.rows:,}"]
        for name in ("waiting", "rejected", "duplicate", "suppressed", "claimed", "live", "unresolved", "done"):
            if count := self._counted(name):
                reasons = ", ".join(f"{reason} {part:,}" for reason, part in self._reasons(name))
                lines.append(f"  {_SHOWN.get(name, name):12} {count:,}{f' ({reasons})' if reasons else ''}")
        lines.append("  columns      " + ", ".join(f"{name}={value}" for name, value in self.columns.shown()))
        for zones, (count, opening) in sorted(self.openings.items()):
            lines.append(f"  hours        {count:,} in {zones or 'unknown zones'}: {_opens(zones, opening)}")
        lines.append(f"  requests     about {self.requests:,} for one attempt each")
        if self.ends_at is not None:
            lines.append(f"  ends         about {self.ends_at:%a %Y-%m-%d %H:%M} UTC with one attempt each")
        elif self.waiting:
            lines.append("  ends         not within a year")
        if self.cost is not None:
            low, high = (f"{amount:,.2f}" for amount in self.cost)
            lines.append(f"  cost         {low}" if low == high else f"  cost         {low} to {high}")
        if self.canary is not None:
            lines.append(f"  canary       pauses after {self.canary:,} calls")
        if self.only_to is not None:
            lines.append(f"  only to      {len(self.only_to):,} numbers")
        if self.rejects is not None:
            lines.append(f"  see          {self.rejects}")
        return "\n".join(lines)

    def _counted(self, state: str) -> int:
        return sum(count for name, count in self.counts.items() if name.partition(":")[0] == state)

    def _reasons(self, state: str) -> list[tuple[str, int]]:
        prefix = f"{state}: "
        return sorted(
            (name.removeprefix(prefix), count) for name, count in self.counts.items() if name.startswith(prefix)
        )


_SHOWN: Final = {"waiting": "to call", "duplicate": "duplicates"}


def _opens(zones: str, opening: datetime | None) -> str:
    if opening is not None:
        return f"open {opening:%a %Y-%m-%d %H:%M} UTC"
    return "never open together, held" if zones else "held"


async def make_plan(
    store: Store,
    source: Source,
    *,
    agent: Agent,
    consent: str | None,
    policy: Policy,
    region: str | None,
    columns: Columns | None,
    now: float,
    rejects: Path | None,
    requests_a_minute: float,
    canary: int | None = None,
    only_to: frozenset[str] | None = None,
) -> Plan:
    """Read, judge and store every row.

    Raises:
        InvalidArgumentError: no column with numbers, no consent for any row, or variables that the agent's prompt
            needs and the source lacks.
    """
    header = PlanHeader(
        agent_id=agent.id,
        policy=policy,
        consent={} if consent is None else {"basis": consent},
        region=region,
        longest_call=agent.max_duration_seconds or LONGEST_CALL,
    )
    digest = hashlib.sha256(_canonical(_identity(agent, header)))
    campaign = await store.start_plan(header, now)
    reading: Reading | None = None
    chunk: list[NewRow] = []
    try:
        with ExitStack() as files:
            rejected = RejectsFile(rejects, files)
            async for line, cells in read_rows(source, sheet=None if columns is None else columns.sheet):
                if reading is None:
                    reading = reading_for(cells, agent, columns, region, policy, consent)
                found = judged(line, cells, reading)
                digest.update(_canonical(_normalised(found.row)))
                if found.row.state is RowState.REJECTED:
                    rejected.write(line, found.row.reason or "", found.hint, found.row.columns)
                chunk.append(found.row)
                if len(chunk) == _CHUNK:
                    await store.add_rows(campaign, chunk)
                    chunk = []
        await store.add_rows(campaign, chunk)
    except BaseException:
        with CancelScope(shield=True):
            await store.drop_plan(campaign)
        raise
    kept, counts = await store.finish_plan(campaign, digest.hexdigest(), now)
    return await _planned(
        store, kept, agent, policy, counts, Columns() if reading is None else reading.columns, rejected.path,
        now=now, requests_a_minute=requests_a_minute, canary=canary, only_to=only_to,
    )  # fmt: skip


async def _planned(
    store: Store,
    campaign: CampaignRecord,
    agent: Agent,
    policy: Policy,
    counts: Mapping[str, int],
    columns: Columns,
    rejects: Path | None,
    *,
    now: float,
    requests_a_minute: float,
    canary: int | None,
    only_to: frozenset[str] | None,
) -> Plan:
    places = [((zones, country, region), count) for zones, country, region, count in await store.zones(campaign.id)]
    calls = sum(count for _, count in places)
    if canary is not None:
        calls = min(calls, max(canary - campaign.dialed, 0))
    if only_to is not None:
        calls = min(calls, len(only_to))
    expected = forecast(places, policy, now=now, requests_a_minute=requests_a_minute, calls=calls)
    return Plan(
        campaign=campaign.id,
        hash=campaign.plan_hash,
        agent_id=agent.id,
        policy=policy,
        counts=counts,
        columns=columns,
        openings=expected.openings,
        requests=expected.requests,
        ends_at=expected.ends_at,
        cost=expected.cost,
        rejects=rejects,
        canary=canary,
        only_to=only_to,
        agent_seen=seen(agent),
    )


def _normalised(row: NewRow) -> list[object]:
    return [row.number, dict(row.variables), row.country, row.region, list(row.zones), row.consent, row.priority]


def _identity(agent: Agent, header: PlanHeader) -> dict[str, Any]:
    return {
        "agent": agent.id,
        "prompt": agent.system_prompt,
        "updated_at": None if agent.updated_at is None else agent.updated_at.isoformat(),
        "policy": policy_json.to_json(header.policy),
        "consent": dict(header.consent),
        "region": header.region,
    }


def seen(agent: Agent) -> str:
    """A hash of what a person says yes to in an agent."""
    return hashlib.sha256(_canonical([agent.system_prompt, str(agent.updated_at)])).hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode() + b"\n"
