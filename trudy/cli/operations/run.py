"""Runs one operation: asks first where it must, calls the client's method, shows how far it is and what comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from trudy._parse import is_finite
from trudy.cli.asking import confirm
from trudy.cli.connection import open_client
from trudy.cli.dry_run import RequestShownError
from trudy.cli.failures import report
from trudy.cli.operations.api_command import ApiCommand
from trudy.cli.operations.arguments import arguments_of
from trudy.cli.operations.columns import COLUMNS
from trudy.cli.operations.effects import effect
from trudy.cli.output import show, show_list
from trudy.errors import ConflictError, NotFoundError, ValidationError
from trudy.models import AddedContacts

if TYPE_CHECKING:
    from trudy.cli.output import HasMembers, Row
    from trudy.cli.shell import Shell
    from trudy.pagination import Page

_MEGABYTE = 1_000_000


def run_operation(shell: Shell, operation: ApiCommand, given: Mapping[str, object]) -> int:
    """Run an operation with what stands in the command line. Returns the exit code.

    With several ids it goes on after one that is not there or is refused; the code is that of the first such error.
    """
    arguments = arguments_of(operation, given, shell)
    sentence = effect(operation, arguments)
    if sentence is not None:
        confirm(shell, sentence)
    if operation.reports:
        arguments["progress"] = teller(shell)
    positional = [arguments.pop(argument.name) for argument in operation.arguments if argument.is_positional]
    with open_client(shell) as client:
        method: Callable[..., Any] = attrgetter(operation.name)(client)
        if operation.repeated is not None:
            return _run_for_each(shell, operation, method, cast("Sequence[str]", positional[0]), arguments)
        _show(shell, operation, method(*positional, **arguments))
    return 0


def _run_for_each(
    shell: Shell, operation: ApiCommand, method: Callable[..., Any], ids: Sequence[str], arguments: Mapping[str, object]
) -> int:
    codes: list[int] = []

    def results() -> Iterable[list[object]]:
        for one in ids:
            try:
                yield [method(one, **arguments)]
            except (NotFoundError, ConflictError, ValidationError, RequestShownError) as error:
                codes.append(report(shell, error))

    if len(ids) == 1:
        _show(shell, operation, method(ids[0], **arguments))
    elif operation.model in COLUMNS or not shell.shows_tables:
        show_list(shell, cast("Iterable[list[HasMembers]]", results()), columns=COLUMNS.get(operation.model, ()))
    else:
        for (one,) in results():
            _show(shell, operation, one)
            shell.terminal.out.write("\n")
    return next((code for code in codes if code), 0)


def _show(shell: Shell, operation: ApiCommand, result: object) -> None:
    columns = COLUMNS.get(operation.model, ())
    if operation.result == "pages":
        show_list(shell, (page.data for page in cast("Page[HasMembers]", result).pages()), columns=columns)
    elif operation.result == "steps":
        show_list(shell, ([state] for state in cast("Iterable[HasMembers]", result)), columns=columns)
    elif isinstance(result, AddedContacts):
        show(shell, _added(result))
    elif isinstance(result, Sequence):
        show_list(shell, [cast("Sequence[HasMembers]", result)], columns=columns)
    else:
        show(shell, cast("HasMembers", result))


def _added(result: AddedContacts) -> Row:
    return {
        "added_count": result.added_count,
        "failed_count": result.failed_count,
        "answered": result.answered,
        "in_doubt": result.in_doubt,
    }


def teller(shell: Shell) -> Callable[..., None]:
    """What the client calls after each step; it says what is new, and nothing where no person looks."""
    told: list[str] = []

    def tell(seen: object, total: int | None = None) -> None:
        text = _line(seen, total)
        if text and told[-1:] != [text]:
            told.append(text)
            shell.say(text)

    return tell if shell.terminal.can_ask else lambda *_: None


def _line(seen: object, total: int | None) -> str:
    if isinstance(seen, AddedContacts):
        return f"{seen.answered} sent, {seen.added_count} added"
    if is_finite(seen):
        of = "" if total is None else f" of {total // _MEGABYTE} MB"
        return f"{int(seen) // _MEGABYTE} MB{of}"
    return str(getattr(seen, "status", ""))
