"""The two headers of a delivery, in whatever a framework calls its headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, TypeAlias, cast

from trudy.webhooks.errors import MissingHeaderError

TIMESTAMP: Final = "X-Truedy-Timestamp"
SIGNATURE: Final = "X-Truedy-Signature"

_TIMESTAMPS: Final = ("x-truedy-timestamp", "x-trudy-timestamp")
_SIGNATURES: Final = ("x-truedy-signature", "x-trudy-signature")
_WANTED: Final = frozenset((*_TIMESTAMPS, *_SIGNATURES))


class HasItems(Protocol):
    """The headers of frameworks that are no `Mapping`, but have `items()`."""

    def items(self) -> Iterable[tuple[Any, Any]]: ...


Headers: TypeAlias = Mapping[str, Any] | HasItems | Iterable[tuple[str | bytes, str | bytes]]
"""A mapping (also a WSGI environ or Django's `META`) or pairs, of text or bytes, in any case."""


def find_headers(headers: Headers) -> tuple[str, str]:
    """Timestamp and signature as text, under the documented names, else under those of the early server.

    A header that comes twice is joined with a comma, as HTTP has it, and so is refused later.
    """
    pairs = (
        cast("HasItems", headers).items() if hasattr(headers, "items") else cast("Iterable[tuple[Any, Any]]", headers)
    )
    found: dict[str, str] = {}
    for raw_name, value in pairs:
        # A framework gives dozens of headers, and few are as long as ours: the length spares most of the work.
        if len(raw_name) < 17:
            continue
        name = (raw_name if isinstance(raw_name, str) else _text(raw_name)).lower()
        if name not in _WANTED:
            name = name.removeprefix("http_").replace("_", "-")
            if name not in _WANTED:
                continue
        if value is None:
            continue  # what JSON makes of a header that is not there
        text = _text(value)
        found[name] = f"{found[name]}, {text}" if name in found else text
    return _first(found, _TIMESTAMPS, TIMESTAMP), _first(found, _SIGNATURES, SIGNATURE)


def _first(found: dict[str, str], names: tuple[str, ...], documented: str) -> str:
    for name in names:
        if name in found:
            return found[name]
    raise MissingHeaderError(f"the delivery has no {documented} header")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in cast("list[object]", value) if item is not None)
    raise TypeError(f"headers must be text or bytes, not {type(value).__name__}")
