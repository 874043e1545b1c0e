"""Keeps what a user passes as a secret out of the errors of that call, should the server repeat it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import cast

from trudy._masking import forms
from trudy.errors import TrudyError

_SHORTEST = 4
"""Shorter texts would be found in ordinary words."""


@contextmanager
def redacted_errors(*values: object) -> Generator[None]:
    """Replace each of these texts by `***` in the message, code and details of an error raised inside."""
    secrets = [form for value in values if isinstance(value, str) and len(value) >= _SHORTEST for form in forms(value)]
    try:
        yield
    except TrudyError as error:
        error.message = cast(str, _without(error.message, secrets))
        error.args = (error.message,)
        error.code = cast(str, _without(error.code, secrets))
        error.details = MappingProxyType(cast(dict[str, object], _without(error.details, secrets)))
        raise


def _without(value: object, secrets: Sequence[str]) -> object:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "***")
        return value
    if isinstance(value, Mapping):
        members = cast(Mapping[object, object], value)
        return {_without(key, secrets): _without(member, secrets) for key, member in members.items()}
    if isinstance(value, list | tuple):
        return [_without(item, secrets) for item in cast(Sequence[object], value)]
    return value
