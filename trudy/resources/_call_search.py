"""`calls.find`: searches the list of calls for those that were placed with some arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from trudy import _checks
from trudy._call_matching import REF, SentCall, is_asked_for
from trudy._hidden import forgetful
from trudy._parse import parse_time
from trudy.errors import InvalidArgumentError
from trudy.resources._base import body_of

if TYPE_CHECKING:
    from trudy.models import Call
    from trudy.options import JSON, RequestOptions
    from trudy.pagination import AsyncPager

_MARGIN: Final = timedelta(seconds=1)
"""Some servers exclude the given moment itself, or cut it to seconds: so more is asked for, and compared here."""


def asked_for(
    phone_number: str | None,
    agent_id: str | None,
    from_number: str | None,
    trudy_ref: str | None,
    variables: Mapping[str, JSON] | None,
) -> SentCall:
    """The arguments of a search, checked, as if a call had been placed with them."""
    for name, number in (("phone_number", phone_number), ("from_number", from_number)):
        if number is not None:
            _checks.e164(number, name)
    for name, text in (("agent_id", agent_id), ("trudy_ref", trudy_ref)):
        if text is not None:
            _checks.non_empty(text, name)
    if variables is not None and not isinstance(cast("object", variables), Mapping):
        raise InvalidArgumentError("variables must be a mapping", argument="variables")
    given = body_of(variables={**(variables or {}), **({} if trudy_ref is None else {REF: trudy_ref})})
    if not (phone_number or agent_id or from_number or given["variables"]):
        raise InvalidArgumentError("give something to find a call by", argument="phone_number")
    return SentCall.of({"phone_number": phone_number, "agent_id": agent_id, "from_number": from_number, **given})


@forgetful
async def find_calls(
    list_calls: Callable[..., AsyncPager[Call]],
    asked: SentCall,
    *,
    created_after: datetime | str | None,
    created_before: datetime | str | None,
    limit: int | None,
    options: RequestOptions,
) -> Sequence[Call]:
    """The calls of a list that may be the one asked for, newest first; pages of older ones are not read."""
    if limit is not None:
        _checks.whole(limit, 1, None, "limit")
    first, last = _moment(created_after, "created_after"), _moment(created_before, "created_before")
    pages = list_calls(
        created_after=first and first - _MARGIN, created_before=last and last + _MARGIN, **options
    ).pages()
    after = float("-inf") if first is None else first.timestamp()
    before = float("inf") if last is None else last.timestamp()
    found: list[tuple[float, Call]] = []
    previous = float("inf")
    newest_first = True
    async for page in pages:
        for call in page.data:
            if call.created_at is None:
                continue
            made = call.created_at.timestamp()
            newest_first &= made <= previous
            previous = made
            if after <= made <= before and is_asked_for(asked, call):
                found.append((made, call))
        if newest_first and (previous < after or (limit is not None and len(found) >= limit)):
            break
    found.sort(key=lambda pair: -pair[0])
    return [call for _, call in found[:limit]]


def _moment(value: datetime | str | None, name: str) -> datetime | None:
    text = time_text(value, name)
    found = None if text is None else parse_time(text)
    if text is not None and found is None:
        raise InvalidArgumentError(f"{name} must be an aware datetime, or a time in ISO 8601", argument=name)
    return found


def time_text(value: datetime | str | None, name: str) -> str | None:
    """A time by which the list is filtered, as the API writes it."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(cast("object", value), datetime) or value.tzinfo is None:
        raise InvalidArgumentError(f"{name} must be an aware datetime, such as one in UTC", argument=name)
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
