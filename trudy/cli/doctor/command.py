"""The command `trudy doctor`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from trudy.cli.doctor.diagnosis import Diagnosis, Verdict, exit_code
from trudy.cli.doctor.examination import Examination
from trudy.cli.failures import CommandError
from trudy.cli.groups import single
from trudy.cli.output import show_list
from trudy.cli.shell import shell_of
from trudy.cli.times import seconds_of

app = single()

_COLOURS: Final[dict[Verdict, str | None]] = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": None}
"""Of the terminal's own palette, which is readable on light and dark; its grey is not, so what was skipped has none."""
_INDENT: Final = 21
"""Columns of the verdict and of the check's name."""


@app.command()
def doctor(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option(metavar="ID", help="The agent that is to call; else the newest.")] = None,
    webhook: Annotated[str | None, typer.Option(metavar="URL", help="A receiver of events to look at.")] = None,
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="What each check may take.")] = "10s",
) -> int:
    """Check key, network, TLS, clock, rate limit, agent and webhook, and say what to do."""
    shell = shell_of(context)
    seconds = seconds_of(timeout, "--timeout", least=0.1, most=600)
    if webhook is not None:
        _check_url(webhook)
    found: list[Diagnosis] = []
    for one in Examination(shell=shell, seconds=seconds, agent=agent, webhook=webhook).run():
        found.append(one)
        if shell.shows_tables:
            shell.terminal.out.write(drawn(one, width=shell.terminal.width, colour=shell.terminal.has_colour))
            shell.terminal.out.flush()
        else:
            show_list(shell, [[_row(one)]])
    shell.say(_summary(found))
    return exit_code(found)


def drawn(one: Diagnosis, *, width: int, colour: bool) -> str:
    """A diagnosis for a terminal; advice stands on lines of its own."""
    gap = " " * _INDENT
    text = _filled(one.found, width, f"{one.verdict:9}{one.check:{_INDENT - 9}}", gap)
    if colour:
        text = typer.style(text[:9], fg=_COLOURS[one.verdict], bold=one.verdict == "failed" or None) + text[9:]
    return text + (_filled(one.advice, width, f"{gap}-> ", f"{gap}   ") if one.advice else "")


def _filled(text: str, width: int, first: str, others: str) -> str:
    room = max(width, _INDENT + 20)
    return f"{textwrap.fill(text, room, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)}\n"


def _row(one: Diagnosis) -> dict[str, object]:
    return {"check": one.check, "verdict": one.verdict, "found": one.found, "advice": one.advice or None}


def _summary(found: Sequence[Diagnosis]) -> str:
    bad = [one.check for one in found if one.verdict == "failed"]
    if bad:
        return f"{len(bad)} of {len(found)} checks failed: {', '.join(bad)}"
    warned = [one.check for one in found if one.verdict == "warning"]
    return f"nothing failed; look at: {', '.join(warned)}" if warned else "all is well"


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        is_url = False
    if not is_url or " " in url:
        raise CommandError("--webhook must be a URL with http:// or https:// and a host", "Nothing was checked.")
