"""From a source to a campaign that waits for a person's yes: rows read, judged and stored; nothing is called.

The hash is over the normalised rows, the agent, the policy and the consent. The same inputs give the same campaign, so
that a script which ran once and was killed goes on where it was.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from anyio import CancelScope
from attrs import field, frozen

from trudy.dialer import policy_json
from trudy.dialer.numbers import ReadNumber, Unreadable, read_number
from trudy.dialer.policy import Policy
from trudy.dialer.sources import Row, Source, read_rows
from trudy.dialer.states import RowState
from trudy.dialer.store import CampaignRecord, NewRow, PlanHeader, Store
from trudy.dialer.zones import zone_named
from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.models import Agent

_NUMBER = ("phone_number", "phone", "number", "mobile", "cell", "telephone", "tel", "msisdn", "to")
_ZONE = ("timezone", "time_zone", "tz")
_REGION = ("region", "state", "province")
_CONSENT = ("consent", "consent_basis", "opt_in")
_PRIORITY = ("priority",)
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_NO_CONSENT = frozenset(("", "no", "false", "0", "n", "none", "null"))
_CHUNK: Final = 1_000
"""Rows put into the store at a time: more costs memory, fewer costs transactions."""


@frozen(kw_only=True)
class Columns:
    """Which column holds what. What is left out is guessed from the header; every other column is a variable.

    Attributes:
        number: the phone number.
        timezone: the contact's zone, such as `America/New_York`; wins over what the number tells.
        region: ISO 3166-2, such as `US-FL`, or the part after the hyphen.
        consent: what the contact agreed to; empty or "no" rejects the row.
        priority: a whole number; higher goes first.
        variables: variables of the agent's prompt by column, where their names differ.
    """

    number: str | None = None
    timezone: str | None = None
    region: str | None = None
    consent: str | None = None
    priority: str | None = None
    variables: Mapping[str, str] = field(factory=dict[str, str])


@frozen(kw_only=True)
class Plan:
    """A campaign that nobody was called for yet.

    Attributes:
        campaign: its id in the store.
        hash: what `run` wants to hear, to be sure that this plan is meant.
        counts: rows by state, and by state and reason: `waiting`, `rejected: invalid`, `duplicate: in_file`...
        columns: which column was taken for what.
        openings: for each zone, how many wait in it and when it opens next (aware, UTC); None where it never does.
        requests: requests that one attempt for each row takes, about.
        seconds: how long one attempt for each row takes at least, by rate and gap, while hours are open.
        cost: the most that it may cost; None without a price.
        rejects: where the rejected rows were written, if there are any.
        canary, only_to: what `run` keeps to.
    """

    campaign: str
    hash: str
    agent_id: str
    policy: Policy
    counts: Mapping[str, int]
    columns: Columns
    openings: Mapping[str, tuple[int, datetime | None]]
    requests: int
    seconds: float
    cost: float | None
    rejects: Path | None
    canary: int | None = None
    only_to: frozenset[str] | None = field(default=None, repr=False)

    @property
    def waiting(self) -> int:
        """Rows that will be called."""
        return self.counts.get(RowState.WAITING, 0)

    def summary(self) -> str:
        """The plan in a few lines, for a person who is to say yes."""
        lines = [f"campaign {self.campaign}, plan {self.hash[:12]}", f"  to call: {self.waiting:,}"]
        lines += [f"  {name}: {count:,}" for name, count in sorted(self.counts.items()) if name != RowState.WAITING]
        lines.append("  columns: " + ", ".join(f"{name}={value}" for name, value in self._mapped()))
        for zone, (count, opening) in sorted(self.openings.items()):
            when = "never opens: held" if opening is None else f"opens {opening:%a %Y-%m-%d %H:%M} UTC"
            lines.append(f"  {zone or 'unknown zone'}: {count:,}, {when}")
        lines.append(f"  about {self.requests:,} requests, at least {self.seconds / 3600:.1f} h of open hours")
        if self.cost is not None:
            lines.append(f"  at most {self.cost:,.2f} for one attempt each")
        if self.rejects is not None:
            lines.append(f"  rejected rows: {self.rejects}")
        return "\n".join(lines)

    def _mapped(self) -> Sequence[tuple[str, str]]:
        return [(name, value) for name in ("number", "timezone", "region", "consent", "priority")
                if (value := getattr(self.columns, name)) is not None]  # fmt: skip


@frozen(kw_only=True)
class _Reading:
    """How rows are judged: all that is the same for each."""

    columns: Columns
    region: str | None
    policy: Policy
    consent: str | None
    needed: frozenset[str]


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
) -> tuple[CampaignRecord, Plan]:
    """Read, judge and store every row.

    Raises:
        InvalidArgumentError: no column with numbers, no consent for any row, or variables that the agent's prompt
            needs and the source lacks.
    """
    header = PlanHeader(
        agent_id=agent.id, policy=policy, consent={} if consent is None else {"basis": consent}, region=region
    )
    digest = hashlib.sha256(_canonical(_identity(agent, header)))
    campaign = await store.start_plan(header, now)
    reading: _Reading | None = None
    chunk: list[NewRow] = []
    try:
        with ExitStack() as files:
            rejected = _Rejects(rejects, files)
            async for line, cells in read_rows(source):
                if reading is None:
                    reading = _reading_for(cells, agent, columns, region, policy, consent)
                row = _judged(line, cells, reading)
                digest.update(_canonical([row.number, dict(row.variables), row.region, list(row.zones), row.consent]))
                if row.state is RowState.REJECTED:
                    rejected.write(row)
                chunk.append(row)
                if len(chunk) == _CHUNK:
                    await store.add_rows(campaign, chunk)
                    chunk = []
        await store.add_rows(campaign, chunk)
    except BaseException:
        with CancelScope(shield=True):
            await store.drop_plan(campaign)
        raise
    kept, counts = await store.finish_plan(campaign, digest.hexdigest(), now)
    waiting = counts.get(RowState.WAITING, 0)
    openings = await _openings(store, kept.id, policy, now)
    plan = Plan(
        campaign=kept.id,
        hash=kept.plan_hash,
        agent_id=agent.id,
        policy=policy,
        counts=counts,
        columns=Columns() if reading is None else reading.columns,
        openings=openings,
        requests=waiting * 2,
        seconds=max(waiting * policy.gap, waiting * 60.0 / requests_a_minute),
        cost=None if policy.price is None else policy.price * waiting,
        rejects=rejected.path,
    )
    return kept, plan


def _identity(agent: Agent, header: PlanHeader) -> dict[str, Any]:
    return {
        "agent": agent.id,
        "prompt": agent.system_prompt,
        "updated_at": None if agent.updated_at is None else agent.updated_at.isoformat(),
        "policy": policy_json.to_json(header.policy),
        "consent": dict(header.consent),
        "region": header.region,
    }


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode() + b"\n"


def _reading_for(
    cells: Row, agent: Agent, columns: Columns | None, region: str | None, policy: Policy, consent: str | None
) -> _Reading:
    given = columns or Columns()
    names = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in cells}

    def column(own: str | None, guesses: Sequence[str], argument: str) -> str | None:
        if own is not None:
            if own not in cells:
                raise InvalidArgumentError(f"columns.{argument}: the source has no column {own!r}", argument="columns")
            return own
        return next((names[guess] for guess in guesses if guess in names), None)

    found = Columns(
        number=column(given.number, _NUMBER, "number"),
        timezone=column(given.timezone, _ZONE, "timezone"),
        region=column(given.region, _REGION, "region"),
        consent=column(given.consent, _CONSENT, "consent"),
        priority=column(given.priority, _PRIORITY, "priority"),
        variables=given.variables,
    )
    if found.number is None:
        raise InvalidArgumentError(
            f"the source has no column that looks like a phone number; name it by columns=Columns(number=...); there"
            f" are {', '.join(cells)}",
            argument="columns",
        )
    if consent is None and found.consent is None:
        raise InvalidArgumentError(
            "consent is needed: one basis for all rows, or a column of the source", argument="consent"
        )
    needed = frozenset(_PLACEHOLDER.findall(f"{agent.system_prompt or ''} {agent.greeting or ''}"))
    lacking = needed - {name.strip() for name in cells} - set(found.variables)
    if lacking:
        raise InvalidArgumentError(
            f"the agent's prompt needs {', '.join(sorted(lacking))}, and the source has no such column",
            argument="source",
        )
    return _Reading(columns=found, region=region, policy=policy, consent=consent, needed=needed)


def _judged(line: int, cells: Row, reading: _Reading) -> NewRow:
    columns = reading.columns
    texts = {name: _text(value) for name, value in cells.items()}
    own = {columns.number, columns.timezone, columns.region, columns.consent, columns.priority}
    variables = {name.strip(): text for name, text in texts.items() if name not in own and text != ""}
    variables |= {name: texts.get(column, "") for name, column in columns.variables.items()}
    number = read_number(cells.get(columns.number or ""), reading.region)
    region = _region(texts.get(columns.region or ""), number)
    consent = texts[columns.consent] if columns.consent is not None else reading.consent
    zones, zone_fault = _zones(texts.get(columns.timezone or "", ""), number)
    reason = _why_not(number, zone_fault, consent, variables, reading)
    return NewRow(
        line=line,
        number=number.e164 if isinstance(number, ReadNumber) else None,
        variables=variables,
        columns=texts,
        zones=zones,
        country=number.country if isinstance(number, ReadNumber) else None,
        region=region,
        consent=consent,
        priority=_whole(texts.get(columns.priority or "", "")),
        state=RowState.WAITING if reason is None else RowState.REJECTED,
        reason=reason,
    )


def _why_not(
    number: ReadNumber | Unreadable,
    zone_fault: str | None,
    consent: str | None,
    variables: Mapping[str, str],
    reading: _Reading,
) -> str | None:
    if isinstance(number, Unreadable):
        return number.reason
    refused = reading.policy.may_call(country=number.country, kind=number.kind, default_country=reading.region)
    if refused is not None:
        return refused
    if consent is None or consent.strip().lower() in _NO_CONSENT:
        return "no_consent"
    empty = sorted(name for name in reading.needed if not variables.get(name))
    return f"no_{empty[0]}" if empty else zone_fault


def _zones(text: str, number: ReadNumber | Unreadable) -> tuple[tuple[str, ...], str | None]:
    if text.strip():
        zone = zone_named(text)
        return ((zone,), None) if zone is not None else ((), "timezone")
    return (number.zones, None) if isinstance(number, ReadNumber) else ((), None)


def _region(text: str | None, number: ReadNumber | Unreadable) -> str | None:
    if not text or isinstance(number, Unreadable) or number.country is None:
        return None
    code = text.strip().upper()
    if re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,3}", code):
        return code
    return f"{number.country}-{code}" if re.fullmatch(r"[A-Z0-9]{1,3}", code) else None


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):  # a frame's NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"-?[0-9]{1,6}", text.strip()) else 0


async def _openings(store: Store, campaign: str, policy: Policy, now: float) -> dict[str, tuple[int, datetime | None]]:
    openings: dict[str, tuple[int, datetime | None]] = {}
    for zones, country, region, count in await store.zones(campaign):
        opening = policy.hours.opens(zones, country=country, region=region, moment=now)
        name = ", ".join(zones)
        before = openings.get(name, (0, None))
        when = None if opening is None else datetime.fromtimestamp(opening, UTC)
        earliest = when if before[1] is None else before[1] if when is None else min(before[1], when)
        openings[name] = (before[0] + count, earliest)
    return openings


class _Rejects:
    """Rejected rows as a CSV, opened when the first comes."""

    def __init__(self, path: Path | None, files: ExitStack) -> None:
        self._wanted = path
        self._files = files
        self._file: IO[str] | None = None
        self._writer: Any = None
        self.path: Path | None = None

    def write(self, row: NewRow) -> None:
        if self._wanted is None:
            return
        if self._file is None:
            self._file = self._files.enter_context(self._wanted.open("w", encoding="utf-8", newline=""))
            self._writer = csv.writer(self._file)
            self._writer.writerow(["line", "reason", *row.columns])
            self.path = self._wanted
        self._writer.writerow([row.line, row.reason, *row.columns.values()])
