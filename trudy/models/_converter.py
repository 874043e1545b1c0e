"""JSON to models: the one cattrs converter, and `decode`, which loses nothing that the server sent.

A row whose members are as documented goes through the function that cattrs writes for its class. Only if that refuses
it, the row is read again member by member: an attribute that cannot be read gets its default, and the value stays in
`extra` under its name. The server's spelling of a word that is read as another word stays there too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from trudy import _parse as _scalars
from trudy.models._fields import OWN, OpenWord, Read, wire_of
from trudy.models.common import ResponseMeta
from trudy.models.transcripts import Transcript, transcript_object
from trudy.options import NOT_GIVEN, NotGiven

T = TypeVar("T")
_Hook = Callable[[Any, Any], Any]
_Decoder = Callable[[object, ResponseMeta | None], Any]

_OTHER_FORMS: dict[type, Callable[[object], object]] = {Transcript: transcript_object}
"""Models that may arrive as something else than an object."""


class ModelError(ValueError):
    """What the server sent cannot be this model at all: it is no object, or has no id.

    Attributes:
        model: the name of the model.
        path: the member at fault; empty where the whole value is.
        reason: what is wrong with it; never a value the server sent.
    """

    def __init__(self, model: str, path: str, reason: str) -> None:
        self.model = model
        self.path = path
        self.reason = reason
        super().__init__(f"{model}.{path}: {reason}" if path else f"{model}: {reason}")

    def __reduce__(self) -> tuple[type[ModelError], tuple[str, str, str]]:
        return type(self), (self.model, self.path, self.reason)


def decode(cls: type[T], raw: object, meta: ResponseMeta | None = None) -> T:
    """The model in a JSON value. The model keeps the value's dicts, so do not change them afterwards.

    Raises `ModelError` if the value is no object or has no id, and for no other reason.
    """
    decoder = _DECODERS.get(cls)
    if decoder is None:
        decoder = _DECODERS[cls] = _make_decoder(cls)
    return cast("T", decoder(raw, meta))


def without_deep_members(raw: object) -> object:
    """A JSON value that is safe to compare, print and write: parts nested too deep become `{"left_out": why}`."""
    if isinstance(raw, dict):
        row = cast("dict[str, object]", raw)
        return {name: dict(_LEFT_OUT) if _scalars.is_too_deep(value) else value for name, value in row.items()}
    return dict(_LEFT_OUT) if _scalars.is_too_deep(raw) else raw


_DECODERS: dict[type, _Decoder] = {}
_LEFT_OUT = {"left_out": f"nested more than {_scalars.MOST_NESTING} levels deep"}
_FACTORY: Any = attrs.Factory  # typed as a function


@attrs.frozen
class _ModelMember:
    """One attribute, ready to be read."""

    name: str
    names: tuple[str, ...]
    kind: Any
    read: _Hook
    salvage: Read
    required: bool
    keeps_null: bool
    """Whether null differs from absent."""
    is_made: bool
    """Whether its default is computed, such as from other members; then null is treated as absent."""


def _member(a: attrs.Attribute[Any]) -> _ModelMember:
    wire = wire_of(a)
    return _ModelMember(
        name=a.name,
        names=wire.names,
        kind=a.type,
        read=_reader(a),
        salvage=wire.salvage or _salvage_items(a.type),
        required=a.default is attrs.NOTHING,
        keeps_null=a.default is NOT_GIVEN,
        is_made=isinstance(a.default, _FACTORY),
    )


def _make_decoder(cls: type) -> _Decoder:
    # The annotations are text in the modules; they are resolved here, once.
    fields = attrs.fields(attrs.resolve_types(cls))
    members = [_member(a) for a in fields if a.name not in OWN]
    own = {a.name for a in fields} & OWN
    known = frozenset(m.names[0] for m in members)
    folded = [(m.names[0], m.names[1:], m.keeps_null) for m in members if m.is_made or m.names[1:]]
    words = [(m.names[0], m.kind, _words(m.kind)) for m in members if _is_word(m.kind)]
    overrides: dict[str, Any] = {m.name: override(rename=m.names[0], struct_hook=m.read) for m in members}
    overrides |= {name: override(struct_hook=_as_is) for name in own}
    make: Any = make_dict_structure_fn
    structure: _Hook = make(cls, _CONVERTER, _cattrs_detailed_validation=False, **overrides)
    other_form = _OTHER_FORMS.get(cls)

    def decoder(raw: object, meta: ResponseMeta | None) -> Any:
        if other_form is not None:
            raw = other_form(raw)
        if not isinstance(raw, dict):
            raise ModelError(cls.__name__, "", "is no object")
        sent = cast("dict[str, Any]", raw)
        nested: list[object] = [value for value in sent.values() if type(value) is dict or type(value) is list]
        if nested and _scalars.is_too_deep(nested, _scalars.MOST_NESTING + 1):
            sent = cast("dict[str, Any]", without_deep_members(sent))
        extra = {name: value for name, value in sent.items() if name not in known}
        row = sent.copy()
        for name, others, keeps_null in folded:
            if row.get(name) is None:
                for other in others:
                    if row.get(other) is not None:
                        row[name] = row[other]
                        break
                else:
                    if not keeps_null:
                        row.pop(name, None)
        for name, kind, vocabulary in words:
            word = row.get(name)
            if type(word) is str and word not in vocabulary:
                row[name] = found = kind(word)
                if found.value != word:
                    extra[name] = word
        # Our own attributes win over members of the same names, which are in `extra` already.
        row["extra"] = extra
        row["meta"] = meta
        with suppress(ValueError, KeyError):
            return structure(row, cls)
        # Not while the first error is handled: its frames hold the row, and would become part of a later error.
        ours = {"extra": extra, "meta": meta}
        return cls(**_salvage(cls, members, sent, extra), **{name: ours[name] for name in own})

    return decoder


def _salvage(cls: type, members: list[_ModelMember], sent: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Attributes by name, read one by one; what cannot be read goes to `extra`."""
    values: dict[str, Any] = {}
    for member in members:
        for name in member.names:
            value = sent.get(name)
            if value is None:
                if member.keeps_null and name in sent:
                    values.setdefault(member.name, None)
                continue
            try:
                values[member.name] = member.read(value, member.kind)
                break
            except ValueError:
                extra[name] = value
                if (saved := member.salvage(value)) is not None and saved != ():
                    values.setdefault(member.name, saved)
        if member.required and member.name not in values:
            raise ModelError(cls.__name__, member.names[0], "is missing or no id")
    return values


