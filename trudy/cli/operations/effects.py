"""What rings, buys or deletes, said in a sentence before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import Final, cast

from trudy.cli.operations.api_command import ApiCommand

_SENTENCES: Final[Mapping[str, str]] = {
    "calls.create": "Call {phone_number} now, with the agent {agent_id}.",
    "calls.create_and_wait": "Call {phone_number} now, with the agent {agent_id}.",
    "batch_calls.schedule": "Start the batch {batch_call_id} {scheduled_at}: it calls all its people.",
    "batch_calls.update": (
        "Let the batch {batch_call_id} start {scheduled_at}: if it is scheduled, it then calls all its people."
    ),
    "batch_calls.resume": "Let the batch {batch_call_id} go on: it calls those who are left.",
    "batch_calls.add_contacts": "Add {contacts} to the batch {batch_call_id}: if it is running, it calls them.",
    "telephony.numbers.purchase": "Buy the number {phone_number}: it costs money.",
}
"""What each operation does that rings or buys. What deletes is known by its verb, or its name."""


def effect(operation: ApiCommand, arguments: Mapping[str, object]) -> str | None:
    """What an operation will do, as a sentence to be confirmed; None where it needs no asking.

    Args:
        operation: which.
        arguments: what it is given; a list for the id of which there may be several.
    """
    if operation.name == "batch_calls.update" and arguments.get("scheduled_at") is None:
        return None
    if operation.name in _SENTENCES:
        shown = {"scheduled_at": "now", **arguments}
        return _SENTENCES[operation.name].format(**{name: _shown(name, value) for name, value in shown.items()})
    if deletes(operation):
        what = operation.summary.rstrip(".").partition(";")[0]
        named = ", ".join(_shown(a.name, arguments[a.name]) for a in operation.arguments if a.is_positional)
        return f"{what}: {named}. This cannot be undone."
    return None


def deletes(operation: ApiCommand) -> bool:
    """Whether something is gone afterwards."""
    return operation.endpoint.startswith("DELETE ") or operation.endpoint.endswith("/bulk-delete")


def _shown(name: str, value: object) -> str:
    if name == "contacts" and isinstance(value, Sized):
        return "1 person" if len(value) == 1 else f"{len(value)} people"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, cast("Sequence[object]", value)))
    return "now" if value is None else f"at {value}" if name == "scheduled_at" and value != "now" else str(value)
