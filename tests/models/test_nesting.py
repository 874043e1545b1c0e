"""Deeply nested answers raise no RecursionError."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

import trudy.models as models
from trudy._parse import MOST_NESTING, is_too_deep
from trudy.models import Model, ModelError, decode

DEEP = (600, 20_000)


def nested(depth: int, kind: type) -> Any:
    value: Any = kind()
    for _ in range(depth):
        value = [value] if kind is list else {"in": value}
    return value


MODELS = [
    cls
    for name in models.__all__
    if isinstance(cls := getattr(models, name), type) and issubclass(cls, Model) and attrs.has(cls)
]


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize("model", MODELS, ids=lambda cls: cls.__name__)
def test_every_member_of_every_model(model: type[Model], kind: type, depth: int) -> None:
    deep = nested(depth, kind)
    fields = [
        a.name
        for a in attrs.fields(model)
        if a.name not in ("id", "phone_number", "webhook_url", "join_url", "call_id")
    ]  # type: ignore[arg-type]
    row = {"id": "x", "callId": "x", "phone_number": "+14155550123", "webhook_url": "https://x", "joinUrl": "wss://x"}
    row |= dict.fromkeys([*fields, "from", "something"], deep)
    one, other = decode(model, row), decode(model, row)
    assert one == other
    assert repr(one)
    assert "nested more than" in one.to_json() or not hasattr(one, "extra")
    assert json.loads(one.to_json()) == one.to_dict()
    assert model.from_dict(row) == one


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize("kind", [list, dict])
def test_a_value_that_is_no_object(kind: type, depth: int) -> None:
    deep = nested(depth, kind)
    if kind is list:
        with pytest.raises(ModelError):
            decode(models.Call, deep)
        assert decode(models.Transcript, deep).turns == ()
    else:
        with pytest.raises(ModelError):
            decode(models.Call, deep)


def test_documented_answers_are_far_from_the_bound() -> None:
    assert not is_too_deep(nested(MOST_NESTING - 1, dict))
    assert is_too_deep(nested(MOST_NESTING, dict))
    row = {"id": "x", "metadata": nested(20, dict)}
    assert decode(models.Call, row).metadata == row["metadata"]


def test_a_wide_value_is_not_a_deep_one() -> None:
    assert not is_too_deep([[{}] * 1_000] * 100)