def _reader(attribute: attrs.Attribute[Any]) -> _Hook:
    """The function that reads one attribute: its own, else that of its type."""
    read = wire_of(attribute).read
    if read is None:
        return _CONVERTER.get_structure_hook(attribute.type)
    return _optional(read) if type(None) in get_args(attribute.type) else _required(read)


def _salvage_items(kind: Any) -> Read:
    """Reads the items of a list that can be read, and leaves out the others."""
    item_type = get_args(kind)[0] if get_origin(kind) is tuple else None

    def salvage(value: object) -> object:
        if item_type is None or not isinstance(value, list):
            return None
        read = _CONVERTER.get_structure_hook(item_type)
        found: list[object] = []
        for item in cast("list[object]", value):
            try:
                found.append(read(item, item_type))
            except ValueError:
                continue
        return tuple(found)

    return salvage


def _as_is(value: Any, _: Any) -> Any:
    return value


def _required(read: Read) -> _Hook:
    return lambda value, _: read(value)


def _optional(read: Read) -> _Hook:
    return lambda value, _: None if value is None else read(value)


def _text(value: Any, _: Any) -> str:
    if type(value) is str:
        return value
    return _scalars.text(value)


def _is_mapping(kind: Any) -> bool:
    origin: object = get_origin(kind)
    return origin is Mapping


def _mapping_hook(_: Any) -> _Hook:
    return _mapping


_SCALARS: dict[type, Read] = {
    int: _scalars.whole,
    float: _scalars.number,
    bool: _scalars.boolean,
    datetime: _scalars.instant,
}


def _optional_text(value: Any, _: Any) -> str | None:
    # Most members are of this type, so one function call in place of two saves time.
    return value if value is None or type(value) is str else _scalars.text(value)


def _mapping(value: Any, _: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise ValueError("is no object")


def _is_word(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, OpenWord)


@cache
def _words(kind: Any) -> dict[str, OpenWord]:
    return {member.value: member for member in kind}


def _word(value: Any, kind: Any) -> OpenWord:
    if type(value) is kind:
        return cast("OpenWord", value)
    if isinstance(value, str):
        return _words(kind).get(value) or cast("OpenWord", kind(value))
    raise ValueError("is no word")


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _optional_hook(kind: Any) -> _Hook:
    """Reads `X | None` and `X | NotGiven | None`: null stays null, any other value is an X."""
    inner = [k for k in get_args(kind) if k not in (type(None), NotGiven)]
    if str in inner:
        return _optional_text
    of = inner[0]
    if of in _SCALARS:
        return _optional(_SCALARS[of])
    read = _CONVERTER.get_structure_hook(of)
    return lambda value, _: None if value is None else read(value, of)


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _tuple_hook(kind: Any) -> _Hook:
    item_type = get_args(kind)[0]
    # Lists of plain text are lists of ids.
    read: _Hook = _required(_scalars.identifier) if item_type is str else _CONVERTER.get_structure_hook(item_type)

    def structure(value: Any, _: Any) -> tuple[Any, ...]:
        if isinstance(value, list):
            return tuple([read(item, item_type) for item in cast("list[object]", value)])
        if value is None:
            return ()
        raise ValueError("is no list")

    return structure


def _model_hook(kind: Any) -> _Hook:
    return lambda value, _: decode(kind, value)


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_structure_hook_factory(attrs.has, _model_hook)
    converter.register_structure_hook_factory(_is_tuple, _tuple_hook)
    converter.register_structure_hook_factory(_is_optional, _optional_hook)
    converter.register_structure_hook_factory(_is_mapping, _mapping_hook)
    converter.register_structure_hook(OpenWord, _word)
    converter.register_structure_hook(str, _text)
    for kind, read in _SCALARS.items():
        converter.register_structure_hook(kind, _required(read))
    return converter


_CONVERTER = _make_converter()
