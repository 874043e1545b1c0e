"""The account's phone numbers, and the agents each serves: one for incoming calls, one for outbound calls."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from attrs import define, field

from trudy._fictional_numbers import is_geographic
from trudy.sandbox.domain.number_market import PLACES, is_on_sale

if TYPE_CHECKING:
    from trudy.sandbox.world import State

Direction = Literal["inbound", "outbound"]
DIRECTIONS: tuple[Direction, ...] = ("inbound", "outbound")

Row = dict[str, Any]

_FIRST_AREAS = ("628", "332", "872", "737", "206")
_OUTBOUND_AREAS = (
    *_FIRST_AREAS,
    *(area for area in map(str, range(201, 1000)) if is_geographic(area) and area not in {*_FIRST_AREAS, *PLACES}),
)
GIVEN_AT_MOST = 100 * len(_OUTBOUND_AREAS)
"""How many agents can be given a number of their own."""

_logger = logging.getLogger("trudy.sandbox")


@define
class Spares:
    """Numbers for new agents: first those that were given back, then others in a fixed order."""

    _returned: list[str] = field(factory=list[str], repr=False)
    _fresh: Iterator[str] = field(factory=lambda: map(outbound_number, range(GIVEN_AT_MOST)), repr=False)

    def take(self, is_taken: Callable[[str], bool]) -> str | None:
        """A number for which `is_taken` is false; None if there is none left."""
        while self._returned:
            number = self._returned.pop()
            if not is_taken(number):
                return number
        return next((number for number in self._fresh if not is_taken(number)), None)

    def put_back(self, number: str) -> None:
        """Make a number available again."""
        self._returned.append(number)


def id_of(number: str) -> str:
    """The id of a number, the same in every sandbox."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, number))


def new_number(
    state: State,
    number: str,
    *,
    now: float,
    provider_type: str = "sandbox",
    friendly_name: str | None = None,
    credential_id: str | None = None,
) -> Row:
    """Add a number that serves no agent."""
    row: Row = {
        "id": id_of(number),
        "phone_number": number,
        "inbound_agent_id": None,
        "outbound_agent_id": None,
        "is_trudy_managed": credential_id is None,
        "provider_type": provider_type,
        "friendly_name": friendly_name,
        "credential_id": credential_id,
        "created_at": now,
        "updated_at": now,
    }
    state.numbers.put(row["id"], row)
    return row


def assign(state: State, row: Row, direction: Direction, agent_id: str | None, *, now: float) -> Row:
    """Let a number serve that agent, or none, in one direction; returns the changed number."""
    member = f"{direction}_agent_id"
    former: str | None = row[member]
    row = row | {member: agent_id, "updated_at": now}
    state.numbers.put(row["id"], row)
    listed = f"{direction}_phone_numbers"
    if former is not None and (agent := state.agents.get(former)) is not None:
        agent[listed] = [entry for entry in agent[listed] if entry["id"] != row["id"]]
    if agent_id is not None and (agent := state.agents.get(agent_id)) is not None:
        agent[listed] = [*agent[listed], {"id": row["id"], "phone_number": row["phone_number"]}]
    return row


def give_number(state: State, agent: Row, *, now: float) -> None:
    """Give a new agent a number to call from, if one is left."""
    number = state.spare_numbers.take(lambda number: id_of(number) in state.numbers)
    if number is None:
        _logger.warning("All %d numbers are given to agents: a new agent gets none", GIVEN_AT_MOST)
        return
    assign(state, new_number(state, number, now=now), "outbound", agent["id"], now=now)


def take_numbers(state: State, agent_id: str, *, now: float) -> None:
    """Free the numbers of a deleted agent; the one it was given is removed."""
    for row in list(state.numbers):
        served: list[Direction] = [direction for direction in DIRECTIONS if row[f"{direction}_agent_id"] == agent_id]
        for direction in served:
            row = assign(state, row, direction, None, now=now)
        if served and _was_given(row) and not any(row[f"{direction}_agent_id"] for direction in DIRECTIONS):
            release(state, row)


def release(state: State, row: Row) -> None:
    """Remove a number from the account."""
    state.numbers.remove(row["id"])
    if _was_given(row):
        state.spare_numbers.put_back(row["phone_number"])


def _was_given(row: Row) -> bool:
    """Whether the sandbox gave this number to an agent: it was neither bought nor imported."""
    return bool(row["is_trudy_managed"]) and not is_on_sale(row["phone_number"])


def outbound_number(index: int) -> str:
    """The number that the `index`-th agent calls from: fictional, not for sale, and different for each agent."""
    area = _OUTBOUND_AREAS[index // 100 % len(_OUTBOUND_AREAS)]
    return f"+1{area}555{100 + index % 100:04d}"
