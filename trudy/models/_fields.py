"""How a model's attribute meets the wire: under which names, read by what. Kept in the attribute's metadata."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import attrs

from trudy._parse import ID_ALIASES, identifier

Read: TypeAlias = Callable[[object], object]
"""Turns a JSON value into an attribute's value, or raises `ValueError`."""
Write: TypeAlias = Callable[[Any], object]
"""Turns an attribute's value into something that `to_wire` takes."""

_KEY = "trudy.wire"
OWN = frozenset({"extra", "meta"})
"""Attributes that are ours: a member that the server calls so goes to `extra` like any unknown one."""


@attrs.frozen(kw_only=True)
class Wire:
    """The wire side of one attribute.

    Attributes:
        names: its spellings, the one we write first; the first that holds something wins.
        read: reads the value, where the type alone does not say how.
        salvage: what can be saved of a value that `read` refused; the whole value then stays in `extra`.
        write: what to write in place of the attribute's value.
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
    """The wire side of an attribute, with at least one name."""
    found: Wire = attribute.metadata.get(_KEY) or Wire(names=())
    return found if found.names else attrs.evolve(found, names=(attribute.name,))


@cache
def members(cls: type[attrs.AttrsInstance]) -> tuple[tuple[str, str, Write | None], ...]:
    """Attribute, wire name and writer of all that a model writes."""
    found = ((a.name, wire_of(a)) for a in attrs.fields(cls) if a.name not in OWN)
    return tuple((name, wire.names[0], wire.write) for name, wire in found)
