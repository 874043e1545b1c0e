"""The numbers one has, and which agent each serves: one agent for calls in, one for calls out."""

from __future__ import annotations

import uuid
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from trudy.sandbox.number_market import PLACES
from trudy.sandbox.outcomes import is_geographic

if TYPE_CHECKING:
    from trudy.sandbox.state import State

Direction = Literal["inbound", "outbound"]
DIRECTIONS: tuple[Direction, ...] = ("inbound", "outbound")

Row = dict[str, Any]

_FIRST_AREAS = ("628", "332", "872", "737", "206")
_OUTBOUND_AREAS = (
    *_FIRST_AREAS,
    *(area for area in map(str, range(201, 1000)) if is_geographic(area) and area not in {*_FIRST_AREAS, *PLACES}),
)


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
    """Put a number on the shelf, serving nobody."""
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


def assign(state: State, row: Row, direction: Direction, agent_id: str | None, *, now: float) -> None:
    """Let a number serve that agent in one direction, or nobody."""
    member = f"{direction}_agent_id"
    former: str | None = row[member]
    row = row | {member: agent_id, "updated_at": now}
    state.numbers.put(row["id"], row)
    listed = f"{direction}_phone_numbers"
    if former is not None and (agent := state.agents.get(former)) is not None:
        agent[listed] = [entry for entry in agent[listed] if entry["id"] != row["id"]]
    if agent_id is not None and (agent := state.agents.get(agent_id)) is not None:
        agent[listed] = [*agent[listed], {"id": row["id"], "phone_number": row["phone_number"]}]


def give_number(state: State, agent: Row, *, now: float) -> None:
    """Give a new agent a number of its own to call from."""
    candidates = map(outbound_number, count(len(state.numbers)))
    number = next(number for number in candidates if id_of(number) not in state.numbers)
    assign(state, new_number(state, number, now=now), "outbound", agent["id"], now=now)


def take_numbers(state: State, agent_id: str, *, now: float) -> None:
    """An agent is gone: its numbers serve nobody."""
    for row in list(state.numbers):
        for direction in DIRECTIONS:
            if row[f"{direction}_agent_id"] == agent_id:
                assign(state, row, direction, None, now=now)
                row = state.numbers.get(row["id"]) or row


def outbound_number(index: int) -> str:
    """The number that the `index`-th agent calls from: fictional, not for sale, distinct for tens of thousands."""
    area = _OUTBOUND_AREAS[index // 100 % len(_OUTBOUND_AREAS)]
    return f"+1{area}555{100 + index % 100:04d}"
