"""Keeps secrets and people's numbers out of tracebacks that show local variables.

Sentry, rich and `pytest -l` print every local variable of every frame. So a secret travels in a `Hidden` until it is
handed to the HTTP library, and a method that was given secrets forgets its arguments when it fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, iscoroutinefunction
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote, quote_plus

T = TypeVar("T")
C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])

_CAN_BE_SUSPENDED = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


class Hidden(Generic[T]):
    """Holds a value that its repr and its attributes do not show."""

    __slots__ = ("_reveal",)

    def __init__(self, value: T) -> None:
        self._reveal: Callable[[], T] = lambda: value

    def reveal(self) -> T:
        """The value. Do not give it a name: a traceback would show it."""
        return self._reveal()

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and self.reveal() == cast("Hidden[object]", other).reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())


def hide_text(value: str | Hidden[str]) -> Hidden[str]:
    """A converter for an attribute that holds a secret text."""
    return value if isinstance(value, Hidden) else Hidden(value)


def hides_arguments(cls: C) -> C:
    """Make every public method of a class, and its `__init__`, forget its arguments when it raises."""
    for name, function in list(vars(cls).items()):
        if isinstance(function, FunctionType) and (name == "__init__" or not name.startswith("_")):
            setattr(cls, name, forgetful(function))
    return cls


def forgetful(function: F) -> F:
    """Make one function, async or not, forget its arguments and its other local variables when it raises."""
    return cast(F, _wrapped(cast(FunctionType, function)))


def _wrapped(function: FunctionType) -> Callable[..., Any]:
    if iscoroutinefunction(function):

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            given = Hidden((args, kwargs))
            del args, kwargs
            try:
                return await function(*given.reveal()[0], **given.reveal()[1])
            except BaseException as error:
                forget_locals(error, function.__code__)
                raise

        return awaited

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        given = Hidden((args, kwargs))
        del args, kwargs
        try:
            return function(*given.reveal()[0], **given.reveal()[1])
        except BaseException as error:
            forget_locals(error, function.__code__)
            raise

    return called


def forget_locals(error: BaseException, callee: CodeType) -> None:
    """Clear the local variables of our own functions in an error's traceback, and in those of what caused it.

    The frame of a coroutine is cleared only if it is the `callee`, which has just ended: clearing a suspended one
    would close it.
    """
    for link in _causes(error):
        for frame in _frames(link.__traceback__):
            is_ours = frame.f_globals.get("__name__", "").partition(".")[0] == "trudy"
            if is_ours and not frame.f_code.co_flags & _CAN_BE_SUSPENDED:
                _clear(frame)
    below = None if error.__traceback__ is None else error.__traceback__.tb_next
    if below is not None and below.tb_frame.f_code is callee:
        _clear(below.tb_frame)


def _clear(frame: FrameType) -> None:
    try:
        frame.clear()
    except RuntimeError:
        return  # it is still running: it called us


def _frames(traceback: TracebackType | None) -> Iterator[FrameType]:
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, and what was being handled; each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            waiting += cast("Sequence[BaseException]", link.exceptions)


def forms(secret: str) -> Sequence[str]:
    """A text as it is, and in the forms in which servers repeat it: in JSON, as Python's repr, quoted for a URL."""
    written = json.dumps(secret)[1:-1]
    return (
        secret,
        written,
        written.replace("/", r"\/"),
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(secret, errors="replace"),
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
    )
