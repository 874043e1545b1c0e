"""What stands in a command line as the arguments of the method."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import cast

from trudy.cli.failures import CommandError
from trudy.cli.operations.api_command import ApiArgument, ApiCommand
from trudy.cli.operations.json_values import built_object, contacts_of, json_of, mapping_of, member_values, objects_of
from trudy.cli.operations.tables.options import OPTIONS
from trudy.cli.operations.values import Reader, given_only
from trudy.cli.shell import Shell


def arguments_of(operation: ApiCommand, given: Mapping[str, object], shell: Shell) -> dict[str, object]:
    """The arguments of the method, by name; positional ones too. Only what was given.

    Raises:
        CommandError: a value cannot be read; it names the option.
    """
    present = given_only(given)
    reader = Reader(shell=shell, now=time.time())
    found: dict[str, object] = {}
    for argument in (*operation.arguments, *OPTIONS):
        option = argument.option.upper() if argument.is_positional else f"--{argument.option}"
        if argument.kind == "object":
            members = member_values(argument, present, option, reader)
            whole = cast("str | None", present.get(argument.name))
            if members or whole is not None:
                found[argument.name] = built_object(argument, whole, members, option, reader)
        elif argument.name in present:
            found[argument.name] = _value(argument, present[argument.name], option, reader)
    for name in _cleared(operation, given):
        if name in found:
            raise CommandError(f"--clear {name} and a value for it are both given", "Give one or the other.")
        found[name] = None
    return found


def _value(argument: ApiArgument, value: object, option: str, reader: Reader) -> object:
    if isinstance(value, str):
        if argument.kind == "json":
            return json_of(reader.content(value, option), option)
        if argument.kind == "contacts":
            return contacts_of([value], option, reader)
        return reader.text(argument, value, option)
    if not isinstance(value, list):
        return value
    texts = cast("Sequence[str]", value)
    match argument.kind:
        case "mapping":
            return mapping_of(texts, option, reader)
        case "objects":
            return objects_of(texts, option, reader)
        case "contacts":
            return contacts_of(texts, option, reader)
        case "text":
            return list(texts)
        case _:
            return reader.texts(argument, texts, option)


def _cleared(operation: ApiCommand, given: Mapping[str, object]) -> list[str]:
    """The arguments that `--clear` names."""
    options = {argument.option: argument.name for argument in operation.arguments if argument.is_nullable}
    names: list[str] = []
    for text in cast("Sequence[str]", given.get("clear") or ()):
        name = options.get(text.replace("_", "-"))
        if name is None:
            raise CommandError(f"--clear: {text} cannot be cleared", f"These can be: {', '.join(options)}")
        names.append(name)
    return names
