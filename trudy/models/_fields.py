"""For the attributes of models: their names on the wire, how they are read and written, open words, what a repr shows.

An attribute's names, reader and writer are in its metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import attrs

from trudy._masking import mask_phone, mask_text
from trudy._parse import ID_ALIASES, identifier

Read: TypeAlias = Callable[[object], object]
"""Turns a JSON value into an attribute's value, or raises `ValueError`."""
Write: TypeAlias = Callable[[Any], object]
"""Turns an attribute's value into a value that `to_wire` takes."""

_KEY = "trudy.wire"
OWN = frozenset({"extra", "meta"})
"""Attributes of this library's own: a member of the same name goes to `extra` like any unknown one."""


@attrs.frozen(kw_only=True)
class Wire:
    """How one attribute is read and written.

    Attributes:
        names: its names on the wire. The first one is written; the first one with a value is read.
        read: reads the value, where the type alone does not tell how.
        salvage: reads the readable part of a value that `read` refused; the whole value then stays in `extra`.
        write: makes the value to be written of the attribute's.
    """

    names: tuple[str, ...]
    read: Read | None = None
    salvage: Read | None = None
    write: Write | None = None


def wire(
    *names: str, read: Read | None = None, salvage: Read | None = None, write: Write | None = None
) -> dict[str, Wire]:
    """Metadata for `attrs.field`; without a name the attribute's own is used."""
    return {_KEY: Wire(names=names, read=read, salvage=salvage, write=write)}


def own_id(kind: str) -> dict[str, Wire]:
    """Metadata of an object's own id, a key of `ID_ALIASES` saying which kind of object it is."""
    return wire("id", *ID_ALIASES[kind], read=identifier)


def id_of(kind: str, *others: str) -> dict[str, Wire]:
    """Metadata of an id that refers to another object, or that an object has in place of `id`."""
    return wire(*ID_ALIASES[kind], *others, read=identifier)


def wire_of(attribute: attrs.Attribute[Any]) -> Wire:
    """How an attribute is read and written, with at least one name."""
    found: Wire = attribute.metadata.get(_KEY) or Wire(names=())
    return found if found.names else attrs.evolve(found, names=(attribute.name,))


@cache
def members(cls: type[attrs.AttrsInstance]) -> tuple[tuple[str, str, Write | None], ...]:
    """Attribute, wire name and writer of all that a model writes."""
    found = ((a.name, wire_of(a)) for a in attrs.fields(cls) if a.name not in OWN)
    return tuple((name, wire.names[0], wire.write) for name, wire in found)


class OpenWord(StrEnum):
    """Base of the open enums. Each is a `str`: `status == "completed"` holds, and `status is CallStatus.COMPLETED`.

    A member's name is its word in capitals. Hyphens, blanks and upper case make no difference. An unknown word becomes
    a value of its own, with `is_known` False; the empty word stands for one that the server did not send.
    """

    @property
    def is_known(self) -> bool:
        """Whether this version of the library knows the word."""
        return type(self).__members__.get(self.name) is self

    @classmethod
    def _synonyms(cls) -> Mapping[str, str]:
        """Words of the server that mean the same as a member's."""
        return {}

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        folded = value.strip().lower().replace("-", "_").replace(" ", "_")
        known = cls.__members__.get(cls._synonyms().get(folded, folded).upper())
        return cls._unknown(value) if known is None else known

    @classmethod
    def _unknown(cls, value: str) -> Self:
        # Not kept: words of a server must not fill a table that is never emptied.
        word = str.__new__(cls, value)
        word._name_ = value
        word._value_ = value
        return word

    def __reduce_ex__(self, proto: object) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.value,)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}.{self.name}" if self.is_known else f"{name}({self.value!r})"


def shown_phone(value: str | None) -> str:
    """A number with its middle masked."""
    return repr(value if value is None else mask_phone(value))


def shown_link(value: str | None) -> str:
    """A link without its query, where signatures stand, and without credentials."""
    if value is None:
        return "None"
    try:
        parts = urlsplit(value)
    except ValueError:
        return "'***'"
    query = "***" if parts.query else ""
    return repr(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, "")))


def shown_prose(value: object) -> str:
    """Free text, or an object of it, shortened; whatever looks like a number or a key is masked."""
    if not isinstance(value, str):
        return mask_text(repr(value))
    shown = mask_text(value)
    return repr(shown if len(shown) <= 60 else shown[:59] + "…")
