"""What the dialer asks of a store. Each method is one transaction, committed when it returns.

A method that finds things otherwise than it expects changes nothing and raises `ImpossibleError`: somebody else was
there first, or the process is not who it thinks it is. Where nothing can be read or written it raises `StoreError`.
T1, T2 and T3 are the transactions of one attempt: the intent before it, the answer to it, the end of its call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from trudy.dialer.policy import OutcomeWord, Policy
from trudy.dialer.records import (
    CampaignRecord,
    CampaignState,
    Claim,
    DueRow,
    Ended,
    Miss,
    NewRow,
    OpenAttempt,
    PlanHeader,
    ServerChange,
)

if TYPE_CHECKING:
    from trudy.dialer.export import AttemptRow, CampaignCopy, HeldRow


class Store(Protocol):
    """Everything the dialer remembers."""

    @property
    def id(self) -> str:
        """The store's own id, which stands in each call's `trudy_ref`."""
        ...

    async def open(self) -> None:
        """Bring the tables up to date; make them where there are none."""
        ...

    async def close(self) -> None: ...

    async def lock(self, who: str) -> None:
        """Keep other processes from dialing from this store. Raises `StoreBusyError`, which names who does."""
        ...

    async def start_plan(self, header: PlanHeader, now: float) -> str:
        """A new campaign's id, for rows to be added to."""
        ...

    async def add_rows(self, campaign: str, rows: Sequence[NewRow]) -> None: ...

    async def finish_plan(self, campaign: str, plan_hash: str, now: float) -> tuple[CampaignRecord, Mapping[str, int]]:
        """The campaign, and its rows by state and reason.

        Marks duplicates and people who are not to be called. Where a campaign with the same hash is there already, the
        new one goes and that one is given.
        """
        ...

    async def drop_plan(self, campaign: str) -> None:
        """Forget a plan that was not finished."""
        ...

    async def drop_rival_plans(self, campaign: str) -> Sequence[str]:
        """Forget plans that nobody ran and that hold numbers of this one. Where there are any, this one goes as well,
        and is to be made anew."""
        ...

    async def zones(self, campaign: str) -> Sequence[tuple[tuple[str, ...], str | None, str | None, int]]:
        """Where waiting rows may be: zones, country, region, and how many."""
        ...

    async def campaign(self, campaign: str) -> CampaignRecord: ...

    async def campaigns(self) -> Sequence[CampaignRecord]: ...

    async def move_campaign(
        self,
        campaign: str,
        to: CampaignState,
        *,
        reason: str | None,
        now: float,
        by: str | None = None,
        was: Collection[CampaignState] = ...,
    ) -> bool:
        """Start, pause, resume, stop, halt or finish; an entry of the audit. Whether it `was` in one of these states,
        any if left out; else nothing is done."""
        ...

    async def take_shard(self, campaign: str, shard: int | None, worker: str) -> int:
        """The fence under which this worker may claim from now on; older ones may not any more. None: all shards."""
        ...

    async def due(self, campaign: str, shard: int | None, now: float, limit: int) -> Sequence[DueRow]:
        """Rows that wait and are due, first those of higher priority, then the longest due."""
        ...

    async def contact(self, row: int) -> DueRow:
        """One row, whatever its state."""
        ...

    async def next_due(self, campaign: str, shard: int | None) -> float | None:
        """When the next waiting row is due; None where none waits."""
        ...

    async def postpone(self, row: int, until: float, reason: str) -> None:
        """Let a waiting row wait."""
        ...

    async def settle_row(self, row: int, reason: str, now: float) -> None:
        """End a waiting row without dialing it."""
        ...

    async def caller_id(self, contact: DueRow, policy: Policy, now: float) -> str | Miss | None:
        """The number to call a contact from; None where the policy names none, a `Miss` where none has calls left."""
        ...

    async def claim(
        self,
        contact: DueRow,
        *,
        attempt: str,
        from_number: str | None,
        worker: str,
        shard: int,
        fence: int,
        now: float,
        send_within: float,
    ) -> Claim | Miss:
        """T1: commit the intent, if campaign, row, fence, caps, hours and do-not-call list allow it.

        The hours must be open at `now`, and still where the call may ring at the latest.
        """
        ...

    async def placed(self, attempt: str, call_id: str, now: float) -> None:
        """T2: the server took the call."""
        ...

    async def refused(self, attempt: str, error: str, now: float, *, why: str | None = None) -> None:
        """T2: the server refused it, and will again: the row is done. `why`: a reason that may concern every row."""
        ...

    async def refused_alike(self, campaign: str, why: str, now: float) -> int:
        """How many calls were refused for this reason, since one of the campaign was placed or it was let run last,
        whoever dials it. Where they are so many that they concern the campaign, their rows wait again, but not those
        that were refused too often."""
        ...

    async def not_sent(
        self, attempt: str, error: str, now: float, *, due_at: float | None = None, why: str | None = None
    ) -> None:
        """T2: it is proved that it did not happen: the row waits again, and no attempt is spent. `why`: as for
        `refused`."""
        ...

    async def unknown(self, attempt: str, error: str, now: float) -> None:
        """T2: it may have happened."""
        ...

    async def found(self, attempt: str, call_id: str, now: float) -> None:
        """The call of an intent, an unknown or an unresolved attempt was found."""
        ...

    async def looked(self, attempt: OpenAttempt, next_look_at: float) -> None:
        """It was looked for and not found, by nobody else since it was read; when it is worth looking again."""
        ...

    async def given_up(self, attempt: str, now: float, *, redial: bool) -> None:
        """The call was not found in time: the row is held, or waits again where the policy says `redial`."""
        ...

    async def ended(self, attempt: str, end: Ended) -> None:
        """T3: outcome, next due time, counters, opt-out and audit, together."""
        ...

    async def lost(self, attempt: str, now: float) -> None:
        """The server never told the end of a placed call: the slot is free again, the row done."""
        ...

    async def open_attempts(self, campaign: str | None = None) -> Sequence[OpenAttempt]:
        """Attempts in `intent`, `unknown` or `placed`."""
        ...

    async def late_attempts(self, since: float) -> Sequence[OpenAttempt]:
        """Attempts since a time that were given up without a call, while their row is held or waits."""
        ...

    async def last_ends(
        self, campaign: str, most: int, *, since: float = 0.0
    ) -> Sequence[tuple[OutcomeWord, float | None]]:
        """Outcome and seconds of the attempts that were made since a time and ended last, newest first.

        A refused one counts as failed."""
        ...

    async def counts(self, campaign: str) -> Mapping[str, int]:
        """Rows by state."""
        ...

    async def attempts(self, ids: Sequence[str]) -> Sequence[OpenAttempt]:
        """Those of these ids that are attempts of this store, whatever their state."""
        ...

    async def owned(self, call_ids: Sequence[str]) -> frozenset[str]:
        """Which of these calls an attempt has, or were adopted."""
        ...

    async def adopt(self, attempt: str, call_id: str, number: str, placed_at: float, now: float) -> bool:
        """Enter a call that the store forgot (a restored backup), and hold what waits for its number.

        Args:
            attempt: the id in the call's mark; empty where the server hides it, and then the call is only entered if
                a row waits for its number and no attempt that is being looked for may own it.

        Returns:
            Whether it was entered; not so where it was before.
        """
        ...

    async def last_activity_at(self) -> float:
        """When the last intent was committed; else when the first campaign was planned, else 0."""
        ...

    async def has_dialed(self) -> bool:
        """Whether an intent was ever committed."""
        ...

    async def add_do_not_call(self, numbers: Sequence[str], source: str, now: float) -> int:
        """How many were new. Rows that wait with these numbers are suppressed."""
        ...

    async def remove_do_not_call(self, number: str, now: float) -> bool: ...

    async def add_hint(self, kind: str, call_id: str | None, now: float) -> None:
        """Something was heard of a call, in whatever process: it is worth looking soon."""
        ...

    async def take_hints(self) -> int:
        """How many hints came since they were last taken."""
        ...

    def cut(self, after: float) -> None:
        """From any thread: end a transaction that has gone on for so many seconds, as its database does not answer. It
        raises `StoreError` then."""
        ...

    def may_have_changed(self) -> bool:
        """Whether anything was written since this was asked last, told at no cost; True where that cannot be told."""
        ...

    async def history(self, number: str) -> Sequence[Mapping[str, object]]:
        """What the store knows of a number, oldest first: rows, attempts and events."""
        ...

    async def call_only(self, campaign: str, numbers: Collection[str] | None, canary: int | None = None) -> None:
        """Hold what waits for other numbers than these, and let go what was held so before; None holds nobody. Claim
        nothing more once so many calls were made as the canary says."""
        ...

    async def server_change(self) -> ServerChange | None:
        """How the database's server differs from the one on which the store was compared with the API's record; None
        where it does not, and for a file. Nothing can be claimed while it does."""
        ...

    async def guarded(self, server: Mapping[str, str]) -> None:
        """The store was compared with the API's record on this server."""
        ...

    async def held_rows(self, number: str) -> Sequence[int]:
        """Rows of a number of which nobody knows whether they were called."""
        ...

    async def resolve(self, row: int, *, to: Literal["done", "waiting"], reason: str, now: float) -> None:
        """Settle a held row by a person's word."""
        ...

    async def forget(self, number: str, now: float) -> int:
        """Delete a person's data; hashes stay. How many rows were theirs."""
        ...

    async def reasons(self, campaign: str) -> Mapping[str, int]:
        """Rows by state, or by state and reason."""
        ...

    async def uncalled(self, campaign: str) -> Mapping[str, int]:
        """Rows that are done without a call, by reason."""
        ...

    async def snapshot(self, campaign: str) -> CampaignCopy:
        """All that a rehearsal of the campaign needs, read at one moment."""
        ...

    async def held(self, campaign: str, most: int) -> Sequence[HeldRow]:
        """Rows that are held or unresolved, or wait for more than their turn.

        First those that only a person can settle, then those that wait for no time, each in the order of the source.
        """
        ...

    def export_attempts(self, campaign: str) -> AsyncIterator[AttemptRow]:
        """Every attempt of the campaign, oldest first."""
        ...

    def export(self, campaign: str) -> AsyncIterator[Mapping[str, object]]:
        """One mapping a row, in the order of the source: its columns, and what became of it."""
        ...


class StoreBusyError(Exception):
    """Another process dials from this store."""


class StoreError(Exception):
    """The store cannot be read or written: its disk is full, its file damaged or gone, its database lost."""
