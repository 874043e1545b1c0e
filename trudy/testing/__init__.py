"""Things for tests of code that uses this library. Names are loaded when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trudy.testing.deliveries import Delivery, make_delivery
    from trudy.testing.events import make_event

__all__ = ["Delivery", "make_delivery", "make_event"]

_HOME = {
    "Delivery": "deliveries",
    "make_delivery": "deliveries",
    "make_event": "events",
}


def __getattr__(name: str) -> object:
    file = _HOME.get(name)
    if file is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{file}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
