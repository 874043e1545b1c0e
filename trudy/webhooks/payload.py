"""Finds members in a payload: nested or flat, camelCase or snake_case. Refuses nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar, cast

from attrs import field, frozen

from trudy import _parse
from trudy._parse import ID_ALIASES

T = TypeVar("T")
Node: TypeAlias = Mapping[str, Any]
_NOTHING: Node = {}
_ALIASED: Final = {"batch": "batch_call"}
"""What `ID_ALIASES` calls a kind of object that events call otherwise."""


@frozen
class Payload:
    """The `data` of an event."""

    data: Node = field(repr=False)

    @property
    def inner(self) -> Node:
        """`data.data`, where some servers put what they add to the voice provider's event."""
        return child(self.data, "data")

    def id_of(self, kind: str) -> str | None:
        """The id of the `call`, `batch`, `voice` or `agent`, nested or flat."""
        names = ID_ALIASES[_ALIASED.get(kind, kind)]
        nested = _object(self.data, kind)
        if kind == "agent":
            for place in (child(child(self.data, "call"), kind), nested):
                if (found := _id(place, *names, "id")) is not None:
                    return found
            return _id(child(self.data, "call"), *names) or _id(self.data, *names) or _id(self.inner, *names)
        inner = _id(_object(self.inner, kind), *names, "id") or _id(self.inner, *names)
        own = _id(nested, *names, "id") or _id(self.data, *names) or inner
        # A call's batch stands beside its own id.
        return own or (_id(child(self.data, "call"), *names) if kind == "batch" else None)

    def own_id(self, kind: str) -> str | None:
        """The id of the `call`, `batch` or `voice` that the event is about; it may be called just `id`."""
        return self.id_of(kind) or first_id(self.data, "id")

    def read(self, kind: str, reader: Callable[[object], T], *names: str) -> T | None:
        """The first readable member with one of these snake_case names, or the same in camelCase.

        Looks in the object of the `call`, `batch` or `voice`, then beside it, then in `data.data`.
        """
        found = spelled(names)
        for node in (_object(self.data, kind), self.data, _object(self.inner, kind), self.inner):
            for name in found:
                value = node.get(name)
                if value is not None:
                    try:
                        return reader(value)
                    except ValueError:
                        continue
        return None


def _object(node: Node, kind: str) -> Node:
    """The object of the `call`, `batch`, `voice` or `agent` inside another; an empty one where there is none."""
    return next(filter(None, (child(node, name) for name in spelled((kind, _ALIASED.get(kind, kind))))), _NOTHING)


def child(node: Node, name: str) -> Node:
    """The object under this name; an empty one if there is none."""
    value = node.get(name)
    return cast("Node", value) if isinstance(value, dict) else _NOTHING


def first_id(node: Node, *names: str) -> str | None:
    """The first of the members with exactly these names that is an id."""
    for name in names:
        value = node.get(name)
        if value is not None:
            try:
                return _parse.identifier(value)
            except ValueError:
                continue
    return None


def instant(value: object) -> datetime | None:
    """The time of an event, UTC; None if it is missing or unreadable."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= 15 else None
    try:
        return _parse.instant(value)
    except ValueError:
        return None


@cache
def spelled(names: tuple[str, ...]) -> tuple[str, ...]:
    """Snake_case names, each with its camelCase."""
    return tuple(dict.fromkeys(spelling for name in names for spelling in (name, _camel(name))))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _id(node: Node, *names: str) -> str | None:
    return first_id(node, *spelled(names)) if node else None
