# Generated from trudy/dialer/dialer.py by `python -m trudy.codegen`; change the source, never this file.
"""The dialer: plans campaigns, rehearses them, dials them alone or with other workers, and hears of their calls."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from trudy.bridge import async_of, bind, bridge_of
from trudy.clock import Clock
from trudy.dialer.columns import Columns
from trudy.dialer.dialer import Dialer
from trudy.dialer.endings import Classify, OnOutcome
from trudy.dialer.exported import Table
from trudy.dialer.outcome import classify
from trudy.dialer.placing import ShouldDial
from trudy.dialer.plan import Plan
from trudy.dialer.policy import Policy
from trudy.dialer.progress import CampaignStatus, OnEvent, RunResult
from trudy.dialer.rehearsal import USUAL, Mix, Rehearsal
from trudy.dialer.sources import Source
from trudy.dialer.store import Store

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from trudy.dialer.sync.do_not_call import SyncDoNotCall
    from trudy.sync.client import TrudyClient


class SyncDialer:
    """Dials the contacts of campaigns, each at most once at a time, within hours, caps and the rate limit.

    Use it in `with`, inside that of its client.

    Args:
        client: the client to call through.
        store: a path of a SQLite file, or an SQLAlchemy URL. One process at a time dials from it by `run`; many may by
            `work`, where it is in PostgreSQL.
        region: the default region of numbers without a country code, such as `"US"`.
        clock: what tells the time; the client's if left out.
    """

    def __init__(
        self,
        client: TrudyClient,
        *,
        store: str | os.PathLike[str] | Store,
        region: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._async = Dialer(async_of(client), store=store, region=region, clock=clock)
        self._bridge = bridge_of(client)

    def plan(
        self,
        source: Source,
        *,
        agent: str,
        consent: str | None,
        policy: Policy | None = None,
        region: str | None = None,
        columns: Columns | None = None,
        only_to: Source | None = None,
        canary: int | None = None,
        rejects: str | os.PathLike[str] | None = "rejects.csv",
    ) -> Plan:
        """Read and judge a source; nobody is called and nothing is spent.

        Args:
            source: a path (CSV, XLSX, JSON lines), a frame, or an iterable of mappings.
            agent: id of the agent that calls.
            consent: on what basis these people are called; None where a column of the source says it.
            policy: when, how often and to whom; careful defaults.
            region: the default region of numbers, such as `"US"`.
            columns: which column holds what, where the header does not tell.
            only_to: a source of numbers, of which no others are called; they wait until a plan without it is run.
            canary: pause the campaign once so many calls were made in it, in whatever run.
            rejects: where to write rows that cannot be called; None for nowhere.

        Raises:
            InvalidArgumentError: no numbers, no consent, or variables that the agent's prompt needs are lacking.
        """
        return self._bridge.run(
            bind(
                self._async.plan,
                source,
                agent=agent,
                consent=consent,
                policy=policy,
                region=region,
                columns=columns,
                only_to=only_to,
                canary=canary,
                rejects=rejects,
            )
        )

    def rehearse(self, plan: Plan, *, mix: Mix = USUAL, seed: int = 0) -> Rehearsal:
        """Dial a copy of the plan on a sandbox in this process, on simulated time that begins now; needs the extra
        `sandbox`.

        Nothing leaves the machine: no request is sent, no number is written anywhere, and the store stays as it is.
        It takes policy, `canary`, `only_to` and the do-not-call list as they are, but asks no hooks. It ends after a
        year of simulated time, whatever is left then.

        Args:
            mix: how calls end, by their shares; a guess if left out.
            seed: decides which call ends how.

        Raises:
            ConfigurationError: the extra `sandbox` is not installed.
        """
        return self._bridge.run(bind(self._async.rehearse, plan, mix=mix, seed=seed))

    def run(
        self,
        plan: Plan,
        *,
        confirm: str,
        on_event: OnEvent | None = None,
        should_dial: ShouldDial | None = None,
        classify: Classify = classify,
        on_outcome: OnOutcome | None = None,
        confirmed_by: str | None = None,
    ) -> RunResult:
        """Call the contacts of a plan until each has its end, or somebody stops it.

        Ctrl-C places nothing more, waits for the answers of requests that are on the wire, and returns with the
        campaign paused; a second one ends at once. Either way the same plan can be run again. After `pause`, from this
        or another process, it places nothing, still looks for the ends of calls, and waits for `resume` or `stop`.
        Where it pauses by itself (the breaker, a canary, a cap, 401, 402, 403) it returns with the reason.

        Run again after `stop`, it calls nobody and returns once the ends of the last calls are known.

        Args:
            confirm: the plan's hash: a person has read the summary and says yes.
            on_event: called with each thing that happens; `paused`, `resumed`, `interrupted`, `breaker` are of the run.
            should_dial: asked before each call: `Dial()`, `Skip(reason)` or `Later(when)`.
            classify: given the call and what was `Heard` of it, names the outcome.
            on_outcome: told of each end, at least once: after a crash perhaps again, with the same `result.attempt`.
                `None` leaves what follows to the policy, `Final()`, `Retry(after)`, `CallBack(at)` or `OptOut()`
                decide it.
            confirmed_by: who said yes, for the audit.

        Raises:
            InvalidArgumentError: another hash than the plan's, the agent was changed since, or this dialer is running
                the plan.
            ConfigurationError: hours that the real API must not be used with.
            StoreBusyError: another process dials from this store.
        """
        return self._bridge.run(
            bind(
                self._async.run,
                plan,
                confirm=confirm,
                on_event=on_event,
                should_dial=should_dial,
                classify=classify,
                on_outcome=on_outcome,
                confirmed_by=confirmed_by,
            )
        )

    def start(self, plan: Plan, *, confirm: str, confirmed_by: str | None = None) -> CampaignStatus:
        """Give a campaign to the workers of a store in PostgreSQL; nothing is dialed here. Once more changes nothing,
        and lets one that was paused go on.

        Args:
            confirm: the plan's hash, as for `run`.
            confirmed_by: who said yes, for the audit.

        Raises:
            InvalidArgumentError: another hash than the plan's, or the agent was changed since.
            ConfigurationError: the store is not in PostgreSQL, or hours that the real API must not be used with.
        """
        return self._bridge.run(bind(self._async.start, plan, confirm=confirm, confirmed_by=confirmed_by))

    def work(
        self,
        *,
        on_event: OnEvent | None = None,
        should_dial: ShouldDial | None = None,
        classify: Classify = classify,
        on_outcome: OnOutcome | None = None,
        until_done: bool = False,
    ) -> None:
        """Be one of the workers that dial the campaigns of a store in PostgreSQL, until Ctrl-C or SIGTERM, which act as
        in `run`. Any number of them may come, go and die. The hooks are those of `run`, and the same in each worker:
        any of them may hear of the end of a call.

        Args:
            until_done: return once no campaign runs and the end of every call is known.

        Raises:
            ConfigurationError: the store is not in PostgreSQL, the client counts its requests by itself, or the event
                loop is not asyncio's.
            StoreBusyError: a process dials by `run`.
        """
        return self._bridge.run(
            bind(
                self._async.work,
                on_event=on_event,
                should_dial=should_dial,
                classify=classify,
                on_outcome=on_outcome,
                until_done=until_done,
            )
        )

    def nudge(self, event: object = None) -> None:
        """Something was heard of a call: look soon. For a webhook router's `on_any`; from any thread.

        Events are hints: what became of a call is asked of the API. `classify` sees the last one of each call.
        """
        return self._async.nudge(event)

    def hint(self, event: object = None) -> None:
        """Something was heard of a call, in any process: the one that dials from this store looks within two seconds.

        For `on_any` of a webhook router where the webhooks come to another process than the one that dials; `nudge`
        is for the same one, and the only one that tells `classify` of the event.
        """
        return self._bridge.run(bind(self._async.hint, event))

    def close(self) -> None:
        """Close the store. The client stays open."""
        self._bridge.run(self._async.aclose)

    def __enter__(self) -> Self:
        self._bridge.run(self._async.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def dnc(self) -> SyncDoNotCall:
        """The do-not-call list of the store."""
        from trudy.dialer.sync.do_not_call import SyncDoNotCall

        return SyncDoNotCall(self._async.dnc, self._bridge)

    def now(self) -> float:
        """The server's time in Unix seconds, as the client knows it: the earliest that it may be, so that no hours are
        taken to be open a moment too soon.
        """
        return self._async.now()

    def e164(self, number: str) -> str:
        """A number in E.164, read with the default region."""
        return self._async.e164(number)

    def pause(self, campaign: str, reason: str = "by hand") -> None:
        """Place nothing more until `resume`; acts in every process within two seconds.

        A run stays, and still looks for the ends of calls.
        """
        return self._bridge.run(bind(self._async.pause, campaign, reason))

    def resume(self, campaign: str) -> None:
        """Let a paused or halted campaign go on.

        A run that was paused by hand dials on within two seconds, in whatever process it is; else call `run`.
        """
        return self._bridge.run(bind(self._async.resume, campaign))

    def stop(self, campaign: str) -> int:
        """End a campaign for good; how many calls still talk, which no endpoint can end.

        A run of it returns within seconds and does not wait for these calls. Their ends, and an opt-out said in them,
        are learned by the next `run` of any campaign of the store; one of the same plan waits for them, and calls
        nobody.
        """
        return self._bridge.run(bind(self._async.stop, campaign))

    def status(self, campaign: str) -> CampaignStatus:
        """Where a campaign stands, from any process."""
        return self._bridge.run(bind(self._async.status, campaign))

    def why(self, number: str) -> Sequence[str]:
        """What happened to a number and why, a line each, oldest first."""
        return self._bridge.run(bind(self._async.why, number))

    def resolve(self, who: int | str, *, called: bool, reason: str = "by hand") -> None:
        """Settle what is held because nobody knows whether it was called.

        Args:
            who: a number, or the id of a row from an event.
            called: True ends the row; False lets it wait again, to be dialed when the same plan is run.
            reason: for the audit.

        Raises:
            InvalidArgumentError: nothing is held for this number.
        """
        return self._bridge.run(bind(self._async.resolve, who, called=called, reason=reason))

    def forget(self, number: str) -> int:
        """Delete a person's data from the store; the do-not-call hash stays. How many rows were theirs.

        Raises:
            InvalidArgumentError: a call to the number has no known end yet.
        """
        return self._bridge.run(bind(self._async.forget, number))

    def export(self, campaign: str, path: str | os.PathLike[str], *, rows: Table = "contacts") -> int:
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
        return self._bridge.run(bind(self._async.export, campaign, path, rows=rows))

    def to_pandas(self, campaign: str, *, rows: Table = "contacts") -> pd.DataFrame:
        """What `export` writes as a frame of pandas: aware times; the source's cells, ids and phone numbers as text."""
        return self._bridge.run(bind(self._async.to_pandas, campaign, rows=rows))

    def to_polars(self, campaign: str, *, rows: Table = "contacts") -> pl.DataFrame:
        """What `to_pandas` makes, as a frame of polars."""
        return self._bridge.run(bind(self._async.to_polars, campaign, rows=rows))

    def report(self, campaign: str, path: str | os.PathLike[str], *, rehearsal: Rehearsal | None = None) -> None:
        """Write how a campaign goes as one HTML file that opens offline; needs the extra `report`. Numbers are masked.

        The file is whole, or the old one. It may be written before, during and after the run.

        Args:
            rehearsal: shown beside it.

        Raises:
            ConfigurationError: the extra `report` is not installed.
            OSError: the file cannot be written.
        """
        return self._bridge.run(bind(self._async.report, campaign, path, rehearsal=rehearsal))
