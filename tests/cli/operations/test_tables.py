"""Every operation of the sync client is a command, and every argument an option of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module

import pytest

import trudy.models
from tests.cli.running import trudy as run_trudy
from trudy import TrudyClient
from trudy._lazy import made_once
from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup
from trudy.cli.operations.columns import COLUMNS
from trudy.cli.operations.commands import load_group
from trudy.cli.operations.tables import RESOURCES
from trudy.cli.operations.tables.options import OPTIONS
from trudy.models._fields import members
from trudy.options import RequestOptions

BY_THE_COMMAND = {"progress", "events", "before_send"}
"""Arguments that are functions, or sources of events: a command line cannot give them."""
NOT_OF_THE_API = {"webhooks"}
"""Namespaces of the client that send no request."""


def commands_of(group: ApiGroup, path: str = "") -> Iterator[tuple[str, ApiCommand]]:
    """Each command of a group with its whole name on the command line."""
    own = f"{path} {group.command}".strip()
    for operation in group.operations:
        yield f"{own} {operation.command}", operation
    for inner in group.inner:
        yield from commands_of(inner, own)


COMMANDS = dict(pair for name in RESOURCES for pair in commands_of(load_group(name)))
OPERATIONS = {operation.name: operation for operation in COMMANDS.values()}


def namespaces(cls: type, path: str = "") -> Iterator[tuple[str, type]]:
    """Each namespace of a class of the client, with its dotted name."""
    for name, value in vars(cls).items():
        if isinstance(value, made_once) and name not in NOT_OF_THE_API:
            returned = str(inspect.signature(inspect.unwrap(value)).return_annotation)
            source = (f"trudy.sync.{name}",) if cls is TrudyClient else (cls.__module__,)
            found = getattr(import_module(source[0]), returned)
            yield f"{path}{name}", found
            yield from namespaces(found, f"{path}{name}.")


METHODS = {
    f"{name}.{method}": function
    for name, cls in namespaces(TrudyClient)
    for method, function in vars(cls).items()
    if inspect.isfunction(function) and not method.startswith("_")
}


def test_every_operation_of_the_client_is_a_command() -> None:
    assert len(METHODS) > 60
    assert OPERATIONS.keys() == METHODS.keys()


@pytest.mark.parametrize("name", METHODS)
def test_every_argument_is_an_option_or_an_argument(name: str) -> None:
    parameters = inspect.signature(METHODS[name]).parameters
    wanted = [one for one in parameters if one not in {"self", "options", *BY_THE_COMMAND}]
    arguments = {argument.name: argument for argument in OPERATIONS[name].arguments}
    assert list(arguments) == wanted
    for one in wanted:
        parameter = parameters[one]
        assert arguments[one].is_positional == (parameter.kind is not parameter.KEYWORD_ONLY)
        assert arguments[one].is_required == (parameter.default is parameter.empty)


def test_the_options_of_every_request_are_options() -> None:
    assert {option.name for option in OPTIONS} == RequestOptions.__annotations__.keys() - BY_THE_COMMAND


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_names_its_arguments(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_trudy(*command.split(), "--help").code == 0
    shown = " ".join(capsys.readouterr().out.split())
    operation = COMMANDS[command]
    assert operation.summary in shown
    for argument in operation.arguments:
        if argument.is_positional:
            assert argument.name.upper() in shown or argument.kind == "contacts"
        else:
            assert f"--{argument.option}" in shown
        for member in argument.members:
            assert f"--{argument.option}.{member.option}" in shown
    assert "`" not in shown


def every_argument() -> Iterator[ApiArgument]:
    for operation in OPERATIONS.values():
        yield from operation.arguments
        for argument in operation.arguments:
            yield from argument.members


def test_every_argument_has_a_line_of_help() -> None:
    assert [argument.name for argument in every_argument() if not argument.help] == []


def test_secrets_are_not_written_in_a_command_line() -> None:
    secret = {argument.name for argument in every_argument() if argument.kind == "secret"}
    suspects = ("key", "token", "password", "secret")
    assert secret == {
        argument.name
        for argument in every_argument()
        if argument.name.endswith(suspects) and argument.name != "idempotency_key"
    }


@pytest.mark.parametrize("model", COLUMNS)
def test_the_columns_of_a_table_are_members_of_the_model(model: str) -> None:
    names = {name for _, name, _ in members(getattr(trudy.models, model))}
    assert {column.partition(".")[0] for column in COLUMNS[model]} <= names


def test_every_list_has_columns() -> None:
    assert {operation.model for operation in OPERATIONS.values() if operation.result == "pages"} <= COLUMNS.keys()
