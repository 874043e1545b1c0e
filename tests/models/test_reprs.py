"""What is printed of a model, in an answer or a request, shows no whole number and no key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

import trudy.models as models
from trudy.models import Model, decode
from trudy.models._fields import wire_of

NUMBER = "+14155550123"
SECRET = "sk_live_abcdefghijklmnopqrstuvwxyz012345"
WORDS = f"call {NUMBER} with Bearer {SECRET}"
NAMES = {"id", "call_id", "name", "status"}
"""What stands in a repr as the server chose it: ids and names."""

MODELS = [
    cls
    for name in models.__all__
    if isinstance(cls := getattr(models, name), type) and issubclass(cls, Model) and attrs.has(cls)
]


def free_texts(model: Any) -> Mapping[str, str]:
    """A number and a key in each member that holds a number or free text."""
    kinds = ("phone", "number", "to", "from", "text", "prompt", "message", "greeting", "summary", "reason", "content")
    names = [wire_of(a).names[0] for a in attrs.fields(model)]
    return {n: NUMBER if "number" in n or n in ("to", "from", "phone") else WORDS for n in names if n.endswith(kinds)}


@pytest.mark.parametrize("model", MODELS, ids=lambda cls: cls.__name__)
def test_numbers_and_keys_are_masked(model: Any) -> None:
    row = {"id": "x", "callId": "x", "phone_number": NUMBER, "webhook_url": "https://x", "joinUrl": "wss://x/secret"}
    made = decode(
        model, {**row, **free_texts(model), "new": WORDS, "deep": {"phone": NUMBER, "key": f"Bearer {SECRET}"}}
    )
    assert NUMBER not in repr(made)
    assert SECRET not in repr(made)


def test_objects_of_requests_too() -> None:
    made: list[object] = [
        models.GreetingSettings(text=WORDS, prompt=WORDS, fallback_text=WORDS, fallback_prompt=WORDS),
        models.InactivityMessage(message=WORDS),
        models.CallSettings(greeting=WORDS),
        models.BatchContactInput(phone_number=NUMBER, custom_fields={"other": NUMBER}),
        models.HttpTool(
            url=f"https://example.test/?key={SECRET}",
            parameters=[models.ToolParameter(name="k", value=SECRET)],
            security={"key": SECRET},
        ),
    ]
    for each in made:
        assert NUMBER not in repr(each), each
        assert SECRET not in repr(each), each
    assert "NOT_GIVEN" in repr(models.CallSettings())
