"""Members that servers send and no page documents: they are typed, and none is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trudy.models import Agent, BatchCall, Contact, ContactImportResult, ModelError, Tool, decode


def test_the_stats_of_a_batch() -> None:
    batch = decode(BatchCall, {"id": "b", "stats": {"total": 3, "completed": "2"}})
    assert batch.stats == {"total": 3, "completed": "2"}
    assert "stats" not in batch.extra
    assert decode(BatchCall, {"id": "b", "stats": None}).stats == {}


def test_the_flat_form_of_a_tool() -> None:
    parameters = [{"name": "size", "type": "string"}]
    row = {
        "id": "t",
        "endpoint": "https://example.com/x?key=abcdefgh",
        "parameters": parameters,
        "authentication": {"type": "bearer", "token": "hush-hush"},
        "category": "crm",
    }
    tool = decode(Tool, row)
    assert (tool.endpoint, tool.url) == (row["endpoint"], row["endpoint"])
    assert tool.parameters == tuple(parameters)
    assert tool.authentication == row["authentication"]
    assert tool.category == "crm"
    assert "hush" not in repr(tool)
    assert "abcdefgh" not in repr(tool)


def test_a_schema_in_place_of_a_list_of_parameters() -> None:
    schema = {"type": "object", "properties": {}}
    assert decode(Tool, {"id": "t", "parameters": schema}).parameters == (schema,)
    assert decode(Tool, {"id": "t", "parameters": "none"}).extra["parameters"] == "none"


@pytest.mark.parametrize(
    ("sent", "count", "faults"),
    [
        ({"errors": 2, "error_details": [{"row": 1, "phone": "+1", "reason": "bad"}]}, 2, [(1, "+1", "bad")]),
        ({"failed": 1, "errors": [{"row": 3, "phone_number": "1", "error": "bad"}]}, 1, [(3, "1", "bad")]),
        (
            {"errors": ["Row 2: bad", {"index": "4", "message": "worse"}]},
            2,
            [(None, None, "Row 2: bad"), (4, None, "worse")],
        ),
        ({"errors": []}, 0, []),
        ({"errors": None}, None, []),
    ],
)
def test_the_faults_of_an_import(sent: object, count: int | None, faults: list[object]) -> None:
    result = decode(ContactImportResult, sent)
    assert result.errors == count
    assert [(fault.row, fault.phone, fault.reason) for fault in result.error_details] == faults


def test_from_dict_and_to_json() -> None:
    row = {"id": "a", "name": "Zoë", "status": "active", "created_at": "2026-03-01T10:00:00.5", "new": [1]}
    agent = Agent.from_dict(row)
    assert agent.extra == {"new": [1]}
    assert Agent.from_dict(agent.to_dict()) == agent
    assert json.loads(agent.to_json()) == agent.to_dict()
    assert "Zoë" in agent.to_json(indent=2)
    with pytest.raises(ModelError):
        Contact.from_dict({"name": "nobody"})


@pytest.mark.parametrize("value", [None, [], 5, "x", [("id", "a1")]])
def test_from_dict_of_what_is_no_object(value: Any) -> None:
    with pytest.raises(ModelError, match="is no object"):
        Agent.from_dict(value)
