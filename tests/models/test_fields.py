"""What all models have in common: copies, equality, `repr`, the names of attributes."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import attrs
import pytest

from tests.models.rows import MODELS, row
from trudy.errors import InvalidArgumentError
from trudy.models import Agent, Call, CallStatus, NumberRef, Recording, ResponseMeta, TranscriptTurn, decode
from trudy.models._fields import OWN, wire_of
from trudy.options import NOT_GIVEN


def test_models_copy_and_pickle() -> None:
    call = decode(
        Call,
        row(status="new", foo={"a": [1]}, transcript=["hi"], call_settings={"greeting": None}),
        ResponseMeta(request_id="r", server_time=datetime(2026, 1, 1, tzinfo=UTC)),
    )
    for twin in (pickle.loads(pickle.dumps(call)), copy.copy(call), copy.deepcopy(call)):  # noqa: S301
        assert twin == call
        assert twin.meta == call.meta
        assert twin.call_settings.max_duration is NOT_GIVEN


def test_meta_stands_outside_equality_and_repr() -> None:
    with_meta = decode(Call, row(), ResponseMeta(request_id="r-77"))
    assert with_meta == decode(Call, row())
    assert hash(with_meta) == hash(decode(Call, row()))
    assert "r-77" not in repr(with_meta)
    assert "meta" not in with_meta.to_dict()


@pytest.mark.parametrize("cls", [*MODELS, ResponseMeta])
def test_models_are_frozen_slotted_and_keyword_only(cls: type) -> None:
    fields = attrs.fields(cls)
    assert all(a.kw_only for a in fields)
    assert "__slots__" in vars(cls)
    found = cls(id="x") if cls in (Agent, Call) else cls()
    assert not hasattr(found, "__dict__")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(found, fields[0].name, None)


@pytest.mark.parametrize("cls", MODELS)
def test_no_model_has_two_attributes_of_one_wire_name(cls: type) -> None:
    names = [wire_of(a).names[0] for a in attrs.fields(cls) if a.name not in OWN]
    assert len(names) == len(set(names))


def test_a_call_made_by_hand() -> None:
    call = Call(id="x", phone_number="+14155550123")
    assert call.to == "+14155550123"
    assert attrs.evolve(call, status=CallStatus.FAILED).to_dict()["status"] == "failed"
    with pytest.raises(InvalidArgumentError):
        Call(id="x", created_at=datetime(2026, 1, 1)).to_dict()  # noqa: DTZ001


def test_repr_shows_no_number_signature_or_prompt() -> None:
    call = decode(
        Call, row(to="+14155550123", **{"from": "+14155550199"}, phone_number="+14155550123", variables={"k": "v77"})
    )
    assert "+1415***0123" in repr(call)
    assert "4155550" not in repr(call)
    assert "v77" not in repr(call)
    for signed in (
        decode(Call, row(recording_url="https://user:pw@media.example.com/1.mp3?sig=x77")),
        decode(Recording, {"call_id": "c", "recording_url": "https://user:pw@media.example.com/1.mp3?sig=x77#x77"}),
    ):
        assert "https://media.example.com/1.mp3?***" in repr(signed)
        assert "x77" not in repr(signed)
        assert "pw" not in repr(signed)
    assert "0123" not in repr(decode(Recording, {"recording_url": "http://[bad/0123"}))
    assert "secret" not in repr(decode(Agent, {"id": "a", "system_prompt": "secret"}))
    assert "5550123" not in repr(TranscriptTurn(text="call me at +1 415 555 0123"))
    assert "5550123" not in repr(NumberRef(phone_number="+14155550123"))
