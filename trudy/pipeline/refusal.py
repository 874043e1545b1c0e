"""What an answer says about the rate limit and about the server's clock. Pure; times are Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from trudy._time import parse_time
from trudy.pipeline.decode import as_mapping, date_header, retry_after, server_time

if TYPE_CHECKING:
    from trudy.request import Response

_DATE_LAG = (-1.5, 3.0)
_FAR = 3600.0


@frozen(kw_only=True)
class Refusal:
    """The facts of a 429; None where the answer does not say.

    Attributes:
        limit: requests in one window.
        reset_at: when a fresh window opens, on the server's clock.
        server_now: the server's clock when it refused.
        retry_after: seconds, as a proxy may send them.
    """

    limit: int | None = None
    reset_at: float | None = None
    server_now: float | None = None
    retry_after: float | None = None


@frozen
class Stamp:
    """The server's clock, cut to multiples of `granularity` seconds."""

    time: float
    granularity: float


def refusal_facts(response: Response) -> Refusal:
    """Read a 429 whose body has any of the forms; `Retry-After` only where it names no reset."""
    details = _details(response)
    reset_at = _moment(details.get("reset_at"))
    stamp = server_time(response)
    return Refusal(
        limit=_whole(details.get("limit")),
        reset_at=reset_at,
        server_now=None if stamp is None else stamp.timestamp(),
        retry_after=None if reset_at is not None else _retry_after(response),
    )


def window_wait(response: Response, now: float) -> float | None:
    """Seconds until the window that a 429 names; None where it names none that can be believed."""
    facts = refusal_facts(response)
    if facts.reset_at is None:
        wait = facts.retry_after
    else:
        stamp = server_stamp(response) if facts.server_now is None else None
        here = facts.server_now or (now if stamp is None else stamp.time)
        wait = facts.reset_at - here
    return wait if wait is not None and 0 < wait <= _FAR else None


def server_stamp(response: Response) -> Stamp | None:
    """When the server answered: `meta.ts`, else `Date`, which wins where the two contradict each other.

    They do on the replay of a keyed create, which may carry the first answer's `meta`.
    """
    date = date_header(response)
    precise = server_time(response)
    if precise is None:
        return None if date is None else Stamp(date.timestamp(), 1.0)
    if date is not None and not _DATE_LAG[0] <= (precise - date).total_seconds() <= _DATE_LAG[1]:
        return Stamp(date.timestamp(), 1.0)
    return Stamp(precise.timestamp(), 0.001 if precise.microsecond else 1.0)


def _details(response: Response) -> Mapping[str, object]:
    """The error's details as they came, in any form of error body: masked as for a person's eyes they may not parse."""
    body = as_mapping(response.json()) or {}
    detail = as_mapping(body.get("detail")) or {}
    for error in (as_mapping(body.get("error")), as_mapping(detail.get("error")), detail, body):
        details = as_mapping((error or {}).get("details"))
        if details:
            return details
    return {}


def _retry_after(response: Response) -> float | None:
    """The header's seconds; its other form, a date, counted from the answer's own `Date`."""
    return retry_after(response, date_header(response) or datetime.now(UTC))


def _moment(value: object) -> float | None:
    moment = parse_time(value) if isinstance(value, str) else None
    return None if moment is None else moment.timestamp()


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
