"""What goes into a store and comes out of it: campaigns, rows and attempts as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from attrs import field, frozen

from trudy.dialer.policy import OutcomeWord, Policy
from trudy.dialer.states import AttemptState, RowState

CampaignState: TypeAlias = Literal["planned", "running", "paused", "stopped", "halted", "done"]
"""`paused` by a person or the breaker; `halted` by a fault of the store, or since it forgot calls; both may go on."""
CAMPAIGN_STATES: Final[tuple[CampaignState, ...]] = get_args(CampaignState)
OPEN_STATES: Final[tuple[CampaignState, ...]] = ("planned", "running", "paused", "halted")
"""Those of a campaign that has not come to its end."""
MissReason: TypeAlias = Literal[
    "campaign",
    "max_live",
    "max_calls",
    "max_spend",
    "row",
    "fence",
    "do_not_call",
    "a_day",
    "in_30_days",
    "hours",
    "caller_id",
    "ringing",
    "clock",
    "canary",
    "only_to",
    "gap",
    "server",
]
"""`clock`: the machine's clock was moved, and the server's time is to be learned again. `server`: the database is on
another server than the one on which the store was compared with the API's record."""

LONGEST_CALL: Final = 3600.0
"""Seconds that a call may take where its agent says nothing: the API's own default."""
HELD_UNTIL: Final = 253_402_300_799.0
"""The end of the year 9999: when a held row is due, of which no zone is known or none ever opens."""


ONLY_HELD: Final = "only held rows are left"
"""Why a campaign is paused in which nothing more can be called."""


@frozen(kw_only=True)
class NewRow:
    """A contact on its way into a campaign. `state` is `waiting`, or `rejected` with a reason."""

    line: int
    number: str | None = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    columns: Mapping[str, str] = field(repr=False)
    zones: tuple[str, ...] = ()
    country: str | None = None
    region: str | None = None
    consent: str | None = None
    priority: int = 0
    state: RowState = RowState.WAITING
    reason: str | None = None


@frozen(kw_only=True)
class PlanHeader:
    """What a campaign is, beside its rows.

    Attributes:
        longest_call: seconds after which the agent's calls are ended.
    """

    agent_id: str
    policy: Policy
    consent: Mapping[str, str]
    region: str | None
    longest_call: float = LONGEST_CALL


@frozen(kw_only=True)
class CampaignRecord:
    """A campaign as the store has it.

    Attributes:
        canary: pause once so many calls were made in it; None for no canary.
        running_since: when it was started or resumed last.
    """

    id: str
    plan_hash: str
    agent_id: str
    policy: Policy
    consent: Mapping[str, str]
    region: str | None
    longest_call: float
    state: CampaignState
    reason: str | None
    created_at: float
    live: int
    dialed: int
    reserved: float
    spent: float
    canary: int | None = None
    running_since: float | None = None


@frozen(kw_only=True)
class DueRow:
    """A row that may be dialed."""

    id: int
    campaign: str
    line: int
    number: str = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    columns: Mapping[str, str] = field(repr=False)
    zones: tuple[str, ...]
    country: str | None
    region: str | None
    consent: str | None
    attempts: int
    due_at: float
    caller_id: str | None = field(repr=False)
    shard: int = 0


@frozen(kw_only=True)
class Claim:
    """An intent to dial, committed. Nothing may be sent after `send_by`.

    Attributes:
        send_by: seconds of the server's clock.
    """

    attempt: str
    contact: DueRow
    agent_id: str
    send_by: float


@frozen(kw_only=True)
class Miss:
    """Why nothing may be dialed now, and when it may be worth asking again (Unix seconds); None for not by waiting."""

    reason: MissReason
    due_at: float | None = None


@frozen(kw_only=True)
class ServerChange:
    """The database is on another server than the one on which the store was compared with the API's record.

    Attributes:
        server: what identifies it.
        keeps_data: whether it surely has all that was committed, as after a restart; not so after a restore, or where a
            replica was promoted.
    """

    server: Mapping[str, str]
    keeps_data: bool


@frozen(kw_only=True)
class OpenAttempt:
    """An attempt whose end is not known yet.

    Attributes:
        contact: its row when this was read.
    """

    id: str
    campaign: str
    row: int
    agent_id: str
    number: str = field(repr=False)
    from_number: str | None = field(repr=False)
    contact: DueRow = field(repr=False)
    state: AttemptState
    intent_at: float
    send_by: float
    started_at: float | None
    call_id: str | None
    looks: int
    next_look_at: float | None
    worker: str


@frozen(kw_only=True)
class Ended:
    """How an attempt ended, and what follows for its row.

    Attributes:
        again_at: when the row is due once more (Unix seconds); None where this is the end.
        opt_out: whether the person asked not to be called again.
    """

    outcome: OutcomeWord
    ended_at: float
    duration: float | None = None
    cost: float | None = None
    again_at: float | None = None
    reason: str | None = None
    opt_out: bool = False
