"""The campaigns of a store by their ids: looked up, moved from state to state, and told of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import get_args

from attrs import evolve, frozen

from trudy import _checks
from trudy._concurrency.loops import Wakeup
from trudy._masking import mask_phone
from trudy.dialer.exported import Kinds, Rows, Table, table_of
from trudy.dialer.plan import Plan
from trudy.dialer.progress import CampaignStatus, RunResult
from trudy.dialer.records import CAMPAIGN_STATES, OPEN_STATES, CampaignRecord, CampaignState
from trudy.dialer.states import ImpossibleError
from trudy.dialer.store import Store, StoreError
from trudy.errors import InvalidArgumentError


@frozen(kw_only=True, eq=False)
class Campaigns:
    """What the dialer's methods do to campaigns and to their rows.

    Attributes:
        look_soon: set where a campaign moved, so that a run of this process sees it at once.
    """

    store: Store
    server_now: Callable[[], float]
    look_soon: Wakeup

    async def known(self, campaign: str) -> CampaignRecord:
        """A campaign that the store must have.

        Raises:
            InvalidArgumentError: it has none of this id.
        """
        _checks.non_empty(campaign, "campaign")
        try:
            return await self.store.campaign(campaign)
        except LookupError:
            raise InvalidArgumentError("campaign: the store has none of this id", argument="campaign") from None

    async def table(self, campaign: str, rows: Table) -> tuple[Rows, Kinds]:
        """How one of the tables of a campaign is read, and the columns that it has whatever the source."""
        _checks.one_of(rows, get_args(Table), "rows")
        await self.known(campaign)
        return table_of(self.store, campaign, rows)

    async def planned(self, plan: Plan) -> CampaignRecord:
        """The campaign of a plan.

        Raises:
            InvalidArgumentError: the plan was made with another store.
        """
        try:
            return await self.store.campaign(plan.campaign)
        except LookupError:
            raise InvalidArgumentError(
                "plan: this store has no such campaign; plan with the dialer that runs it", argument="plan"
            ) from None

    async def move_open(self, campaign: str, to: CampaignState, reason: str | None) -> None:
        """Move a campaign that has not come to its end.

        Raises:
            InvalidArgumentError: it is done or stopped, or the store has none of this id.
        """
        await self.known(campaign)
        if not await self.move(campaign, to, reason, was=OPEN_STATES):
            state = (await self.store.campaign(campaign)).state
            raise InvalidArgumentError(f"campaign: it is {state}, and that is its end", argument="campaign")

    async def move(
        self,
        campaign: str,
        to: CampaignState,
        reason: str | None,
        *,
        by: str | None = None,
        was: Collection[CampaignState] = CAMPAIGN_STATES,
    ) -> bool:
        """Move a campaign, if it was in one of these states; whether it was. `by`: who said yes, for the audit."""
        is_moved = await self.store.move_campaign(campaign, to, reason=reason, now=self.server_now(), by=by, was=was)
        self.look_soon.set()
        return is_moved

    async def settle(self, who: int | str, *, called: bool, reason: str) -> None:
        """End a held row, or all that are held for a number, or let them wait again; a campaign that was done for one
        goes on then.

        Raises:
            InvalidArgumentError: the row is not held, or none is for the number.
        """
        held = [who] if isinstance(who, int) else await self.store.held_rows(who)
        if not held:
            raise InvalidArgumentError("who: nothing is held for this number", argument="who")
        for row in held:
            await self._settle(row, called=called, reason=reason)

    async def _settle(self, row: int, *, called: bool, reason: str) -> None:
        try:
            await self.store.resolve(row, to="done" if called else "waiting", reason=reason, now=self.server_now())
        except ImpossibleError:
            raise InvalidArgumentError(f"who: row {row} is not held", argument="who") from None
        campaign = (await self.store.contact(row)).campaign
        if not called and (await self.store.campaign(campaign)).state == "done":
            await self.move(campaign, "paused", "a row waits again; run the same plan to go on")

    async def forget(self, number: str) -> int:
        """Delete a person's data; how many rows were theirs.

        Raises:
            InvalidArgumentError: a call to the number has no known end yet.
        """
        try:
            return await self.store.forget(number, self.server_now())
        except ImpossibleError:
            raise InvalidArgumentError(
                f"number: a call to {mask_phone(number)} is open; run its campaign until it has ended, then forget",
                argument="number",
            ) from None

    async def status(self, campaign: str) -> CampaignStatus:
        """Where a campaign stands."""
        found = await self.known(campaign)
        return CampaignStatus(
            campaign=found.id,
            state=found.state,
            reason=found.reason,
            counts=await self.store.counts(campaign),
            live=found.live,
            dialed=found.dialed,
            spent=found.spent,
            reserved=found.reserved,
        )

    async def result(self, campaign: str) -> RunResult:
        """What a run of it that ends now has come to."""
        found = await self.store.campaign(campaign)
        return RunResult(
            campaign=campaign,
            state=found.state,
            reason=found.reason,
            counts=await self.store.counts(campaign),
            live=found.live,
        )

    async def result_despite(self, campaign: str, fault: StoreError) -> RunResult:
        """What can be told of a run that ended because the store cannot be written, and perhaps not read."""
        reason = f"the store cannot be used, and nothing is sent without it: {fault}"
        try:
            return evolve(await self.result(campaign), state="halted", reason=reason)
        except StoreError:
            return RunResult(campaign=campaign, state="halted", reason=reason, counts={}, live=0)
