"""`trudy/cli/operations/tables/`: each operation of the sync client with its arguments, for the `trudy` command."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final, TypeGuard, cast, get_type_hints

import attrs

from trudy._lazy import made_once
from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup
from trudy.codegen.arguments import argument_of, is_argument, model_of
from trudy.codegen.docstrings import Docstring, for_a_shell, shortened
from trudy.codegen.methods import CodegenError
from trudy.options import RequestOptions
from trudy.pagination import Page

TABLES: Final = "cli/operations/tables"
_IMPORT: Final = "from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup"
_ID: Final = re.compile(r"(\w+)_id")
_NOT_COMMANDS: Final = frozenset({"client"})
"""Modules of the sync client that hold no operations: `trudy request` is written by hand."""


def tables(package: Path, sync: Mapping[Path, str]) -> dict[Path, str]:
    """The text of each table by its path, made of the sync modules' texts; nothing where there is no command line."""
    if not (package / TABLES).parent.is_dir():
        return {}
    groups = [
        _group(text, path) for path, text in sync.items() if path.stem not in _NOT_COMMANDS and path.stem != "__init__"
    ]
    files = {
        package / TABLES / f"{group.name}.py": (
            f'"""`trudy {group.command}`."""\n\nfrom __future__ import annotations\n\nfrom typing import Final\n\n'
            f"{_IMPORT}\n\nGROUP: Final = {_source(group)}\n"
        )
        for group in groups
    }
    files[package / TABLES / "options.py"] = (
        '"""Options that every operation takes."""\n\nfrom __future__ import annotations\n\n'
        "from typing import Final\n\nfrom trudy.cli.operations.api_command import ApiArgument\n\n"
        f"OPTIONS: Final = {_source(tuple(_options()))}\n"
    )
    lines = {group.command: _line(group) for group in sorted(groups, key=lambda group: group.name)}
    files[package / TABLES / "__init__.py"] = (
        '"""The commands of the API: a file a resource, and the line of each in the help."""\n\n'
        "from __future__ import annotations\n\nfrom typing import Final\n\n"
        f"RESOURCES: Final = {lines!r}\n"
    )
    return files


def _line(group: ApiGroup) -> str:
    """The summary of a group, without its own name, which stands before it."""
    name, colon, rest = group.summary.partition(": ")
    if colon and name.lower() == group.command.replace("-", " "):
        return rest[:1].upper() + rest[1:]
    return group.summary


def _group(text: str, path: Path) -> ApiGroup:
    """The group of one sync module, of its first class."""
    module = ModuleType(f"trudy.sync.{path.stem}")
    exec(compile(text, str(path), "exec"), module.__dict__)  # noqa: S102  # the text was generated just now
    classes = [cls for cls in vars(module).values() if inspect.isclass(cls) and cls.__module__ == module.__name__]
    if not classes:
        raise CodegenError(f"{path.name}: no class to make commands of")
    return _group_of(classes[0], path.stem, module)


def _group_of(cls: type, name: str, module: ModuleType) -> ApiGroup:
    members = {member: inspect.unwrap(value) for member, value in vars(cls).items() if not member.startswith("_")}
    methods = {member: value for member, value in members.items() if not isinstance(vars(cls)[member], made_once)}
    docs = {member: Docstring.of(value) for member, value in methods.items()}
    inner = (
        _group_of(get_type_hints(value, vars(module))["return"], f"{name}.{member}", module)
        for member, value in members.items()
        if member not in methods
    )
    return ApiGroup(
        name=name,
        summary=for_a_shell(Docstring.of(cls).summary),
        operations=tuple(_operation(name, member, method, docs, module) for member, method in methods.items()),
        inner=tuple(inner),
    )


def _operation(
    group: str, name: str, method: Callable[..., object], docs: Mapping[str, Docstring], module: ModuleType
) -> ApiCommand:
    hints = get_type_hints(method, vars(module))
    doc = docs[name]
    arguments: list[ApiArgument] = []
    for parameter in inspect.signature(method).parameters.values():
        hint = hints.get(parameter.name)
        if hint is not None and parameter.kind is not parameter.VAR_KEYWORD and is_argument(hint):
            help_text = _help(parameter.name, name, docs)
            arguments.append(argument_of(parameter, hint, help_text, model_of(hints["return"])))
    known = {other: other.strip("_").replace("_", "-") for other in docs}
    known |= {option: f"--{option.replace('_', '-')}" for option in get_type_hints(RequestOptions)}
    known |= {argument.name: f"--{argument.option}" for argument in arguments}
    returned = hints["return"]
    return ApiCommand(
        name=f"{group}.{name}",
        summary=for_a_shell(doc.summary, known),
        about=tuple(for_a_shell(paragraph, known) for paragraph in doc.about),
        endpoint=doc.endpoint,
        result="pages" if _is_page(returned) else "steps" if _is_iterator(returned) else "one",
        model=model_of(returned).__name__,
        arguments=tuple(attrs.evolve(one, help=shortened(for_a_shell(one.help, known))) for one in arguments),
        reports="progress" in hints,
    )


def _help(argument: str, method: str, docs: Mapping[str, Docstring]) -> str:
    """The line of an argument; where it or the docstring refers to another method, that one's."""
    line = docs[method].arguments.get(argument, "")
    referred = re.fullmatch(r"as for `(\w+)`\.?", line)
    others = (referred[1],) if referred else () if line else (*docs[method].refers_to, "create")
    for other in others:
        if argument in docs.get(other, docs[method]).arguments:
            return docs[other].arguments[argument]
    if not line and (name := _ID.fullmatch(argument)):
        thing = {"kb": "knowledge base", "batch_call": "batch"}.get(name[1], name[1].replace("_", " "))
        return f"the id of the {thing}."
    return line or ("their ids." if argument == "ids" else "")


def _options() -> Iterator[ApiArgument]:
    """The members of `RequestOptions`, with the lines of its docstring."""
    lines = Docstring.of(RequestOptions).arguments
    for name, hint in get_type_hints(RequestOptions).items():
        if is_argument(hint):
            parameter = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
            argument = argument_of(parameter, hint, lines[name], None)
            yield attrs.evolve(argument, help=for_a_shell(argument.help), is_nullable=False)


def _is_page(hint: object) -> bool:
    return getattr(hint, "__origin__", None) is Page


def _is_iterator(hint: object) -> bool:
    origin = getattr(hint, "__origin__", None)
    return inspect.isclass(origin) and origin is not Page and issubclass(origin, Iterator)


def _source(value: object) -> str:
    """Python source of a value; attributes that have their default are left out."""
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        return f"({', '.join(map(_source, items))}{',' if len(items) == 1 else ''})"
    if not _is_of_a_table(value):
        return repr(value)
    given = [
        f"{field.name}={_source(getattr(value, field.name))}"
        for field in attrs.fields(type(value))
        if getattr(value, field.name) != field.default
    ]
    return f"{type(value).__name__}({', '.join(given)})"


def _is_of_a_table(value: object) -> TypeGuard[attrs.AttrsInstance]:
    return isinstance(value, ApiArgument | ApiCommand | ApiGroup)
