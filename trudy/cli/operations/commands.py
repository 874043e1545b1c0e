"""Makes the commands of a table: one for each operation, with an option for each argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

import typer
from typer.main import get_command

from trudy.cli.groups import EVERYWHERE, CommandGroup, LazyCommand, PlainCommand, single, with_global_options
from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup, Kind
from trudy.cli.operations.tables.options import OPTIONS
from trudy.cli.shell import Shell, shell_of

EPILOG: Final = f"{EVERYWHERE} So do those of a request, such as --timeout and --deadline: see trudy request --help."
RunsOperation: TypeAlias = Callable[[Shell, ApiCommand, Mapping[str, object]], int]
METAVARS: Final[dict[Kind, str]] = {
    "text": "TEXT",
    "prose": "TEXT|@FILE",
    "secret": "@FILE|env:NAME|-",
    "whole": "NUMBER",
    "number": "NUMBER",
    "seconds": "DURATION",
    "duration": "DURATION",
    "instant": "TIME",
    "texts": "TEXT",
    "ids": "ID",
    "wholes": "NUMBER",
    "path": "PATH",
    "paths": "PATH",
    "mapping": "NAME=TEXT|JSON|@FILE",
    "json": "JSON|@FILE",
    "object": "JSON|@FILE",
    "objects": "JSON|@FILE",
    "contacts": "JSON|@FILE",
}
_LISTS: Final = frozenset({"texts", "ids", "wholes", "paths", "mapping", "objects", "contacts"})
_TYPES: Final[dict[Kind, type]] = {"whole": int, "number": float}


class ResourceGroup(CommandGroup):
    """The commands of one resource."""

    def __init__(self, name: str, group: ApiGroup) -> None:
        super().__init__(name=name, help=group.summary, rich_markup_mode=None)
        for operation in group.operations:
            self.add_command(OperationCommand(operation))
        for inner in group.inner:
            self.add_command(ResourceGroup(inner.command, inner))


class OperationCommand(LazyCommand):
    """Stands for the command of an operation until it is used."""

    def __init__(self, operation: ApiCommand) -> None:
        super().__init__(operation.command, __name__, operation.summary)
        self.operation = operation

    def load(self) -> Any:
        """The command, with an option for each argument."""
        return command_of(self.operation)


def load_group(name: str) -> ApiGroup:
    """The table of a resource, by its word on the command line."""
    table = import_module(f"trudy.cli.operations.tables.{name.replace('-', '_')}")
    return cast("ApiGroup", table.GROUP)


def command_of(operation: ApiCommand) -> Any:
    """The command of an operation."""

    def run(shell: Shell, operation: ApiCommand, given: Mapping[str, object]) -> int:
        from trudy.cli.operations.run import run_operation

        return run_operation(shell, operation, given)

    return with_global_options(get_command(app_of(operation, run)))


def app_of(operation: ApiCommand, run: RunsOperation, *, shows_options: bool = False) -> typer.Typer:
    """An app with the one command of an operation.

    Args:
        operation: which.
        run: what the command does, with what stands in the command line. Returns the exit code.
        shows_options: whether its help tells of the options of every request.
    """
    app = single()

    def call(context: typer.Context, **given: object) -> int:
        return run(shell_of(context), operation, given)

    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [
        *_parameters(operation),
        *(one for option in OPTIONS for one in _options(option, hidden=not shows_options)),
    ]
    call.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
    endpoint = (f"Endpoint: {operation.endpoint}",) if operation.endpoint else ()
    text = "\n\n".join((operation.summary, *operation.about, *endpoint))
    app.command(operation.command, cls=PlainCommand, help=text, epilog=EVERYWHERE if shows_options else EPILOG)(call)
    return app


def _parameters(operation: ApiCommand) -> Iterator[inspect.Parameter]:
    for argument in operation.arguments:
        if argument.is_positional:
            yield _positional(argument, operation.repeated is argument)
        else:
            yield from _options(argument)
    nullable = [argument.option for argument in operation.arguments if argument.is_nullable]
    if nullable:
        option = typer.Option(
            "--clear", metavar="NAME", help="Set this one to null; may be repeated.", autocompletion=lambda: nullable
        )
        yield _parameter("clear", Annotated[list[str] | None, option], None)


def _positional(argument: ApiArgument, is_repeated: bool) -> inspect.Parameter:
    many = is_repeated or argument.kind in _LISTS
    help_text = f"{argument.help.rstrip('.')}; may be repeated." if is_repeated else argument.help
    metavar = METAVARS[argument.kind] if argument.kind == "contacts" else argument.name.upper()
    kind: object = list[str] if many else str
    return _parameter(argument.name, Annotated[kind, typer.Argument(metavar=metavar, help=help_text)], _REQUIRED)


_REQUIRED: Final = inspect.Parameter.empty


def _options(argument: ApiArgument, *, prefix: str = "", hidden: bool = False) -> Iterator[inspect.Parameter]:
    """The option of an argument, and those of its members."""
    name = f"--{prefix}{argument.option}"
    is_flag = argument.kind == "flag"
    option = typer.Option(
        f"{name}/--no-{name[2:]}" if is_flag else name,
        metavar=None if is_flag or argument.kind == "word" else METAVARS[argument.kind],
        help=_help(argument),
        hidden=hidden,
        case_sensitive=False,
        show_default=False,
        autocompletion=(lambda: list(argument.words)) if argument.words and argument.kind != "word" else None,
    )
    key = f"{prefix.replace('.', '__').replace('-', '_')}{argument.name}"
    is_required = argument.is_required and argument.kind != "object"
    kind = _type_of(argument)
    yield _parameter(key, Annotated[kind if is_required else kind | None, option], _REQUIRED if is_required else None)
    for member in argument.members:
        yield from _options(member, prefix=f"{argument.option}.", hidden=hidden)


def _type_of(argument: ApiArgument) -> Any:
    if argument.kind == "flag":
        return bool
    if argument.kind == "word":
        return Literal[argument.words]
    return list[str] if argument.kind in _LISTS else _TYPES.get(argument.kind, str)


def _help(argument: ApiArgument) -> str:
    """The line of an option, with its words and its default."""
    extra: list[str] = []
    if argument.words and argument.kind != "word":
        extra.append(f"one of {', '.join(argument.words)}")
    if argument.default is not None:
        extra.append(f"{argument.default} by default")
    if argument.kind in _LISTS:
        extra.append("may be repeated")
    return f"{argument.help} ({'; '.join(extra)})" if extra else argument.help


def _parameter(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
