"""How each argument of the sync client is read from a command line: a rule for each type, and a few names."""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import pairwise
from textwrap import dedent
from types import UnionType
from typing import Any, Final, Literal, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

import attrs

from trudy import models
from trudy._checks import duration_text
from trudy._parse import duration
from trudy.cli.operations.api_command import ApiArgument, Kind
from trudy.codegen.docstrings import for_a_shell
from trudy.codegen.methods import CodegenError
from trudy.event_source import EventSource
from trudy.models._fields import OWN, OpenWord, wire_of
from trudy.options import NotGiven

Hint: TypeAlias = object
_SECRETS: Final = frozenset({"api_key", "auth_token", "sip_password"})
"""Never written in a command line, which the shell keeps in its history."""
_PROSE: Final = re.compile(r".*(?:prompt|content|greeting|message|text)")
"""Long texts, which may stand in a file."""
_IDS: Final = re.compile(r"ids|tools|knowledge_bases|.*_ids")


def is_argument(hint: Hint) -> bool:
    """Whether a command line can give it: not a function to be called, and not a source of events."""
    choices = _choices(hint)
    return EventSource not in choices and not any(get_origin(choice) is Callable for choice in choices)


def argument_of(parameter: inspect.Parameter, hint: Hint, about: str, model: type | None) -> ApiArgument:
    """How a parameter of a method stands in a command line.

    Args:
        parameter: the method's own.
        hint: its type.
        about: its line in the docstring.
        model: what the method gives, whose members of the same name tell more.
    """
    choices = _choices(hint)
    kind, words, members = _kind_of(parameter.name, choices, about, model)
    default = parameter.default
    is_told = isinstance(default, bool) or "default" in about
    shown = default if isinstance(default, int | float | str) and not is_told else None
    if kind == "seconds" and shown is not None:
        shown = f"{shown:g} s"
    return ApiArgument(
        name=parameter.name,
        kind=kind,
        help=about,
        is_positional=parameter.kind is not parameter.KEYWORD_ONLY,
        is_required=default is parameter.empty,
        is_nullable=NotGiven in choices and type(None) in choices,
        words=words,
        default=None if shown is None else str(shown),
        model=_object_of(choices),
        members=members,
    )


def model_of(returned: Hint) -> type:
    """The class of the objects that a method gives."""
    arguments = get_args(returned)
    found = arguments[0] if arguments else returned
    if not inspect.isclass(found):
        raise CodegenError(f"{returned}: no model")
    return found


def _kind_of(
    name: str,
    choices: Sequence[Hint],
    about: str,
    model: type | None,
) -> tuple[Kind, tuple[str, ...], tuple[ApiArgument, ...]]:
    """Kind, words and members, by the type and, where it says too little, by name and docstring."""
    real = [choice for choice in choices if choice is not NotGiven and choice is not type(None)]
    literals = [word for choice in real if get_origin(choice) is Literal for word in get_args(choice)]
    if literals:
        return ("text" if str in real else "word"), tuple(map(str, literals)), ()
    object_name = _object_of(choices)
    if object_name is not None:
        return "object", (), tuple(_members(getattr(models, object_name)))
    return _simple_kind(name, real, about, model), _words_of(name, real, model), ()


def _simple_kind(name: str, real: Sequence[Hint], about: str, model: type | None) -> Kind:
    item = _item_of(real)
    if item is not None:
        return _kind_of_items(name, item)
    if bytes in real:
        return "path"
    if any(get_origin(choice) is os.PathLike for choice in real):
        return "path"
    if datetime in real:
        return "instant"
    if any(_is_mapping(choice) for choice in real):
        return "mapping"
    if real == [bool]:
        return "flag"
    if real == [int]:
        return "whole"
    if float in real:
        return "seconds" if re.search(r"\bseconds\b", about) else "number"
    if str in real:
        return _kind_of_text(name, model)
    raise CodegenError(f"{name}: no rule to read {real} from a command line")


def _kind_of_text(name: str, model: type | None) -> Kind:
    if name in _SECRETS:
        return "secret"
    if _is_duration(name, model):
        return "duration"
    return "prose" if _PROSE.fullmatch(name) else "text"


def _kind_of_items(name: str, item: Hint) -> Kind:
    choices = _choices(item)
    if bytes in choices:
        return "paths"
    if int in choices:
        return "wholes"
    if models.BatchContactInput in choices:
        return "contacts"
    if str in choices:
        return "ids" if _IDS.fullmatch(name) else "texts"
    return "objects"


def _item_of(real: Sequence[Hint]) -> Hint | None:
    """What a list holds; None where the argument is no list."""
    for choice in real:
        origin = get_origin(choice)
        if inspect.isclass(origin) and origin.__name__ in ("Sequence", "Iterable"):
            return cast("Hint", get_args(choice)[0])
    return None


def _is_mapping(choice: Hint) -> bool:
    origin = get_origin(choice)
    return inspect.isclass(origin) and issubclass(origin, Mapping)


def _object_of(choices: Sequence[Hint]) -> str | None:
    """The name of the documented object that is meant; None where none is."""
    for choice in choices:
        name = choice.__name__ if inspect.isclass(choice) and attrs.has(choice) else ""
        if name and getattr(models, name, None) is choice:
            return name
    return None


def _members(model: type) -> Iterator[ApiArgument]:
    """The members of an object, as options of their own."""
    hints = get_type_hints(model)
    lines = _attribute_lines(model)
    for field in attrs.fields(cast("type[attrs.AttrsInstance]", model)):
        if field.name in OWN:
            continue
        choices = _choices(hints[field.name])
        line = lines.get(field.name, "")
        kind, words, _ = _kind_of(field.name, choices, line, model)
        yield ApiArgument(
            name=field.name,
            kind="json" if kind in ("object", "objects", "mapping") else kind,
            help=for_a_shell(line),
            words=words,
        )


@cache
def _attribute_lines(model: type) -> dict[str, str]:
    """The text below each attribute of a class."""
    (tree,) = ast.parse(dedent(inspect.getsource(model))).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    found: dict[str, str] = {}
    for pair in pairwise(body):
        match pair:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
            case _:
                pass
    return found


def _is_duration(name: str, model: type | None) -> bool:
    """Whether the model's member of this name is a duration such as `30s`."""
    field = _field(name, model)
    return field is not None and (wire_of(field).read is duration or getattr(field, "converter", None) is duration_text)


def _words_of(name: str, real: Sequence[Hint], model: type | None) -> tuple[str, ...]:
    """The documented words of the model's member of this name."""
    field = _field(name, model)
    if field is None or str not in real or model is None:
        return ()
    kind = get_type_hints(model).get(name)
    return tuple(word.value for word in kind) if inspect.isclass(kind) and issubclass(kind, OpenWord) else ()


def _field(name: str, model: type | None) -> attrs.Attribute[Any] | None:
    if model is None or not attrs.has(model):
        return None
    return next((field for field in attrs.fields(model) if field.name == name), None)


def _choices(hint: Hint) -> tuple[Hint, ...]:
    """The members of a union, or the type itself."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
