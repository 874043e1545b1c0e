"""The two tools that call: `plan_call` says what would happen and gives a hash, `place_call` does it with the hash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from trudy import _checks
from trudy._masking import mask_phone
from trudy.cli.mcp.guard import PLAN_SECONDS, CallGuard, CallRefusedError, ProposedCall
from trudy.cli.mcp.numbers import e164_of
from trudy.errors import APIConnectionError, APIError, ConfigurationError, InvalidArgumentError
from trudy.options import JSON, NOT_GIVEN

if TYPE_CHECKING:
    from trudy import AsyncTrudyClient

PLAN: Final = "plan_call"
PLACE: Final = "place_call"
NOT_ALLOWED: Final = (
    "Calls are not allowed: this server only reads. The person who started it can allow some with"
    " trudy mcp --allow-call --only-to FILE --max-calls N"
)
PLAN_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "agent_id": {"type": "string", "minLength": 1, "description": "The agent that speaks."},
        "phone_number": {"type": "string", "minLength": 1, "description": "Whom to call, such as +14155550123."},
        "from_number": {
            "type": "string",
            "description": "The number to call from, one of the agent's; the server picks if left out.",
        },
        "variables": {"type": "object", "description": "Values for the {{variables}} of the agent's prompt."},
    },
    "required": ["agent_id", "phone_number"],
    "additionalProperties": False,
}
PLACE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"plan_hash": {"type": "string", "minLength": 1, "description": "The hash that plan_call gave."}},
    "required": ["plan_hash"],
    "additionalProperties": False,
}
PLAN_TEXT: Final = (
    "Say what a call would be, without placing it, and get the plan_hash that place_call needs."
    " Show the plan to the user before you place it."
)
PLACE_TEXT: Final = (
    "Place the call of a plan: a person's phone rings, and it cannot be undone. A plan_hash works once."
    " Never repeat it after an error: look with calls_list first."
)
_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z_][\w.]*)\s*\}\}")


async def plan_call(
    client: AsyncTrudyClient, guard: CallGuard, arguments: Mapping[str, object], region: str | None
) -> dict[str, object]:
    """What a call would be. Reads the agent; places nothing.

    Raises:
        CallRefusedError: the number or one more call is not allowed, or the agent cannot call.
        TrudyError: as the client's methods do; a number that is none among them.
    """
    number = e164_of(cast("str", arguments["phone_number"]), region)
    guard.check(number)
    _checks.dialable(number, client.base_url, "phone_number")
    agent = await client.agents.get(cast("str", arguments["agent_id"]))
    lines = agent.outbound_phone_numbers or (await client.telephony.list_agent_numbers(agent.id)).outbound
    if not lines:
        raise CallRefusedError(f"The agent {agent.name or agent.id} has no number to call from.")
    sender = cast("str | None", arguments.get("from_number"))
    if sender is not None:
        sender = e164_of(sender, region)
        if sender not in {line.phone_number for line in lines}:
            raise CallRefusedError(f"from_number {mask_phone(sender)} is no number of this agent.")
    variables = cast("Mapping[str, JSON]", arguments.get("variables") or {})
    call = guard.propose(ProposedCall(agent_id=agent.id, phone_number=number, from_number=sender, variables=variables))
    missing = sorted(set(_VARIABLE.findall(agent.system_prompt or "")) - variables.keys())
    return {
        "plan_hash": call.plan_hash,
        "would": f"Call {number} now, with the agent {agent.name or agent.id}. A person's phone rings.",
        "agent_id": agent.id,
        "phone_number": number,
        "from_number": sender,
        "variables": dict(variables),
        "missing_variables": missing,
        "calls_left": guard.left,
        "valid_for_seconds": int(PLAN_SECONDS),
        "next": "Show this to the user; if they agree, use place_call with the plan_hash.",
    }


async def place_call(client: AsyncTrudyClient, guard: CallGuard, arguments: Mapping[str, object]) -> dict[str, object]:
    """Place the call of a plan.

    Raises:
        CallRefusedError: no such plan, it was carried out, or no more calls are allowed.
        CallOutcomeUnknownError: it may or may not have been placed; its number is not called again.
        TrudyError: as `calls.create` does.
    """
    call = guard.take(cast("str", arguments["plan_hash"]))
    is_known = False
    try:
        placed = await client.calls.create(
            agent_id=call.agent_id,
            phone_number=call.phone_number,
            from_number=call.from_number or NOT_GIVEN,
            variables=call.variables or NOT_GIVEN,
        )
        is_known = True
    except (APIError, InvalidArgumentError, ConfigurationError):
        is_known = True  # no phone has rung
        raise
    except APIConnectionError as error:
        is_known = not error.request_sent
        raise
    finally:
        if not is_known:
            guard.doubt(call.phone_number)
    return {"call": placed.to_dict(), "calls_left": guard.left}
