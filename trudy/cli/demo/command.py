"""The command `trudy demo`."""

from __future__ import annotations

import os
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.cli.groups import single
from trudy.cli.shell import shell_of

app = single()

_NEEDED = ("alembic", "jinja2", "phonenumbers", "sqlalchemy", "starlette", "uvicorn", "jsonschema")


@app.command()
def demo(
    context: typer.Context,
    report: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the report.")] = Path(
        "trudy-demo-report.html"
    ),
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
) -> None:
    """Show an agent, a call, a campaign and its report on a local sandbox: no account, and no phone rings."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise CommandError(
            f"the demo needs packages that are not installed: {', '.join(missing)}",
            "Install them: pip install 'trudy-python-sdk[cli,dialer,report,sandbox]'",
            code=ExitCode.EXTRA_MISSING,
        )
    if report.is_dir() or not os.access(report.parent, os.W_OK):
        raise CommandError(f"the report cannot be written to {report}", "Choose another file with --report FILE.")
    from trudy.cli.demo.showing import show_all

    shell = shell_of(context)
    out = shell.terminal.out

    def say(text: str) -> None:
        out.write(f"{text}\n")
        out.flush()

    show_all(report, say)
    say(f"\nThe report: {report.absolute()}")
    shell.say("\nNext: trudy sandbox to develop, trudy dial --help for your own file.")
    if open_report:
        webbrowser.open(report.absolute().as_uri())
