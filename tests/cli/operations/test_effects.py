"""What rings, buys or deletes is asked for; what reads or makes something harmless is not."""

from __future__ import annotations

import pytest

from tests.cli.operations.test_tables import OPERATIONS
from trudy.cli.operations.effects import effect

ASKED = {
    "agents.delete",
    "batch_calls.add_contacts",
    "batch_calls.bulk_delete",
    "batch_calls.delete",
    "batch_calls.resume",
    "batch_calls.schedule",
    "batch_calls.update",
    "calls.bulk_delete",
    "calls.create",
    "calls.create_and_wait",
    "calls.delete",
    "contacts.delete",
    "contacts.folders.delete",
    "knowledge_bases.delete",
    "knowledge_bases.sources.delete",
    "telephony.numbers.delete",
    "telephony.numbers.purchase",
    "tools.delete",
    "voices.delete",
}
HARMLESS = {
    "agents.create",
    "agents.create_test_call",
    "agents.update",
    "batch_calls.create",
    "batch_calls.pause",
    "contacts.create",
    "contacts.folders.create",
    "contacts.import_file",
    "contacts.update",
    "knowledge_bases.create",
    "knowledge_bases.sources.add_document",
    "knowledge_bases.sources.add_web",
    "knowledge_bases.update",
    "telephony.numbers.assign",
    "telephony.numbers.import_",
    "telephony.numbers.search",
    "telephony.numbers.unassign",
    "tools.create",
    "tools.update",
    "voices.clone",
    "voices.import_",
    "voices.update",
    "webrtc.create_call",
}
"""No phone rings, nothing is bought and nothing is gone."""
ARGUMENTS = {
    "phone_number": "+14155550100",
    "agent_id": ["a1"],
    "batch_call_id": ["b1"],
    "contacts": [{"phone_number": "+14155550100"}],
    "kb_id": "k1",
    "ids": ["i1", "i2"],
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_that_changes_something_is_asked_for_or_harmless(name: str) -> None:
    operation = OPERATIONS[name]
    given = {argument.name: ARGUMENTS.get(argument.name, ["x1"]) for argument in operation.arguments}
    sentence = effect(operation, given)
    if name in ASKED:
        assert sentence is not None
        assert sentence.endswith(".")
        assert "{" not in sentence
        assert "[" not in sentence
    else:
        assert sentence is None
        assert name in HARMLESS or operation.endpoint.partition(" ")[0] in ("GET", "")


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        (
            "calls.create",
            {"phone_number": "+14155550100", "agent_id": "a1"},
            "Call +14155550100 now, with the agent a1.",
        ),
        ("batch_calls.schedule", {"batch_call_id": ["b1"]}, "Start the batch b1 now: it calls all its people."),
        (
            "batch_calls.schedule",
            {"batch_call_id": ["b1"], "scheduled_at": "2026-12-01"},
            "Start the batch b1 at 2026-12-01: it calls all its people.",
        ),
        (
            "batch_calls.update",
            {"batch_call_id": ["b1"], "scheduled_at": "2026-12-01"},
            "Let the batch b1 start at 2026-12-01: if it is scheduled, it then calls all its people.",
        ),
        ("batch_calls.update", {"batch_call_id": ["b1"], "scheduled_at": None, "name": "x"}, None),
        ("batch_calls.update", {"batch_call_id": ["b1"], "name": "x"}, None),
        ("telephony.numbers.purchase", {"phone_number": "+1212"}, "Buy the number +1212: it costs money."),
        ("calls.delete", {"call_id": ["c1", "c2"]}, "Delete a call that has ended: c1, c2. This cannot be undone."),
        ("calls.bulk_delete", {"ids": ["c1", "c2"]}, "Delete several calls: c1, c2. This cannot be undone."),
        (
            "contacts.folders.delete",
            {"folder_id": ["f1"]},
            "Delete a folder, and the contacts in it: f1. This cannot be undone.",
        ),
        (
            "batch_calls.add_contacts",
            {"batch_call_id": "b1", "contacts": [1, 2]},
            "Add 2 people to the batch b1: if it is running, it calls them.",
        ),
    ],
)
def test_the_sentence_says_what_will_be_done(name: str, given: dict[str, object], sentence: str | None) -> None:
    assert effect(OPERATIONS[name], given) == sentence
