"""The options of a fault: the same in Python, in a faults file, and at the control endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict, cast

Reset = Literal["connect", "before", "after"]


class FaultOptions(TypedDict, total=False):
    """The arguments of `Sandbox.fail_next` and `faults.add`; None counts as left out."""

    method: str | None
    path: str | None
    nth: int | None
    probability: float | None
    times: int | None
    status: int | None
    effect: bool | None
    effect_after: float | None
    code: str | None
    message: str | None
    details: Mapping[str, Any] | None
    body: bytes | str | Mapping[str, Any] | None
    headers: Mapping[str, str] | None
    content_type: str | None
    reset: Reset | None
    delay: float | None
    truncate: bool | None
    broken: bool | None
    drip: float | None
    skew: float | None


def checked(options: Mapping[str, object]) -> dict[str, Any]:
    """The options that were given, without those that are None.

    Raises:
        TypeError: there is no such option, or its value is of another type.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        if name not in _KINDS:
            raise TypeError(f"there is no {name!r}; there are {', '.join(_KINDS)}")
        fits, kind = _KINDS[name]
        if not fits(value):
            raise TypeError(f"{name} must be {kind}")
    return given


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_body(value: object) -> bool:
    return isinstance(value, (bytes, str, Mapping))


def _is_headers(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(isinstance(text, str) for item in cast("Mapping[object, object]", value).items() for text in item)


_Kind = tuple[Callable[[object], bool], str]
_TEXT: _Kind = (_is_text, "text")
_WHOLE: _Kind = (_is_int, "a whole number")
_BOOL: _Kind = (_is_bool, "true or false")
_SECONDS: _Kind = (_is_number, "a number of seconds")
_KINDS: Mapping[str, _Kind] = {
    "method": _TEXT,
    "path": _TEXT,
    "nth": _WHOLE,
    "probability": (_is_number, "a number"),
    "times": _WHOLE,
    "status": _WHOLE,
    "effect": _BOOL,
    "effect_after": _SECONDS,
    "code": _TEXT,
    "message": _TEXT,
    "details": (_is_table, "a table"),
    "body": (_is_body, "text or a table"),
    "headers": (_is_headers, "a table of texts"),
    "content_type": _TEXT,
    "reset": _TEXT,
    "delay": _SECONDS,
    "truncate": _BOOL,
    "broken": _BOOL,
    "drip": _SECONDS,
    "skew": _SECONDS,
}
