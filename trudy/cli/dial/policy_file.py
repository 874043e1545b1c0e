"""A policy as a TOML file: each key of `Policy` by its name, and errors that name the key. Pure but for reading it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from datetime import time
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, cast

from attrs import fields

from trudy._checks import time_of_day
from trudy._masking import mask_phone
from trudy.dialer.policy import OUTCOMES, Attempts, Breaker, Hours, Policy, RetryAfter
from trudy.errors import InvalidArgumentError

Table = Mapping[str, object]
T = TypeVar("T")

_MIDNIGHT: Final = "24:00"
TEMPLATE: Final = Path(__file__).with_name("policy.toml")
"""What `trudy dial init` writes: every key, with its default or an example."""


def read_policy(path: Path) -> Policy:
    """The policy of a file; what it leaves out has the default.

    Raises:
        InvalidArgumentError: it cannot be read, or a key is unknown or has a bad value; `argument` is the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise InvalidArgumentError(f"{path}: {fault.strerror}", argument="policy") from None
    except UnicodeDecodeError:
        raise InvalidArgumentError(f"{path}: this is no text in UTF-8", argument="policy") from None
    return policy_from(text, str(path))


def policy_from(text: str, name: str) -> Policy:
    """The policy in a TOML document. `name`: what its errors begin with."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise InvalidArgumentError(f"{name}: this is no TOML: {fault}", argument="policy") from None
    try:
        return _policy(document)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{name}: {error.message}", argument=error.argument) from None


def _policy(document: Table) -> Policy:
    members = _known(document, Policy, "")
    readers: Mapping[str, Callable[[object], object]] = {
        "hours": lambda value: _hours(value, "hours"),
        "attempts": lambda value: _made(Attempts, value, "attempts"),
        "breaker": lambda value: _made(Breaker, value, "breaker"),
        "retry": _retry,
        "caller_ids": _caller_ids,
    }
    return Policy(**{key: readers.get(key, _as_it_is)(value) for key, value in members.items()})  # type: ignore[arg-type]


def _as_it_is(value: object) -> object:
    return value


def _hours(value: object, key: str) -> Hours:
    members = dict(_known(_table(value, key), Hours, key))
    for name in ("start", "end"):
        if name in members:
            members[name] = _time(members[name], f"{key}.{name}", may_be_midnight=name == "end")
    if "by_region" in members:
        places = _table(members["by_region"], f"{key}.by_region")
        members["by_region"] = {place: _hours(hours, f"{key}.by_region.{place}") for place, hours in places.items()}
    return _named("hours", key, lambda: Hours(**members))  # type: ignore[arg-type]


def _time(value: object, key: str, *, may_be_midnight: bool) -> time | None:
    if isinstance(value, time):
        return value
    if isinstance(value, str):
        if may_be_midnight and value == _MIDNIGHT:
            return None
        time_of_day(value, key)
        return time.fromisoformat(value)
    raise InvalidArgumentError(f'{key} must be a time of day, as in 09:30:00 or "09:30"', argument=key)


def _retry(value: object) -> Mapping[str, RetryAfter | None]:
    rules: dict[str, RetryAfter | None] = {}
    for outcome, rule in _table(value, "retry").items():
        key = f"retry.{outcome}"
        if outcome not in OUTCOMES:
            raise _unknown(outcome, OUTCOMES, key)
        if rule is not False and not isinstance(rule, dict):
            raise InvalidArgumentError(f"{key} must be false or a table, as in {{ seconds = 3600 }}", argument=key)
        rules[outcome] = None if rule is False else _made(RetryAfter, cast("Table", rule), key)
    return rules


def _caller_ids(value: object) -> Mapping[str, object]:
    calls_by_number = _table(value, "caller_ids")
    for number, calls in calls_by_number.items():
        make = partial(Policy, caller_ids={number: cast("int", calls)})
        _named("caller_ids", f'caller_ids."{mask_phone(number)}"', make)
    return calls_by_number


def _made(kind: type[T], value: object, key: str) -> T:
    members = _known(_table(value, key), kind, key)
    return _named(key.partition(".")[0], key, lambda: kind(**members))


def _named(prefix: str, key: str, make: Callable[[], T]) -> T:
    """What `make` makes. An error of the library names the class's own member: `prefix` becomes the whole key."""
    try:
        return make()
    except InvalidArgumentError as error:
        rest = error.message.removeprefix(prefix)
        name = key + rest.partition(" ")[0].rstrip(":") if rest.startswith(".") else key
        raise InvalidArgumentError(f"{key}{rest}", argument=name) from None


def _table(value: object, key: str) -> Table:
    if not isinstance(value, dict):
        raise InvalidArgumentError(f"{key} must be a table, as in [{key}]", argument=key)
    return cast("Table", value)


def _known(table: Table, kind: type, key: str) -> Table:
    names = [each.name for each in fields(kind)]
    for name in table:
        if name not in names:
            raise _unknown(name, names, f"{key}.{name}" if key else name)
    return table


def _unknown(name: str, names: Collection[str], key: str) -> InvalidArgumentError:
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    return InvalidArgumentError(f"{key} is no key of a policy; {hint}", argument=key)
