"""Everything a caller can set: time-outs, the rate limit, and the options every method takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias, TypedDict

from attrs import field, frozen

from trudy._parse import is_finite, is_positive
from trudy.errors import InvalidArgumentError

JSON: TypeAlias = str | int | float | bool | None | Sequence["JSON"] | Mapping[str, "JSON"]
QueryValue: TypeAlias = str | int | float | bool
Lane: TypeAlias = Literal["interactive", "bulk"]
AdmissionLane: TypeAlias = Literal["reconcile", "interactive", "bulk"]
"""What a rate limiter tells apart. In `"reconcile"`, before all others, the client looks for calls of lost answers."""
OnUnknown: TypeAlias = Literal["reconcile", "retry", "raise"]
BeforeSend: TypeAlias = Callable[[], Awaitable[None] | None]

MAX_RETRIES: Final = 2
"""Faults tried again. Most pass within seconds; each further try delays the error and costs a request."""
MAX_RATE_LIMIT_WAIT: Final = 120.0
"""Seconds, two windows: enough to get a place behind a full one. A longer wait would look like a program that hangs."""
RECONCILE_TIMEOUT: Final = 30.0
"""Seconds to look for a call whose answer was lost. Lists show most calls within some seconds; a longer search holds
the caller up, a shorter one leaves more calls unknown."""
MAX_WAIT: Final = 600.0
"""Seconds to wait for the end of a call, or of a knowledge base's sources. Most end within minutes; a longer wait would
look like a program that hangs."""
WINDOW: Final = 60.0
"""Seconds of a rate window: servers count by minutes."""
_SHORTEST_WINDOW, _LONGEST_WINDOW = 0.001, 31 * 86_400.0


class HTTPClient(Protocol):
    """An `httpx.AsyncClient` or `httpx2.AsyncClient`. Only the members that identify one are named here."""

    @property
    def is_closed(self) -> bool: ...

    async def aclose(self) -> None: ...


class NotGiven(Enum):
    """The type of `NOT_GIVEN`; an enum, so that the one member survives copying and pickling."""

    NOT_GIVEN = "NOT_GIVEN"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN
"""Stands for an argument the caller left out; `None` is a value of its own (JSON null)."""


@frozen
class Timeout:
    """How long each phase of one attempt may take, in seconds; `None` means no bound.

    Attributes:
        connect: until the connection stands, TLS included.
        read: between two pieces of the answer (the server may think this long).
        write: between two pieces of the request.
        pool: until a connection of the pool is free.
    """

    connect: float | None = 5.0
    read: float | None = 60.0
    write: float | None = 30.0
    pool: float | None = 60.0

    def __attrs_post_init__(self) -> None:
        for name in ("connect", "read", "write", "pool"):
            value = getattr(self, name)
            if value is not None and not is_positive(value):
                raise InvalidArgumentError(
                    f"timeout.{name} must be a positive number of seconds or None", argument="timeout"
                )

    @classmethod
    def of(cls, value: float | Timeout | None) -> Timeout:
        """A number bounds each phase; `None` bounds none."""
        if isinstance(value, Timeout):
            return value
        return cls(connect=value, read=value, write=value, pool=value)


@frozen
class RateLimit:
    """Pace requests from the start rather than learn the limit from the first 429.

    Attributes:
        limit: requests the server takes in one window.
        window: length of a window in seconds; windows are aligned to the epoch.
        bulk_share: the part of a window that requests in the `bulk` lane may use, 0 to 1.
    """

    limit: int = 100
    window: float = field(default=WINDOW, kw_only=True)
    bulk_share: float = field(default=0.75, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not is_positive(self.limit) or self.limit != int(self.limit):
            raise InvalidArgumentError("rate_limit.limit must be a whole number, at least 1", argument="rate_limit")
        if not is_finite(self.window) or not _SHORTEST_WINDOW <= self.window <= _LONGEST_WINDOW:
            raise InvalidArgumentError(
                "rate_limit.window must be a positive number of seconds, from 0.001 to 31 days", argument="rate_limit"
            )
        if not is_positive(self.bulk_share) or self.bulk_share > 1:
            raise InvalidArgumentError("rate_limit.bulk_share must be above 0 and at most 1", argument="rate_limit")

    @classmethod
    def of(cls, value: RateLimit | int | None | Literal[False]) -> RateLimit | None | Literal[False]:
        """A number is a limit for one minute; `None` (learn) and `False` (off) stay."""
        if value is None or value is False or isinstance(value, RateLimit):
            return value
        return cls(value)


class RequestOptions(TypedDict, total=False):
    """Options that every method takes, and `with_options`.

    Attributes:
        timeout: seconds for each phase of one attempt, or a `Timeout`.
        max_retries: how often a fault is tried again (2).
        deadline: seconds for the whole operation, waits and retries included; `None` for no bound.
        max_rate_limit_wait: the longest wait for a rate window, in seconds (120).
        lane: `"interactive"` (default) goes before `"bulk"` when the rate limit makes requests wait.
        before_send: called, or awaited, each time before a request leaves: after it was admitted by the rate limiter,
            and before it counts as an attempt. What it raises reaches the caller as it is; then nothing is sent,
            nothing is tried again, and the place in the rate window is given back. It returns nothing or an awaitable.
        extra_headers: headers to add; they win over the client's `default_headers`.
        extra_query: query parameters to add.
        extra_body: members to add to a JSON body; a request without a body is left alone.
    """

    timeout: float | Timeout
    max_retries: int
    deadline: float | None
    max_rate_limit_wait: float
    lane: Lane
    before_send: BeforeSend | None
    extra_headers: Mapping[str, str]
    extra_query: Mapping[str, QueryValue]
    extra_body: Mapping[str, JSON]
