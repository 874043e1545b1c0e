"""A function and its arguments until it is called, in an object whose repr does not show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class Bound(Generic[R]):
    """Called without arguments. They are numbers, keys and texts, and tracebacks may show local variables."""

    __slots__ = ("_args", "_function", "_kwargs")

    def __init__(self, function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._function = function
        self._args = args
        self._kwargs = kwargs

    def __call__(self) -> R:
        return self._function(*self._args, **self._kwargs)

    def __repr__(self) -> str:
        return f"<{getattr(self._function, '__qualname__', type(self._function).__name__)} and its arguments>"


def bind(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Bound[R]:
    """`function` with these arguments, to be called later."""
    return Bound(function, args, kwargs)
