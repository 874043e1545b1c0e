"""`trudy dial`: campaigns told of, paused, stopped and exported. Only the store is asked: no key, and no request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from attrs import evolve

from trudy._masking import mask_phone
from trudy.cli.asking import confirm
from trudy.cli.dial.options import DEFAULT_STORE, CampaignId, Number, StorePath
from trudy.cli.dial.stores import campaign_named, campaigns_in, open_store, run_async
from trudy.cli.failures import CommandError
from trudy.cli.groups import group
from trudy.cli.options import CountryCode, ShowNumbers
from trudy.cli.output import Row, console_of, show, show_list
from trudy.cli.shell import Shell, shell_of
from trudy.cli.wrapping import wrapped_facts
from trudy.dialer.exported import Table

if TYPE_CHECKING:
    from trudy.cli.dial.progress import CampaignProgress
    from trudy.dialer import Dialer
    from trudy.dialer.records import CampaignRecord

app = typer.Typer()
dnc = group("Keep the list of people whom no campaign calls.")

_SHORTEST_NUMBER: Final = 7
"""Digits from which a bare number is a phone number and no row."""


@app.command()
def status(context: typer.Context, campaign: CampaignId = None, store: StorePath = DEFAULT_STORE) -> None:
    """Show where a campaign stands, or list all of them."""
    from trudy.cli.dial.progress import lines_of
    from trudy.cli.dial.screens import head_of

    shell = shell_of(context)

    async def work() -> CampaignProgress | list[Row]:
        async with open_store(store) as dialer:
            if campaign is None:
                return [await _row_of(dialer, each) for each in await campaigns_in(dialer)]
            return await _progress_of(dialer, await campaign_named(dialer, campaign))

    found = run_async(work)
    if isinstance(found, list):
        show_list(shell, [found], columns=("id", "state", "rows", "done", "waiting", "live", "dialed", "created_at"))
    elif shell.shows_tables:
        console = console_of(shell)
        for line in head_of(found, console.width, is_ascii=console.options.ascii_only):
            console.print(line, no_wrap=True, overflow="ellipsis")
        shell.terminal.out.write("".join(f"{line}\n" for line in lines_of(found.facts(), console.width)))
    else:
        show(shell, found)


@app.command()
def pause(
    context: typer.Context,
    campaign: CampaignId = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit.")] = "by hand",
    store: StorePath = DEFAULT_STORE,
) -> None:
    """Place no more calls until resume, wherever it runs."""

    async def act(dialer: Dialer, found: CampaignRecord) -> str:
        await dialer.pause(found.id, reason)
        return f"campaign {found.id} is paused; to go on: trudy dial resume {found.id}"

    _change(shell_of(context), store, campaign, act)


@app.command()
def resume(context: typer.Context, campaign: CampaignId = None, store: StorePath = DEFAULT_STORE) -> None:
    """Let a paused campaign go on."""

    async def act(dialer: Dialer, found: CampaignRecord) -> str:
        await dialer.resume(found.id)
        return f"campaign {found.id} may go on; where no process runs it, use trudy dial run with its file"

    _change(shell_of(context), store, campaign, act)


@app.command()
def stop(context: typer.Context, campaign: CampaignId = None, store: StorePath = DEFAULT_STORE) -> None:
    """End a campaign for good; calls that talk go on."""

    async def act(dialer: Dialer, found: CampaignRecord) -> str:
        live = await dialer.stop(found.id)
        return f"campaign {found.id} is stopped; {live:,} calls still talk"

    _change(shell_of(context), store, campaign, act)


@app.command()
def why(
    context: typer.Context,
    number: Number,
    region: CountryCode = None,
    show_numbers: ShowNumbers = False,
    store: StorePath = DEFAULT_STORE,
) -> None:
    """Tell what happened to a number, and why."""
    shell = shell_of(context)

    async def work() -> tuple[str, Sequence[str]]:
        async with open_store(store, region) as dialer:
            return dialer.e164(number), await dialer.why(number)

    whole, lines = run_async(work)
    shown = whole if show_numbers else mask_phone(whole)
    if not shell.shows_tables:
        show(shell, {"number": shown, "history": list(lines)})
    elif lines:
        history = wrapped_facts("\n".join(f"  {line}" for line in lines), shell.terminal.width)
        shell.terminal.out.write(f"{shown} (times are UTC)\n{history}\n")
    else:
        shell.say(f"nothing is known of {shown}")


@app.command()
def resolve(
    context: typer.Context,
    who: Annotated[str, typer.Argument(metavar="NUMBER|ROW", help="A phone number, or the row of an event.")],
    called: Annotated[
        bool | None,
        typer.Option("--called/--not-called", help="Whether it was called: if not, it may be called again."),
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="How you know, for the audit.")] = "by hand",
    region: CountryCode = None,
    store: StorePath = DEFAULT_STORE,
) -> None:
    """Settle a row of which nobody knows if it was called."""
    shell = shell_of(context)
    if called is None:
        raise CommandError(
            "say --called or --not-called", "Look in your provider's records, or ask the person, before you say it."
        )

    async def work() -> None:
        async with open_store(store, region) as dialer:
            row: int | str = int(who) if who.isascii() and who.isdigit() and len(who) < _SHORTEST_NUMBER else who
            await dialer.resolve(row, called=called, reason=reason)

    if not _is_dry(shell):
        run_async(work)
        shell.say("its row is done" if called else "it waits again; run its campaign to call it")


@app.command()
def export(
    context: typer.Context,
    campaign: CampaignId = None,
    to: Annotated[
        Path, typer.Option(metavar="FILE", help="Ends in .csv, .jsonl or .parquet; it has whole phone numbers.")
    ] = Path("results.csv"),
    rows: Annotated[Table, typer.Option(help="One row a contact, or one an attempt.")] = "contacts",
    store: StorePath = DEFAULT_STORE,
) -> None:
    """Write the results to a file, at any time."""

    async def act(dialer: Dialer, found: CampaignRecord) -> str:
        count = await dialer.export(found.id, to, rows=rows)
        return f"{count:,} rows are in {to}"

    _change(shell_of(context), store, campaign, act)


@app.command()
def report(
    context: typer.Context,
    campaign: CampaignId = None,
    to: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")] = Path("report.html"),
    store: StorePath = DEFAULT_STORE,
) -> None:
    """Write a page that tells how a campaign goes."""

    async def act(dialer: Dialer, found: CampaignRecord) -> str:
        await dialer.report(found.id, to)
        return f"the report is in {to}"

    _change(shell_of(context), store, campaign, act)


@app.command()
def forget(
    context: typer.Context, number: Number, region: CountryCode = None, store: StorePath = DEFAULT_STORE
) -> None:
    """Delete a person's data; do-not-call stays known."""
    shell = shell_of(context)

    async def work() -> int:
        async with open_store(store, region) as dialer:
            shown = mask_phone(dialer.e164(number))
            confirm(shell, f"Delete all that the store knows of {shown}, in all campaigns?")
            return 0 if shell.dry_run else await dialer.forget(number)

    count = run_async(work)
    if not _is_dry(shell):
        shell.say(f"{count:,} rows are forgotten")


