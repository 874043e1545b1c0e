"""Bulk dialing that rings nobody twice: campaigns from a file, within hours and caps, that survive a crash.

    dialer          Dialer: plan, rehearse, run, start, work, nudge, hint
    control         pause, resume, stop, status, why, resolve, forget, export, report: from any process
    arguments       what the methods are given, checked
    campaigns       campaigns looked up, moved and told of
    launch          how a dialer begins to dial: by itself, or as one of the workers
    assembly        a run put together of its parts, and the hooks of its caller
    do_not_call     the numbers that no campaign calls
    progress        what a run tells
    report          a campaign as one HTML file
    charts          charts of a campaign as SVG; pure
    rehearsal       how a campaign would go: what a rehearsal is told, and what it tells; pure
    rehearsing      a campaign tried out on a sandbox in memory
    statistics      a campaign counted; pure
    sync            SyncDialer, for code without an event loop; generated
    policy          when, how often and to whom, and when a campaign pauses by itself (the breaker); pure
    policy_json     a policy for the store and for the hash of a plan
    states          which state follows from which happening; pure
    sources         rows from CSV, XLSX, JSON lines, frames, iterables
    numbers         cells to E.164, and what is wrong with those that cannot be read
    zones           in which time zones a number may lie
    columns         which column of a source holds what: mapped by the caller, or guessed
    contacts        one row judged: number, zones, consent, variables
    forecast        when zones open, when a campaign ends, what it costs; pure
    plan            rows read, judged and stored; the summary and the hash
    placing         one call placed: hooks asked, admitted, claimed, sent, its answer recorded
    refusals        what a refused call is about: the contact, or the campaign; pure
    sweep           the calls of all attempts, looked for together
    endings         what follows from a call that is over; the last webhook event of each call
    slices          turns at a campaign: which contacts are called next, and the waits between two calls
    running         one run: a task that places, a task that sweeps; pauses, the breaker, and how it ends
    fleet           many machines that dial from one store
    amnesia_guard   whether the store knows every call that it placed
    clock_guard     whether the server's time is still known
    interrupts      a run or a worker that Ctrl-C or SIGTERM ends
    engine          what gives turns to the shards of a campaign
    outcome         how a call ended, and what follows: the end, a retry, an opt-out; pure
    store           what is asked of a store
    records         what goes into a store and comes out of it
    sql_store       the store in SQL
    sql_database    the database under it: SQLite's settings, one writing thread, the lock
    sql_postgres    PostgreSQL under it: durable commits, one writer, the lock
    sql_servers     which server a store in PostgreSQL is on
    sql_claims      the transactions that decide whether a phone rings
    sql_caps        how often a number may be called, and from which of the caller's own numbers
    sql_plans       plans in SQL: rows on their way in, duplicates, people not to be called
    sql_rows        campaigns moved, shards taken (with a fence), rows picked, settled and forgotten in SQL
    sql_attempts    attempts in SQL without a known end, those that ended last, and calls that no attempt has
    sql_refusals    refused calls in SQL: those that were refused alike wait again
    sql_copy        the attempts of a campaign, and a copy of it
    schema          the tables
    migrations      how tables of older versions are changed
    exported        the tables that are exported: contacts, attempts
    export          files of results and rejects
    frames          frames of pandas and polars, and Parquet
    throwaway_postgres  a PostgreSQL for the demo, and for tests
    audit           what happened to a number and why, as sentences; pure

Names load when first used; the extra `dialer` brings what they need.

.. include:: README.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trudy.dialer.columns import Columns as Columns
    from trudy.dialer.dialer import Dialer as Dialer
    from trudy.dialer.outcome import AttemptResult as AttemptResult
    from trudy.dialer.outcome import CallBack as CallBack
    from trudy.dialer.outcome import Final as Final
    from trudy.dialer.outcome import Heard as Heard
    from trudy.dialer.outcome import OptOut as OptOut
    from trudy.dialer.outcome import Retry as Retry
    from trudy.dialer.placing import Dial as Dial
    from trudy.dialer.placing import Later as Later
    from trudy.dialer.placing import Skip as Skip
    from trudy.dialer.plan import Plan as Plan
    from trudy.dialer.policy import Attempts as Attempts
    from trudy.dialer.policy import Breaker as Breaker
    from trudy.dialer.policy import Hours as Hours
    from trudy.dialer.policy import Policy as Policy
    from trudy.dialer.policy import RetryAfter as RetryAfter
    from trudy.dialer.progress import CampaignStatus as CampaignStatus
    from trudy.dialer.progress import DialEvent as DialEvent
    from trudy.dialer.progress import RunResult as RunResult
    from trudy.dialer.records import DueRow as DueRow
    from trudy.dialer.rehearsal import IdlePeriod as IdlePeriod
    from trudy.dialer.rehearsal import Mix as Mix
    from trudy.dialer.rehearsal import Rehearsal as Rehearsal
    from trudy.dialer.statistics import CampaignStatistics as CampaignStatistics
    from trudy.dialer.store import StoreBusyError as StoreBusyError
    from trudy.dialer.sync.dialer import SyncDialer as SyncDialer
else:
    from trudy._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(__name__)
