"""Names of a package that are imported, and attributes that are made, when first used; so `import trudy` is cheap.

A package imports its public names under `if TYPE_CHECKING:`, where type checkers read them; `python -m trudy.codegen`
writes from these imports which module each name comes from, into `_exports.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Generic, Self, TypeVar, overload

from trudy._concurrency.fork import before_client_import
from trudy._exports import EXPORTS

T = TypeVar("T")


class made_once(Generic[T]):  # noqa: N801 - a decorator, as `property` is
    """A property made at its first use and kept. It can be set, so that tests can replace it.

    Like `functools.cached_property`, without the lock that Python 3.11 takes there: after a fork during another
    thread's first use, the child would find it locked for ever.
    """

    def __init__(self, make: Callable[..., T]) -> None:
        self.__wrapped__ = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> T | Self:
        if instance is None:
            return self
        # Two threads may make one each at the same time; `setdefault` gives both the same one.
        made: T = instance.__dict__.setdefault(self._name, self.__wrapped__(instance))
        return made


def lazy_names(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package."""
    homes = EXPORTS[package]
    namespace = vars(sys.modules[package])

    def load(name: str) -> object:
        namespace[name] = found = _all(package, homes) if name == "__all__" else _find(package, name, homes.get(name))
        return found

    def names() -> list[str]:
        return sorted({*namespace, *homes})

    return load, names


def _all(package: str, homes: Mapping[str, str]) -> list[str]:
    # Without modules: some need an extra, and `import *` would load them.
    return sorted(name for name, home in homes.items() if home != f"{package}.{name}")


def _find(package: str, name: str, home: str | None) -> object:
    inner = f"{package}.{name}"
    if home == inner or (home is None and name.isidentifier() and not name.startswith("_") and _is_module(inner)):
        return import_module(inner)
    if home is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    if home in ("trudy.client", "trudy.sync.client"):
        before_client_import()
    found: object = getattr(import_module(home), name)
    return found


def _is_module(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None
