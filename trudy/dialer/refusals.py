"""What a refused call is about: this contact, or everybody. Pure.

A refusal that would hit every row must not end them one by one. What cannot be told from one answer is told by several:
the same refusal, several times in a row, is no matter of the contacts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from attrs import frozen

from trudy.errors import APIError, ConfigurationError, InvalidArgumentError, TrudyError, ValidationError

About: TypeAlias = Literal["account", "campaign", "contact", "unclear"]
"""Whom a refusal concerns. `account`: nobody can be called, and that is sure after one. `campaign`: nobody of this
campaign, such as where its agent is gone."""

IN_A_ROW: Final = 5
"""Equal refusals in a row that pause a campaign. Fewer would pause for a few bad numbers that stand together; more asks
in vain, and each asking costs a place at the rate limit."""
MOST_REFUSALS: Final = 3
"""Refusals after which a row is done, whatever they are about: else a campaign could pause over one row for ever."""
_ACCOUNT: Final = frozenset((401, 402, 403))
_CONTACT_OR_ALL: Final = frozenset((400, 413, 422, 502))
"""A bad number or variable of the row, or a request that is bad for everybody; 502 where the provider refused."""
_OF_CONTACT: Final = frozenset(("phone_number",))
"""Members of the request that come from the row alone."""
_OF_BOTH: Final = frozenset(("variables",))
"""Members whose values come from the row, and whose names are the same for all. Every other one is the campaign's."""


def is_about(error: TrudyError) -> About:
    """Whom a refusal concerns, as far as it tells."""
    if isinstance(error, ConfigurationError):
        return "account"
    if isinstance(error, InvalidArgumentError):
        return _of_members(error.argument or "")
    if not isinstance(error, APIError):
        return "unclear"
    if error.status_code in _ACCOUNT:
        return "account"
    if error.status_code not in _CONTACT_OR_ALL:
        return "campaign"
    return (
        _of_members(*(each.field for each in error.field_errors)) if isinstance(error, ValidationError) else "unclear"
    )


def _of_members(*members: str) -> About:
    tops = {member.partition(".")[0].partition("[")[0] for member in members} - {""}
    if tops <= _OF_BOTH:
        return "unclear"
    return "contact" if tops <= _OF_CONTACT | _OF_BOTH else "campaign"


def reason_of(error: TrudyError) -> str:
    """A refusal in a few words, for a person: status and code, and which members it is about."""
    status = f"HTTP {error.status_code}: " if isinstance(error, APIError) else ""
    fields = error.field_errors if isinstance(error, ValidationError) else ()
    members = ", ".join(each.field for each in fields)
    return f"{status}{error.code}" + (f" ({members})" if members else "")


@frozen(kw_only=True)
class Told:
    """What the audit of a campaign tells: a call that was placed, refused or not sent, or that the campaign moved."""

    kind: str
    row: int | None
    data: Mapping[str, object]


def alike(last: Iterable[Told], why: str) -> Sequence[int]:
    """The rows of the refusals for one reason, the newest first, since a call was placed or another reason was given,
    or since the campaign was let run; whoever dials it. `last`: the newest first."""
    found: list[int] = []
    for each in last:
        match each.kind, each.data.get("why"):
            case "placed" | "found", _:
                break
            case "campaign", _ if each.data.get("to") == "running":
                break
            case "refused" | "not_sent", str() as said if each.row is not None:
                if said != why:
                    break
                found.append(each.row)
            case _:
                pass  # it says nothing of whom the server refuses
    return found
