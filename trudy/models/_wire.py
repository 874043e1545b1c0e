"""Models to JSON: models, mappings, times and words become values that `json.dumps` takes. `Model`, the base of all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Self, TypeGuard, cast
from uuid import UUID

import attrs

from trudy._checks import duration_text
from trudy.errors import InvalidArgumentError
from trudy.models._fields import OpenWord, members
from trudy.options import NOT_GIVEN

_LONGEST_WHOLE = 14_000
"""Bits of a whole number: with more, Python by itself refuses to write its digits."""


class Model:
    """Base of all models: reads them from JSON, and writes them as JSON."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The model of a server's JSON object, or of what `to_dict` gave; `meta` is None.

        Raises:
            ModelError: it is no object, or has no id.
        """
        from trudy.models._converter import decode

        return decode(cls, dict(value) if isinstance(cast("object", value), Mapping) else value)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, in the server's names and words, with `extra` and without `meta`.

        Times are ISO 8601 with `Z`; members that are `NOT_GIVEN` are left out. Numbers and links are whole.
        """
        return model_to_wire(cast("attrs.AttrsInstance", self))

    def to_json(self, *, indent: int | None = None) -> str:
        """`to_dict` as JSON text. Numbers and links are whole."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)


def to_wire(value: object) -> Any:
    """The JSON form of a model, mapping, sequence or scalar.

    None is null; members that are `NOT_GIVEN` are left out; mappings keep their keys whatever they are called. Raises
    `InvalidArgumentError` for what JSON cannot hold, and for a datetime without a zone.
    """
    if value is None or isinstance(value, bool):
        return value
    if value is NOT_GIVEN:
        raise InvalidArgumentError("NOT_GIVEN stands for what is left out, and cannot be sent")
    if isinstance(value, Enum):
        # The empty word stands for one that the server did not send.
        return None if isinstance(value, OpenWord) and not value else to_wire(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        if value.bit_length() > _LONGEST_WHOLE:
            raise InvalidArgumentError("a whole number of thousands of digits cannot be sent")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidArgumentError("JSON has no infinity and no NaN")
        return value
    if isinstance(value, Mapping):
        return _mapping(cast("Mapping[object, object]", value))
    if _is_list(value):
        return [to_wire(item) for item in value]
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Model):
        return value.to_dict()
    if hasattr(value, "dtype") and callable(item := getattr(value, "item", None)) and getattr(value, "ndim", 1) == 0:
        plain = item()  # a scalar of NumPy or pandas as Python's own
        if plain is None:
            raise InvalidArgumentError("NaT is no time")
        if not hasattr(plain, "dtype"):  # a `longdouble` stays one: Python has none
            return to_wire(plain)
    raise InvalidArgumentError(f"a {type(value).__name__} cannot be sent as JSON")


def model_to_wire(model: attrs.AttrsInstance) -> dict[str, Any]:
    """All members of a model under their wire names, then those of its `extra`."""
    result: dict[str, Any] = {}
    for attribute, name, write in members(type(model)):
        value = getattr(model, attribute)
        if value is not NOT_GIVEN:
            result[name] = to_wire(value if write is None else write(value))
    extra: Mapping[str, object] = getattr(model, "extra", {})
    for name, value in extra.items():
        result[name] = to_wire(_finite(value))
    return result


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview)


def _mapping(value: Mapping[object, object]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, member in value.items():
        if not isinstance(key, str):
            raise InvalidArgumentError(f"names of JSON members are text, not {type(key).__name__}")
        if member is not NOT_GIVEN:
            result[key] = to_wire(member)
    return result


def _finite(value: object) -> object:
    """NaN and infinity as null: JSON has neither, though Python reads them from a server's answer."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[object, object]", value).items()}
    return value


def format_time(value: datetime) -> str:
    """ISO 8601 in UTC with `Z`. A datetime without a zone is refused: it does not tell which instant it means."""
    if value != value:  # pandas.NaT is a datetime, and like NaN not equal to itself
        raise InvalidArgumentError("NaT is no time")
    if value.utcoffset() is None:
        raise InvalidArgumentError("a datetime needs a time zone, such as datetime.UTC")
    # Made anew from its parts: a subclass, such as the Timestamp of pandas, may format itself in another way.
    utc = value.astimezone(UTC)
    plain = datetime(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, UTC)
    return plain.isoformat().replace("+00:00", "Z")