@dnc.command()
def add(
    context: typer.Context,
    numbers: Annotated[list[str], typer.Argument(metavar="NUMBER", help="Phone numbers, such as +14155550123.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="From where you know, for the audit.")] = "by hand",
    region: CountryCode = None,
    store: StorePath = DEFAULT_STORE,
) -> None:
    """Never call these numbers again."""
    _do_not_call(shell_of(context), store, region, lambda dialer: dialer.dnc.add(*numbers, source=reason))


@dnc.command("import")
def import_(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, a workbook, or JSON lines.")],
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where the numbers are, if the header does not tell.")
    ] = None,
    region: CountryCode = None,
    store: StorePath = DEFAULT_STORE,
) -> None:
    """Never call the numbers of a file again."""
    _do_not_call(shell_of(context), store, region, lambda dialer: dialer.dnc.import_file(path, column=column))


@dnc.command()
def remove(
    context: typer.Context, number: Number, region: CountryCode = None, store: StorePath = DEFAULT_STORE
) -> None:
    """Let a number be called again."""
    shell = shell_of(context)

    async def work() -> bool:
        async with open_store(store, region) as dialer:
            confirm(shell, f"Let {mask_phone(dialer.e164(number))} be called again?")
            return not shell.dry_run and await dialer.dnc.remove(number)

    removed = run_async(work)
    if not _is_dry(shell):
        shell.say("it may be called again" if removed else "it was not on the list")


app.add_typer(dnc, name="dnc")


def _do_not_call(shell: Shell, store: str, region: str | None, act: Callable[[Dialer], Awaitable[int]]) -> None:
    async def work() -> int:
        async with open_store(store, region, may_be_new=True) as dialer:
            return await act(dialer)

    if not _is_dry(shell):
        shell.say(f"{run_async(work):,} new on the do-not-call list")


def _change(
    shell: Shell,
    store: str,
    campaign: str | None,
    act: Callable[[Dialer, CampaignRecord], Awaitable[str]],
) -> None:
    """Do something with a campaign, and tell what was done; nothing in a dry run."""

    async def work() -> str:
        async with open_store(store) as dialer:
            found = await campaign_named(dialer, campaign)
            return f"dry run: campaign {found.id} stays as it is" if shell.dry_run else await act(dialer, found)

    shell.say(run_async(work))


def _is_dry(shell: Shell) -> bool:
    if shell.dry_run:
        shell.say("dry run: nothing was changed")
    return shell.dry_run


async def _row_of(dialer: Dialer, campaign: CampaignRecord) -> Row:
    counts = await dialer.store.counts(campaign.id)
    return {
        "id": campaign.id,
        "state": campaign.state,
        "reason": campaign.reason,
        "rows": sum(counts.values()),
        "done": counts.get("done", 0),
        "waiting": counts.get("waiting", 0),
        "unresolved": counts.get("unresolved", 0),
        "live": campaign.live,
        "dialed": campaign.dialed,
        "spent": round(campaign.spent, 6),
        "created_at": datetime.fromtimestamp(campaign.created_at, UTC).isoformat(timespec="seconds"),
    }


async def _progress_of(dialer: Dialer, campaign: CampaignRecord) -> CampaignProgress:
    from trudy.cli.dial.running import answered_in, read_progress

    answered = await answered_in(dialer, campaign.id)
    progress = await read_progress(dialer, campaign.id, campaign.policy, answered=answered)
    return evolve(progress, window=None)  # this process sends nothing
