"""Ids under any of a server's names: one list serves the models and whoever judges the answer to a create."""

from __future__ import annotations

import attrs
import pytest

import trudy.models as models
from trudy._parse import ID_ALIASES, find_id
from trudy.models import ModelError, decode
from trudy.models._fields import wire_of

KINDS = {
    "agent": models.Agent,
    "batch_call": models.BatchCall,
    "call": models.Call,
    "contact": models.Contact,
    "credential": models.TelephonyCredential,
    "folder": models.ContactFolder,
    "knowledge_base": models.KnowledgeBase,
    "number": models.PhoneNumber,
    "source": models.KnowledgeSource,
    "tool": models.Tool,
    "voice": models.Voice,
}
ALIASES = [(kind, name) for kind in KINDS for name in ("id", *ID_ALIASES[kind])]


@pytest.mark.parametrize(("kind", "name"), ALIASES)
def test_an_own_id_is_read_under_each_of_its_names(kind: str, name: str) -> None:
    row = {name: "x1", "something": 1}
    assert decode(KINDS[kind], row).id == "x1"  # type: ignore[attr-defined]
    assert find_id(row, kind) == "x1"


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in ALIASES if n != "id"])
@pytest.mark.parametrize("bad", [None, "", " ", [], {}, True])
def test_what_is_no_id_gives_way_to_another_name(kind: str, name: str, bad: object) -> None:
    row = {"id": bad, name: 7}
    assert decode(KINDS[kind], row).id == "7"  # type: ignore[attr-defined]
    assert find_id(row, kind) == "7"


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_other_objects_are_never_taken_for_its_own(kind: str) -> None:
    row = {name: "x1" for other in KINDS if other != kind for name in ID_ALIASES[other]}
    assert find_id(row, kind) is None
    with pytest.raises(ModelError):
        decode(KINDS[kind], row)


def test_references_have_the_same_names_everywhere() -> None:
    """A member called `agent_id`, in whichever model, is read under all names of an agent's id."""
    of_member = {names[0]: names for names in ID_ALIASES.values()}
    seen = set()
    for name in models.__all__:
        cls = getattr(models, name)
        if isinstance(cls, type) and attrs.has(cls):
            for attribute in attrs.fields(cls):
                if (names := of_member.get(attribute.name)) and name != "WebRTCCall":
                    seen.add(attribute.name)
                    assert set(names) <= set(wire_of(attribute).names), (name, attribute.name)
    assert {"agent_id", "voice_id", "call_id", "contact_id", "folder_id", "kb_id", "number_id"} <= seen
