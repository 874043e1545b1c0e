"""What can be done with the campaigns of a store in any process, also in one that does not dial."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio

from trudy import _checks
from trudy._concurrency.loops import Wakeup
from trudy.clock import Clock
from trudy.dialer import arguments, frames
from trudy.dialer import export as exports
from trudy.dialer.audit import told
from trudy.dialer.campaigns import Campaigns
from trudy.dialer.do_not_call import DoNotCall
from trudy.dialer.exported import Table
from trudy.dialer.progress import CampaignStatus
from trudy.dialer.rehearsal import Rehearsal
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import Store

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from trudy.client import AsyncTrudyClient


class CampaignControl:
    """The campaigns of a store: pause, resume, stop, what became of each contact and why, files and reports."""

    def __init__(
        self,
        client: AsyncTrudyClient,
        *,
        store: str | os.PathLike[str] | Store,
        region: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        arguments.check_client(client)
        arguments.check_store(store)
        arguments.check_region(region)
        self.client = client
        self.region = region
        self._clock = clock or client.clock
        self.store: Store = SqlStore(store, clock=self._clock) if isinstance(store, str | os.PathLike) else store
        self._wakeup = Wakeup()
        self._campaigns = Campaigns(store=self.store, server_now=self.now, look_soon=self._wakeup)

    async def aclose(self) -> None:
        """Close the store. The client stays open."""
        with anyio.CancelScope(shield=True):
            await self.store.close()

    async def __aenter__(self) -> Self:
        await self.store.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def dnc(self) -> DoNotCall:
        """The do-not-call list of the store."""
        return DoNotCall(self)

    def now(self) -> float:
        """The server's time in Unix seconds, as the client knows it: the earliest that it may be, so that no hours are
        taken to be open a moment too soon."""
        server = self.client.server_clock
        return self._clock.time() if server is None else server.now().timestamp() - server.uncertainty

    def e164(self, number: str) -> str:
        """A number in E.164, read with the default region."""
        return arguments.e164_of(number, self.region)

    async def pause(self, campaign: str, reason: str = "by hand") -> None:
        """Place nothing more until `resume`; acts in every process within two seconds.

        A run stays, and still looks for the ends of calls.
        """
        _checks.non_empty(reason, "reason")
        await self._campaigns.move_open(campaign, "paused", reason)

    async def resume(self, campaign: str) -> None:
        """Let a paused or halted campaign go on.

        A run that was paused by hand dials on within two seconds, in whatever process it is; else call `run`.
        """
        await self._campaigns.move_open(campaign, "running", None)

    async def stop(self, campaign: str) -> int:
        """End a campaign for good; how many calls still talk, which no endpoint can end.

        A run of it returns within seconds and does not wait for these calls. Their ends, and an opt-out said in them,
        are learned by the next `run` of any campaign of the store; one of the same plan waits for them, and calls
        nobody.
        """
        await self._campaigns.move_open(campaign, "stopped", "by hand")
        return (await self.store.campaign(campaign)).live

    async def status(self, campaign: str) -> CampaignStatus:
        """Where a campaign stands, from any process."""
        return await self._campaigns.status(campaign)

    async def why(self, number: str) -> Sequence[str]:
        """What happened to a number and why, a line each, oldest first."""
        return told(await self.store.history(self.e164(number)))

    async def resolve(self, who: int | str, *, called: bool, reason: str = "by hand") -> None:
        """Settle what is held because nobody knows whether it was called.

        Args:
            who: a number, or the id of a row from an event.
            called: True ends the row; False lets it wait again, to be dialed when the same plan is run.
            reason: for the audit.

        Raises:
            InvalidArgumentError: nothing is held for this number.
        """
        arguments.check_resolve(who, called, reason)
        await self._campaigns.settle(self.e164(who) if isinstance(who, str) else who, called=called, reason=reason)

    async def forget(self, number: str) -> int:
        """Delete a person's data from the store; the do-not-call hash stays. How many rows were theirs.

        Raises:
            InvalidArgumentError: a call to the number has no known end yet.
        """
        return await self._campaigns.forget(self.e164(number))

    async def export(self, campaign: str, path: str | os.PathLike[str], *, rows: Table = "contacts") -> int:
        """Write a table of a campaign, at any time, and tell how many rows it has.

        One row a contact: the source's columns, and what became of it. One row an attempt: its times, outcome, cost
        (dollars, or credits where the API tells none), and the `line` of its contact. The file is
        whole, or the old one, whose mode it keeps. Times are in UTC. In a CSV, a text that a spreadsheet would run as a
        formula has an apostrophe before it.

        Args:
            path: ends in `.csv`, `.jsonl`, `.ndjson`, or `.parquet` (needs the extra `parquet`).
            rows: one a contact, or one an attempt.

        Raises:
            ConfigurationError: the extra `parquet` is not installed.
            OSError: the file cannot be written, such as on a full disk.
        """
        exports.check_path(path)
        read, kinds = await self._campaigns.table(campaign, rows)
        return await exports.write(read, Path(path), kinds)

    async def to_pandas(self, campaign: str, *, rows: Table = "contacts") -> pd.DataFrame:
        """What `export` writes as a frame of pandas: aware times; the source's cells, ids and phone numbers as text."""
        return await frames.pandas_frame(*await self._campaigns.table(campaign, rows))

    async def to_polars(self, campaign: str, *, rows: Table = "contacts") -> pl.DataFrame:
        """What `to_pandas` makes, as a frame of polars."""
        return await frames.polars_frame(*await self._campaigns.table(campaign, rows))

    async def report(self, campaign: str, path: str | os.PathLike[str], *, rehearsal: Rehearsal | None = None) -> None:
        """Write how a campaign goes as one HTML file that opens offline; needs the extra `report`. Numbers are masked.

        The file is whole, or the old one. It may be written before, during and after the run.

        Args:
            rehearsal: shown beside it.

        Raises:
            ConfigurationError: the extra `report` is not installed.
            OSError: the file cannot be written.
        """
        from trudy.dialer.report import write_report

        _checks.path(path, "path")
        if rehearsal is not None:
            _checks.instance(rehearsal, Rehearsal, "rehearsal")
        await self._campaigns.known(campaign)
        await write_report(
            self.store,
            campaign,
            Path(path),
            rehearsal=rehearsal,
            now=self.now(),
            limit=self._limit(),
        )

    def _limit(self) -> int | None:
        """Requests a minute that the server is known to take."""
        limit = self.client.rate_limit
        return None if limit is None else limit.limit
