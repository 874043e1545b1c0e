"""`trudy dial`: the commands that plan a campaign and run it."""

from __future__ import annotations

import getpass
import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from trudy.cli.asking import confirm
from trudy.cli.dial.control import app as control
from trudy.cli.dial.options import CampaignArguments, ConfirmHash, with_campaign
from trudy.cli.dial.planning import SHOWN_OF_HASH, advice_on, check_confirmed, plan_dict, planned
from trudy.cli.dial.stores import open_dialer, run_async
from trudy.cli.dial.workers import app as workers
from trudy.cli.dial.workers import check_is_shared
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError, failure_of
from trudy.cli.groups import group
from trudy.cli.options import ShowNumbers
from trudy.cli.output import show
from trudy.cli.shell import Shell, shell_of
from trudy.cli.wrapping import wrapped_facts
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    from trudy.cli.dial.running import WatchedRun
    from trudy.dialer import Mix, Plan

app = group("Call the people of a file: each at most once at a time, within hours, caps and the rate limit.")


@app.command()
def init(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")] = Path("policy.toml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a policy file: every setting and what it means."""
    from trudy.cli.dial.policy_file import TEMPLATE

    shell = shell_of(context)
    if path.exists() and not force:
        raise CommandError(f"{path} is there already", "Choose another name, or add --force to write over it.")
    if shell.dry_run:
        shell.say(f"dry run: {path} was not written")
        return
    path.write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    shell.say(f"wrote {path}: change what you need, and use it with --policy {path}")


@app.command()
@with_campaign
def plan(context: typer.Context, arguments: CampaignArguments) -> None:
    """Read and judge a file; nobody is called."""
    shell = shell_of(context)

    async def work() -> Plan:
        async with open_dialer(shell, arguments.store, arguments.region) as dialer:
            return await planned(shell, dialer, arguments)

    found = run_async(work)
    if shell.shows_tables:
        shell.terminal.out.write(f"{wrapped_facts(found.summary(), shell.terminal.width)}\n")
    else:
        show(shell, plan_dict(found))
    if advice := advice_on(found):
        shell.say(f"\n{advice}")
    if not found.waiting:
        shell.say("\nNobody of this file is to be called.")
        return
    shell.say(f"\nTry it out, no phone rings:\n  {arguments.command('rehearse')}")
    shell.say(f"Call these people:\n  {arguments.command('run', '--confirm', found.hash[:SHOWN_OF_HASH])}")


@app.command()
@with_campaign
def rehearse(
    context: typer.Context,
    arguments: CampaignArguments,
    mix: Annotated[
        str | None,
        typer.Option(metavar="SHARES", help="How calls end, such as answered=0.4,busy=0.1,no_answer=0.5."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Decides which call ends how.", min=0)] = 0,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page about it, such as report.html.")
    ] = None,
) -> None:
    """Try it out on simulated time: no phone rings."""
    from trudy.cli.dial.rehearsing import mix_of, rehearsal_dict
    from trudy.dialer import Rehearsal

    shell = shell_of(context)
    shares: Mix = mix_of(mix)

    async def work() -> Rehearsal:
        async with open_dialer(shell, arguments.store, arguments.region) as dialer:
            found = await planned(shell, dialer, arguments)
            shell.say(f"rehearsing {found.waiting:,} contacts; no phone rings")
            rehearsal = await dialer.rehearse(found, mix=shares, seed=seed)
            if report is not None:
                await dialer.report(found.campaign, report, rehearsal=rehearsal)
            return rehearsal

    rehearsal = run_async(work)
    if shell.shows_tables:
        shell.terminal.out.write(f"{wrapped_facts(rehearsal.summary(), shell.terminal.width)}\n")
    else:
        show(shell, rehearsal_dict(rehearsal))
    if report is not None:
        shell.say(f"the report is in {report}")
    elif rehearsal.statistics.calls:
        told = (*(() if mix is None else ("--mix", mix)), *(("--seed", str(seed)) if seed else ()))
        shell.say(f"\nThe same as a page:\n  {arguments.command('rehearse', *told, '--report', 'rehearsal.html')}")
    if rehearsal.statistics.calls:
        command = arguments.command("run", "--confirm", rehearsal.plan_hash[:SHOWN_OF_HASH])
        shell.say(f"Call these people:\n  {command}")


@app.command()
@with_campaign
def run(
    context: typer.Context,
    arguments: CampaignArguments,
    confirm_hash: ConfirmHash = None,
    show_numbers: ShowNumbers = False,
) -> int:
    """Call the people of a file; run it again to go on."""
    shell = shell_of(context)
    return run_async(lambda: _run(shell, arguments, confirm_hash, show_numbers=show_numbers))


@app.command()
@with_campaign
def start(
    context: typer.Context,
    arguments: CampaignArguments,
    confirm_hash: ConfirmHash = None,
) -> None:
    """Give a campaign to the workers of a store."""
    shell = shell_of(context)
    check_is_shared(arguments.store)

    async def work() -> None:
        async with open_dialer(shell, arguments.store, arguments.region) as dialer:
            found = await planned(shell, dialer, arguments)
            _say_yes(shell, found, arguments, confirm_hash, verb="start")
            if shell.dry_run:
                shell.say("dry run: nobody will be called")
                return
            with _unfit_hours():
                status = await dialer.start(found, confirm=found.hash, confirmed_by=_person("start"))
            shell.say(f"campaign {status.campaign} is {status.state}. To dial it, on any machine:")
            shell.say("  trudy dial worker --store URL")

    run_async(work)


@contextmanager
def _unfit_hours() -> Generator[None]:
    """What the library says of hours that the real API must not be used with."""
    try:
        yield
    except ConfigurationError as error:
        if failure_of(error).code is ExitCode.EXTRA_MISSING:
            raise
        raise CommandError(error.message, "In a policy file that is i_know_the_law = true of [hours].") from None


async def _run(shell: Shell, arguments: CampaignArguments, confirm_hash: str | None, *, show_numbers: bool) -> ExitCode:
    from trudy.cli.dial.running import watched_run
    from trudy.cli.dial.screens import JsonScreen, LiveScreen

    async with open_dialer(shell, arguments.store, arguments.region) as dialer:
        found = await planned(shell, dialer, arguments)
        _say_yes(shell, found, arguments, confirm_hash, verb="run")
        if shell.dry_run:
            if not shell.shows_tables:
                show(shell, plan_dict(found))
            shell.say("dry run: nobody was called")
            return ExitCode.DONE
        screen = (LiveScreen if shell.shows_tables else JsonScreen)(shell, show_numbers=show_numbers)
        if isinstance(screen, JsonScreen):
            screen.write({"event": "planned", **plan_dict(found)})
        with _unfit_hours(), _quiet(), screen:
            done = await watched_run(dialer, found, screen, confirmed_by=_person("run"))
    if isinstance(screen, JsonScreen):
        screen.write(_result_dict(done))
    _say_how_it_ended(shell, done, arguments)
    return ExitCode.PIPE_CLOSED if isinstance(screen, JsonScreen) and screen.is_cut_off else done.exit_code


@contextmanager
def _quiet() -> Generator[None]:
    """Without the warnings of the dialer, which are shown as events, unless somebody keeps a log of them."""
    logger = logging.getLogger("trudy.dialer")
    level = logger.level
    if not logger.hasHandlers():
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _say_yes(shell: Shell, found: Plan, arguments: CampaignArguments, confirm_hash: str | None, *, verb: str) -> None:
    """A person's yes to this plan: by its hash, by `--yes`, or now.

    Raises:
        InvalidArgumentError: the hash is another plan's.
        NotConfirmedError: the answer was no.
        CommandError: there is nobody to ask.
    """
    width = shell.terminal.err_width
    shell.say(found.summary() if width is None else wrapped_facts(found.summary(), width))
    if confirm_hash is not None:
        check_confirmed(found, confirm_hash)
        return
    if not shell.yes and not shell.dry_run and not shell.terminal.can_ask:
        raise CommandError(
            "not confirmed: nobody can be asked here whether to call these people",
            f"Read the summary, then: {arguments.command(verb, '--confirm', found.hash[:SHOWN_OF_HASH])}",
        )
    confirm(shell, f"\nCalls {found.waiting:,} people, now or as soon as their hours allow.")


_STATES: Final = {"claimed": "being placed", "live": "on the line", "unresolved": "held"}
"""States of rows in other words than those of the store."""


def _say_how_it_ended(shell: Shell, done: WatchedRun, arguments: CampaignArguments) -> None:
    result = done.result
    counts = ", ".join(f"{count:,} {_STATES.get(state, state)}" for state, count in result.counts.items())
    reason = "" if result.reason is None else f": {result.reason}"
    shell.say(f"\ncampaign {result.state}{reason}")
    if counts:
        shell.say(f"rows: {counts}")
    if result.live:
        shell.say(f"calls on the line: {result.live:,}; nothing can end them")
    if done.held:
        shell.say(
            f"rows held: {done.held:,}; nobody knows whether these people were called. Look why, and settle each:\n"
            "  trudy dial why NUMBER\n  trudy dial resolve NUMBER --called (or --not-called)"
        )
    if done.tripped:
        shell.say(f"Look first at what failed:\n  trudy dial export {result.campaign} --to results.csv")
    if result.state in ("paused", "halted"):
        shell.say(f"To go on:\n  {arguments.command('run')}")
    else:
        shell.say(f"Results:\n  trudy dial export {result.campaign} --to results.csv")


def _result_dict(done: WatchedRun) -> dict[str, object]:
    result = done.result
    return {
        "event": "result",
        "id": result.campaign,
        "state": result.state,
        "reason": result.reason,
        "rows": dict(result.counts),
        "live": result.live,
        "exit_code": done.exit_code.value,
    }


def _person(verb: str) -> str:
    """Who says yes, for the audit."""
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container has no user of this id, Windows perhaps no name
        user = "somebody"
    return f"{user} (trudy dial {verb})"


app.add_typer(workers)
app.add_typer(control)
