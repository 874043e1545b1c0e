"""Objects and lists of objects in a command line: as JSON, as a file, or member by member."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Final, cast

from trudy.cli.failures import CommandError
from trudy.cli.operations.api_command import ApiArgument
from trudy.cli.operations.values import Reader

_CONTACT_MEMBERS: Final = frozenset({"phone_number", "first_name", "last_name", "email"})
_NUMBER_COLUMNS: Final = frozenset({"phone", "phone_number", "number", "mobile"})


def json_of(text: str, option: str) -> object:
    """A JSON value."""
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError) as error:
        raise CommandError(
            f"{option} is no JSON: {error}", "Quote it for the shell, or put it in a file: @FILE"
        ) from None


def mapping_of(given: Sequence[str], option: str, reader: Reader) -> dict[str, object]:
    """Members from `name=text`, `name:=json`, JSON objects and files of them, the later ones over the earlier."""
    members: dict[str, object] = {}
    for text in given:
        head, sign, value = text.partition("=")
        if text.lstrip().startswith("{") or text.startswith("@"):
            members |= object_of(text, option, reader)
        elif not sign or not head.rstrip(":"):
            raise CommandError(
                f"{option}: {text!r} is no member", "Write NAME=TEXT, NAME:=JSON, a JSON object or @FILE"
            )
        elif head.endswith(":"):
            members[head[:-1]] = json_of(value, option)
        else:
            members[head] = value
    return members


def object_of(text: str, option: str, reader: Reader) -> dict[str, object]:
    """A JSON object, written out or in a file."""
    found = json_of(reader.content(text, option), option)
    if not isinstance(found, dict):
        raise CommandError(
            f"{option} must be a JSON object", 'Write it like {"name": "value"}, or put it in a file: @FILE'
        )
    return cast("dict[str, object]", found)


def objects_of(given: Sequence[str], option: str, reader: Reader) -> list[object]:
    """A list of objects: a JSON array, objects one a line, or the option repeated."""
    found: list[object] = []
    for text in given:
        for value in _values(reader.content(text, option), option):
            if not isinstance(value, dict):
                raise CommandError(f"{option} must hold JSON objects", "Write a JSON array, or an object a line.")
            found.append(cast("object", value))
    return found


def contacts_of(given: Sequence[str], option: str, reader: Reader) -> list[object]:
    """People: a CSV file, or objects. A file that begins with `{` or `[` is JSON."""
    found: list[object] = []
    for text in given:
        content = reader.content(text, option)
        if content.lstrip()[:1] in ("{", "["):
            found += objects_of([content], option, reader)
        else:
            found += _rows(content, option)
    return found


def member_values(argument: ApiArgument, given: Mapping[str, object], option: str, reader: Reader) -> dict[str, object]:
    """The members of an object that have been given by options of their own."""
    members: dict[str, object] = {}
    for member in argument.members:
        value = given.get(f"{argument.name}__{member.name}")
        if isinstance(value, str):
            name = f"{option}.{member.option}"
            is_json = member.kind == "json"
            members[member.name] = (
                json_of(reader.content(value, name), name) if is_json else reader.text(member, value, name)
            )
        elif value is not None and value != []:
            members[member.name] = value
    return members


def built_object(
    argument: ApiArgument, whole: str | None, members: Mapping[str, object], option: str, reader: Reader
) -> object:
    """The object of an argument: whole, by its members, or whole with some members changed."""
    from trudy.models import HttpTool, ToolParameter

    if argument.model != HttpTool.__name__:
        return {**(object_of(whole, option, reader) if whole is not None else {}), **members}
    if not members:
        return object_of(whole or "{}", option, reader)
    if whole is not None:
        raise CommandError(f"{option} is given whole and by its members", "Give one or the other.")
    parameters = members.get("parameters", [])
    if not isinstance(parameters, list):
        raise CommandError(f"{option}.parameters must be a JSON list", 'Write it like [{"name": "city"}]')
    try:
        made = [ToolParameter(**one) for one in cast("list[dict[str, str]]", parameters)]  # type: ignore[arg-type]
        return HttpTool(**{**members, "parameters": made})  # type: ignore[arg-type]  # checked by the class itself
    except TypeError as error:
        raise CommandError(f"{option}: {error}", "A tool needs at least --definition.url") from None


def _values(content: str, option: str) -> list[object]:
    if content.lstrip().startswith("{"):
        lines = content.splitlines()
        try:
            return [json.loads(line) for line in lines if line.strip()]
        except ValueError:
            return [json_of(content, option)]
    found = json_of(content, option)
    return cast("list[object]", found) if isinstance(found, list) else [found]


def _rows(content: str, option: str) -> list[object]:
    reader = csv.DictReader(io.StringIO(content))
    names = {name: name.strip().lower().replace(" ", "_") for name in reader.fieldnames or () if name}
    if not _NUMBER_COLUMNS & set(names.values()):
        raise CommandError(
            f"{option}: no column is called phone_number", "Give JSON, or @FILE of a CSV file with a line of names."
        )
    rows: list[object] = []
    for row in reader:
        person: dict[str, object] = {}
        fields: dict[str, object] = {}
        for column, value in row.items():
            name = names.get(column or "", "")
            if not name or not value:
                continue
            if name in _NUMBER_COLUMNS:
                person["phone_number"] = value.strip()
            elif name in _CONTACT_MEMBERS:
                person[name] = value
            else:
                fields[column] = value
        rows.append({**person, **({"custom_fields": fields} if fields else {})})
    return rows
