"""What a traceback shows of the local variables of our own functions, and of all that can be reached from them."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

_ENTERED = (
    *("trudy", "builtins", "functools", "collections", "asyncio", "anyio", "trio", "ssl"),
    *("aiohttp", "multidict", "yarl", "httpx", "httpcore", "h11"),
)
"""Packages whose objects are looked into."""
_OPAQUE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, types.FrameType)


def shown_texts(error: BaseException, package: str = "trudy") -> Iterator[tuple[str, str]]:
    """Where, and what: every text in the frames of the package, in the error and in what caused it."""
    seen: set[int] = set()
    for link in _causes(error):
        yield from _texts(link, type(link).__name__, seen)
        traceback = link.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            if frame.f_globals.get("__name__", "").partition(".")[0] == package:
                for name, value in frame.f_locals.items():
                    where = f"{frame.f_globals['__name__']}.{frame.f_code.co_name}: {name}"
                    yield from _texts(value, where, seen)
            traceback = traceback.tb_next


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _texts(value: Any, where: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    waiting = [(value, where)]
    while waiting:
        value, where = waiting.pop()
        if id(value) in seen and not isinstance(value, str | bytes):
            continue
        seen.add(id(value))
        if isinstance(value, str):
            yield where, value
        elif isinstance(value, bytes | bytearray):
            yield where, value.decode("latin-1")
        elif isinstance(value, _OPAQUE):
            continue
        else:
            try:
                yield where, repr(value)
            except Exception as fault:  # such as one of a half-made object
                yield where, type(fault).__name__
            waiting += [(member, f"{where}{name}") for name, member in _members(value)]


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, member in list(value.items()):
            yield f"[{key!r}]", member
            yield "{}", key
    elif isinstance(value, list | tuple | set | frozenset | deque):
        for index, member in enumerate(value):
            yield f"[{index}]", member
    if isinstance(value, types.CoroutineType | types.GeneratorType | types.AsyncGeneratorType | types.TracebackType):
        return
    if isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
    if isinstance(value, partial):
        yield ".args", (value.func, value.args, value.keywords)
    module = type(value).__module__.partition(".")[0]
    if module in _ENTERED:
        for name in getattr(value, "__dict__", {}):
            yield f".{name}", value.__dict__[name]
        for cls in type(value).__mro__:
            for name in cls.__dict__.get("__slots__", ()) if not isinstance(cls.__dict__.get("__slots__"), str) else ():
                name = (
                    f"_{cls.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
                )
                if hasattr(value, name):
                    yield f".{name}", getattr(value, name)
