"""Every documented answer is read whole: no documented member is unknown to its model, and none is lost."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trudy.models
from trudy.models import Contact, ModelError, OpenWord, ResponseMeta, decode

SCHEMAS: dict[str, Any] = json.loads((files("trudy") / "openapi.json").read_text(encoding="utf-8"))["components"][
    "schemas"
]
MODELS = {
    "Deleted": "Deleted",
    "BulkDeleteResult": "BulkDeleteResult",
    "TestCall": "TestCall",
    "WebRTCCall": "WebRTCCall",
    "BatchCall": "BatchCall",
    "BatchStatusChange": "BatchStatusChange",
    "BatchContact": "BatchContact",
    "BatchAddContactsResult": "AddedChunk",
    "BatchAnalytics": "BatchAnalytics",
    "ContactFolder": "ContactFolder",
    "Contact": "Contact",
    "ContactImportResult": "ContactImportResult",
    "Tool": "Tool",
    "KnowledgeBase": "KnowledgeBase",
    "KbSource": "KnowledgeSource",
    "Voice": "Voice",
    "PhoneNumber": "PhoneNumber",
    "AvailableNumber": "AvailableNumber",
    "NumberProvisioned": "ProvisionedNumber",
    "NumberAssignment": "NumberAssignment",
    "AgentNumbers": "AgentNumbers",
    "AgentWebhookUrl": "AgentWebhookUrl",
    "TelephonyCredential": "TelephonyCredential",
    "Agent": "Agent",
    "Call": "Call",
    "Transcript": "Transcript",
    "Recording": "Recording",
}
"""Of each schema of an answer, its model."""
FOLDED = {
    "BatchCall": {"concurrency", "retry_attempts"},
    "Contact": {"phone", "metadata"},
    "ProvisionedNumber": {"number_id"},
    "Agent": {"knowledge_base_ids"},
    "Call": {"to_number", "from_number", "completed_at", "context"},
}
"""Second spellings of a member; they stay in `extra` too."""
MEMBERS_AS_WORDS = {"working_days": [1, 5], "region_information": [{"name": "CA"}], "features": [{"name": "sms"}]}

NUMBERS = {"phone", "phone_number", "number", "to", "to_number", "from", "from_number"}
READ_INTO_ANOTHER_FORM = {"keywords", "transcript"}

schemas = pytest.mark.parametrize("schema", sorted(MODELS))


def resolved(schema: Any) -> Any:
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    return schema["anyOf"][0] if "anyOf" in schema else schema


def sample(schema: Any, name: str = "") -> Any:
    schema = resolved(schema)
    if name in MEMBERS_AS_WORDS:
        return MEMBERS_AS_WORDS[name]
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        members = schema.get("properties", {})
        return {key: sample(member, key) for key, member in members.items()} or {"a": 1}
    if kind == "array":
        return [sample(schema["items"], name)] if "items" in schema else ["a"]
    if kind == "string":
        if name in NUMBERS:
            return "+14155552671"
        is_time = schema.get("format") == "date-time"
        return "2027-01-15T08:00:00Z" if is_time else schema.get("enum", [f"{name}-word"])[0]
    return {"integer": 7, "number": 0.5, "boolean": True}[kind]


def model_for(schema: str) -> Any:
    return getattr(trudy.models, MODELS[schema])


def test_every_answer_has_a_model() -> None:
    named = {name for name in SCHEMAS if name.endswith(("Result", "Change")) or "Request" not in name}
    parts = {"Meta", "ErrorBody", "RateLimitDetails", "PaymentRequiredDetails", "ValidationDetails"} | {
        "ProviderErrorDetails", "BatchContactInput", "ContactImportJson", "ContactImportMultipart", "ToolParameter",
        "ToolDefinition", "CallSettings", "GreetingSettings", "InactivityMessage", "VADSettings", "NumberRef",
        "TranscriptTurn", "WebhookEvent",
    }  # fmt: skip
    assert named - parts - {name for name in SCHEMAS if name.endswith("Pagination")} == MODELS.keys()


@schemas
def test_a_documented_answer_is_read_whole(schema: str) -> None:
    sent = sample(SCHEMAS[schema])
    model = decode(model_for(schema), sent, ResponseMeta(request_id="r-1"))
    unknown = model.extra.keys() - FOLDED.get(MODELS[schema], set())
    assert all(value == sent[name] for name, value in model.extra.items())
    assert unknown == ({"a"} if schema == "BatchAnalytics" else set())
    assert model.meta.request_id == "r-1"


@schemas
def test_a_documented_answer_is_written_as_it_came(schema: str) -> None:
    sent = sample(SCHEMAS[schema])
    written = decode(model_for(schema), sent).to_dict()
    assert json.loads(json.dumps(written)) == written
    kept = sent.keys() - READ_INTO_ANOTHER_FORM
    assert {name: written.get(name) for name in kept} == {name: sent[name] for name in kept}


@schemas
def test_an_answer_of_nulls_is_read(schema: str) -> None:
    required = {"id", "call_id", "callId", "joinUrl", "phone_number", "webhook_url"}
    sent = {
        name: value if name in required else None
        for name, value in sample(SCHEMAS[schema]).items()
        if name in SCHEMAS[schema].get("properties", {})
    }
    model = decode(model_for(schema), sent)
    assert all(
        not word for word in (getattr(model, a.name) for a in type(model).__attrs_attrs__) if isinstance(word, OpenWord)
    )


@schemas
@settings(max_examples=20)
@given(data=st.data())
def test_no_value_breaks_a_model(schema: str, data: st.DataObject) -> None:
    members = sample(SCHEMAS[schema])
    junk = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
    values = {name: data.draw(st.just(value) | junk | st.just({})) for name, value in members.items()}
    try:
        model = decode(model_for(schema), values)
    except ModelError as error:
        assert error.reason  # noqa: PT017
    else:
        json.dumps(model.to_dict())
        assert repr(model)


@schemas
def test_a_model_shows_no_whole_number(schema: str) -> None:
    assert "+14155552671" not in repr(decode(model_for(schema), sample(SCHEMAS[schema])))


@pytest.mark.parametrize(
    ("row", "first", "last", "full"),
    [
        ({"name": "Ada Lovelace King"}, "Ada", "Lovelace King", "Ada Lovelace King"),
        ({"name": "Ada"}, "Ada", None, "Ada"),
        ({"first_name": "Ada", "last_name": "Lovelace"}, "Ada", "Lovelace", "Ada Lovelace"),
        ({"first_name": None, "last_name": "Lovelace"}, None, "Lovelace", "Lovelace"),
        ({"name": "A. Lovelace", "first_name": "Ada", "last_name": None}, "Ada", "Lovelace", "A. Lovelace"),
        ({"name": "", "first_name": None}, None, None, None),
        ({}, None, None, None),
    ],
)
def test_a_name_is_split_and_joined(
    row: dict[str, object], first: str | None, last: str | None, full: str | None
) -> None:
    contact = decode(Contact, {"id": "c1", **row})
    assert (contact.first_name, contact.last_name, contact.full_name) == (first, last, full)


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ({"custom_fields": {"a": 1}}, {"a": 1}),
        ({"metadata": {"a": 1}}, {"a": 1}),
        ({"custom_fields": None, "metadata": {"a": 1}}, {"a": 1}),
        ({"custom_fields": {"a": 1}, "metadata": {"b": 2}}, {"a": 1}),
        ({}, {}),
    ],
)
def test_values_of_ones_own_are_found_under_both_names(row: dict[str, object], fields: dict[str, int]) -> None:
    assert decode(Contact, {"id": "c1", **row}).custom_fields == fields


@pytest.mark.parametrize(
    ("keywords", "read"),
    [("a, b,,c ", ("a", "b", "c")), (["a", "b"], ("a", "b")), (None, ()), ("", ()), ([1], ()), (7, ())],
)
def test_keywords_come_as_text_or_as_a_list(keywords: object, read: tuple[str, ...]) -> None:
    assert decode(Contact, {"id": "c1", "keywords": keywords}).keywords == read


@pytest.mark.parametrize(
    ("model", "word", "known"),
    [
        ("BatchCall", "running", "active"),
        ("BatchCall", "Canceled", "cancelled"),
        ("KnowledgeBase", "indexing", "processing"),
        ("KnowledgeBase", "error", "failed"),
        ("Voice", "ready", "active"),
    ],
)
def test_words_fold(model: str, word: str, known: str) -> None:
    found = decode(getattr(trudy.models, model), {"id": "x", "status": word})
    assert found.status == known
    assert found.status.is_known
    assert found.status_word == found.to_dict()["status"] == word


@pytest.mark.parametrize(
    ("model", "finals"),
    [
        ("BatchStatus", {"completed", "failed", "cancelled"}),
        ("KnowledgeStatus", {"ready", "failed"}),
        ("VoiceStatus", {"active", "failed"}),
    ],
)
def test_which_words_are_final(model: str, finals: set[str]) -> None:
    words = getattr(trudy.models, model)
    assert {word.value for word in words if word.is_final} == finals
    assert not words("some new word").is_final
