"""The root command: global options, and where each command's module is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from typer.main import get_command

from trudy.cli.exit_codes import MEANINGS, ExitCode
from trudy.cli.groups import CommandGroup, HelpWriter, LazyCommand, LazyResource, keep, read_plainly
from trudy.cli.operations.tables import RESOURCES
from trudy.cli.shell import Shell, shell_of

SECTIONS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "Try it without an account": {
        "demo": ("trudy.cli.demo.command", "Show agent, call, campaign and report; no phone rings."),
        "sandbox": ("trudy.cli.sandbox", "Serve a local Truedy to develop and test against."),
    },
    "Set up": {
        "login": ("trudy.cli.login", "Keep a key in the system keyring."),
        "logout": ("trudy.cli.login:logout_app", "Delete a kept key."),
        "profiles": ("trudy.cli.login:profiles_app", "List the kept keys by name, or choose one."),
        "doctor": ("trudy.cli.doctor.command", "Check key, network, clock, agent and webhook."),
    },
    "Calls": {
        "call": ("trudy.cli.calls.app", "Have an agent call somebody, now, and follow it."),
        "dial": ("trudy.cli.dial.app", "Call the people of a file: plan, rehearse, run, follow."),
    },
    "The API": {name: ("", RESOURCES[name]) for name in RESOURCES},
    "Events": {
        "listen": ("trudy.cli.listen.command", "Forward signed events to a receiver on this machine."),
        "trigger": ("trudy.cli.trigger", "Send a made-up event to a receiver."),
        "events": ("trudy.cli.events", "Show the events made on this machine, and send them again."),
        "webhooks": ("trudy.cli.webhooks", "Test whether a receiver verifies what it gets."),
    },
    "For AI assistants": {
        "mcp": ("trudy.cli.mcp.command", "Serve the API as tools for an AI assistant (MCP)."),
    },
    "Anything else": {
        "request": ("trudy.cli.request", "Send a request to any endpoint of the API."),
    },
}
"""Each command's module, which offers `app`, and its line in the help, in the order of the help.

The commands of the API have no module: they are made of tables.
"""
BESIDE: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "calls": {
        "transcript": ("trudy.cli.calls.transcript", "Show what was said in a call."),
        "download": ("trudy.cli.calls.download", "Save recordings and transcripts, each once."),
    },
}
"""Commands that stand in a group of the API, beside those that are made of its table."""

_WIDEST_HELP: Final = 110
"""Columns of the help on a wide terminal: most lines of a command fit, and longer lines are hard to read."""


def show_version(value: bool) -> None:
    if value:
        from trudy._version import __version__

        typer.echo(f"trudy {__version__}")
        raise typer.Exit


def global_options(
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", callback=keep, expose_value=False, help="Use the key kept under this name."),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            callback=keep,
            expose_value=False,
            help="Where the API is, such as a sandbox on this machine.",
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json", callback=keep, expose_value=False, help="Print JSON: an object, or for lists an object a line."
        ),
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", callback=keep, expose_value=False, help="Show these members only, such as id,status."
        ),
    ] = None,
    ids_only: Annotated[
        bool, typer.Option("--quiet", "-q", callback=keep, expose_value=False, help="Print ids only, one a line.")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", callback=keep, expose_value=False, help="Do not ask before calls, purchases, deletes."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", callback=keep, expose_value=False, help="Show the request and send nothing."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=show_version,
            is_eager=True,
            expose_value=False,
            help="Show the version.",
        ),
    ] = False,
) -> None:
    """Options that stand before any command, or after it."""


class RootGroup(CommandGroup):
    """Lists the commands by what they are for, and loads the one that is used."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for commands in SECTIONS.values():
            for name, (module, line) in commands.items():
                is_made = name in RESOURCES
                self.add_command(
                    LazyResource(name, line, BESIDE.get(name, {})) if is_made else LazyCommand(name, module, line)
                )

    def format_commands(self, ctx: object, formatter: HelpWriter) -> None:
        """Write the commands, section by section."""
        width = max(len(name) for commands in SECTIONS.values() for name in commands)
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:{width}}", line) for name, (_, line) in commands.items()])

    def format_epilog(self, ctx: object, formatter: HelpWriter) -> None:
        """Write the table of exit codes."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), meaning) for code, meaning in MEANINGS.items()])

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read what stands before the command. A reader of the help who went away is no error."""
        try:
            return super().make_context(info_name, args, parent=parent, **extra)
        except BrokenPipeError:
            raise typer.Exit(ExitCode.PIPE_CLOSED) from None

    def invoke(self, ctx: Any) -> object:
        """Run the command. A reader of the output who went away is no error, and Ctrl-C is none either."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return ExitCode.PIPE_CLOSED
        except KeyboardInterrupt:
            shell_of(ctx).say("stopped; what was sent goes on")
            return ExitCode.INTERRUPTED


app = typer.Typer(
    cls=RootGroup,
    help=(
        "Truedy from a shell: AI agents that call people, campaigns, and a local sandbox to try it all."
        "\n\nBegin with trudy demo; then trudy sandbox, or trudy login with an account."
        " Any command tells what it takes: trudy dial --help."
    ),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": _WIDEST_HELP},
)
app.callback()(global_options)


def run(arguments: Sequence[str], shell: Shell | None = None) -> int:
    """Run a command line and report what goes wrong. Returns the exit code."""
    shell = shell or Shell()
    try:
        done: int | None = read_plainly(get_command(app))(
            args=[*arguments], prog_name="trudy", standalone_mode=False, obj=shell
        )
    except Exception as error:  # each kind has a code of its own, and a bug one too
        from trudy.cli.failures import report

        try:
            return report(shell, error)
        except BrokenPipeError:
            return ExitCode.PIPE_CLOSED
    return int(done or 0)
