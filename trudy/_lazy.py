"""Names of a package that are loaded when first used, so that importing the package costs next to nothing.

A package imports its public names under `if TYPE_CHECKING:`, where type checkers read them; `python -m trudy.codegen`
writes from these imports which module each name comes from, into `_exports.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

from trudy._concurrency.first_use import client_is_wanted
from trudy._exports import EXPORTS


def lazy_names(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package."""
    homes = EXPORTS[package]
    namespace = vars(sys.modules[package])

    def load(name: str) -> object:
        namespace[name] = found = sorted(homes) if name == "__all__" else _find(package, name, homes.get(name))
        return found

    def names() -> list[str]:
        return sorted({*namespace, *homes})

    return load, names


def _find(package: str, name: str, home: str | None) -> object:
    inner = f"{package}.{name}"
    if home == inner or (home is None and name.isidentifier() and not name.startswith("_") and _is_module(inner)):
        return import_module(inner)
    if home is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    if home in ("trudy.client", "trudy.sync.client"):
        client_is_wanted()
    found: object = getattr(import_module(home), name)
    return found


def _is_module(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None
