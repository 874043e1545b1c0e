"""Groups of commands whose modules load when a command is used, not when their names are listed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from trudy.cli.shell import shell_of

EVERYWHERE = "Global options such as --json, -q, --yes and --dry-run work here too: see trudy --help."


class HelpWriter(Protocol):
    """What typer hands to a command that writes its help."""

    def section(self, name: str) -> AbstractContextManager[None]: ...

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None: ...


class PlainOption(TyperOption):
    """An option that is read by typer only where there is something to read.

    typer loads pydantic for each option, given or not, and that takes as long as all else of a command.
    """

    def process_value(self, ctx: Any, value: Any) -> Any:
        """Text stays as it is."""
        if (self.required and self.value_is_missing(value)) or not _is_plain(self, value):
            return super().process_value(ctx, value)
        return value if self.callback is None else self.callback(ctx, self, value)

    def get_help_record(self, ctx: Any) -> tuple[str, str] | None:
        """Its line in the help, with ranges in words."""
        record = super().get_help_record(ctx)
        return None if record is None else (record[0], _with_plain_range(record[1]))


class PlainArgument(TyperArgument):
    """The same for an argument."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        """Text stays as it is."""
        if (self.required and self.value_is_missing(value)) or not _is_plain(self, value):
            return super().process_value(ctx, value)
        return value if self.callback is None else self.callback(ctx, self, value)

    def get_usage_pieces(self, ctx: Any) -> list[str]:
        """Its name in the line of usage, without the braces that typer puts around it."""
        return [piece.replace("{", "").replace("}", "") for piece in super().get_usage_pieces(ctx)]

    def get_help_record(self, ctx: Any) -> tuple[str, str] | None:
        """Its line in the help, without the Python type of its value."""
        record = super().get_help_record(ctx)
        return None if record is None else (record[0].partition(" <")[0], _with_plain_range(record[1]))


def _with_plain_range(text: str) -> str:
    text = re.sub(r"x>=([\d.]+)", r"at least \1", text)
    return re.sub(r"([\d.]+)<=x<=([\d.]+)", r"\1 to \2", text)


def _is_plain(parameter: TyperOption | TyperArgument, value: object) -> bool:
    """Whether nothing was given, or text where text is asked for."""
    annotation: object = parameter.type_descriptor.annotation
    return value is None or (annotation is str and isinstance(value, str)) or annotation == list[str]


def read_plainly(command: Any) -> Any:
    """Let the parameters of a command be read as `PlainOption` and `PlainArgument` do."""
    for parameter in command.params:
        _read_plainly(parameter)
    return command


def _read_plainly(parameter: Any) -> Any:
    if type(parameter) is TyperOption:
        parameter.__class__ = PlainOption
    elif type(parameter) is TyperArgument:
        parameter.__class__ = PlainArgument
    return parameter


def _with_bold_heads(ctx: Any, text: str) -> str:
    """A page of help with its titles in bold, where the terminal shows it."""
    if not shell_of(ctx).terminal.has_colour:
        return text
    return re.sub(r"(?m)^[A-Z][A-Za-z ]+:", lambda title: typer.style(title[0], bold=True), text)


class PlainCommand(TyperCommand):
    """A command whose `--help` is read like its other options."""

    def get_help(self, ctx: Any) -> str:
        """Its page of help."""
        return _with_bold_heads(ctx, super().get_help(ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """The option `--help`."""
        return _read_plainly(super().get_help_option(ctx))


class CommandGroup(TyperGroup):
    """A group that shows its help when no command is given: its commands first, then its options."""

    def get_help(self, ctx: Any) -> str:
        """Its page of help."""
        return _with_bold_heads(ctx, super().get_help(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands and the options."""
        self.format_commands(ctx, formatter)
        records = [parameter.get_help_record(ctx) for parameter in self.get_params(ctx)]
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record is not None])

    def get_help_option(self, ctx: Any) -> Any:
        """The option `--help`."""
        return _read_plainly(super().get_help_option(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what stands before the command."""
        return super().parse_args(ctx, args or ["--help"])


class LazyCommand(TyperCommand):
    """Stands for a command or a group until it is used.

    Args:
        name: the command's name.
        module: offers it as `app`, a `typer.Typer`; another name follows after a colon.
        help: one sentence.
    """

    def __init__(self, name: str, module: str, help: str) -> None:  # noqa: A002 - typer's word
        super().__init__(name, help=help, short_help=help)
        self._module = module

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Load the command; the context is the loaded command's own, and so is all that follows."""
        return self.load().make_context(info_name, args, parent=parent, **extra)

    def load(self) -> Any:
        """The command itself."""
        module, _, name = self._module.partition(":")
        app = cast("typer.Typer", getattr(import_module(module), name or "app"))
        return with_global_options(get_command(app))


class LazyResource(LazyCommand):
    """Stands for the commands of one resource of the API, and those written by hand beside them.

    Args:
        name: its word on the command line.
        help: one sentence.
        beside: each further command's module and line.
    """

    def __init__(self, name: str, help: str, beside: Mapping[str, tuple[str, str]]) -> None:  # noqa: A002 - typer's word
        super().__init__(name, "trudy.cli.operations.commands", help)
        self._beside = beside

    def load(self) -> Any:
        """The group of commands."""
        from trudy.cli.operations.commands import ResourceGroup, load_group

        group = ResourceGroup(str(self.name), load_group(str(self.name)))
        for name, (module, line) in self._beside.items():
            group.add_command(LazyCommand(name, module, line))
        return with_global_options(group)


def group(help: str) -> typer.Typer:  # noqa: A002 - typer's word
    """An app for the commands of one group, with plain help."""
    return typer.Typer(
        cls=CommandGroup,
        help=help,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def single() -> typer.Typer:
    """An app for a command that stands in no group, with plain help."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def with_global_options(command: Any) -> Any:
    """Add the global options to a command and to those below it; its help only tells where they are explained."""
    taken = {name for parameter in command.params for name in parameter.opts}
    command.params.extend(parameter for parameter in _hidden_options() if taken.isdisjoint(parameter.opts))
    command.epilog = command.epilog or EVERYWHERE
    read_plainly(command)
    if type(command) is TyperCommand:
        command.__class__ = PlainCommand
    for inner in getattr(command, "commands", {}).values():
        if not isinstance(inner, LazyCommand):
            with_global_options(inner)
    return command


def keep(context: typer.Context, parameter: typer.CallbackParam, value: object) -> None:
    """Keep the value of a global option, if one was given, for the command that runs."""
    if context.resilient_parsing:
        return
    shell = shell_of(context)
    shell.command = context.command_path
    shell.options = frozenset(name for one in context.command.params for name in one.opts)
    if value not in (None, False):
        setattr(shell, str(parameter.name), value)


@cache
def _hidden_options() -> Sequence[Any]:
    """The global options, which all commands share: they keep nothing of a command, and take long to make."""
    from trudy.cli.app import global_options

    app = single()
    app.command()(global_options)
    options: list[Any] = [parameter for parameter in get_command(app).params if parameter.name != "version"]
    for option in options:
        option.hidden = True
    return options
