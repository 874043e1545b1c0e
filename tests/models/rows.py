"""Rows for tests."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st

from trudy.models import (
    Agent,
    Call,
    CallSettings,
    Deleted,
    GreetingSettings,
    NumberRef,
    Pagination,
    Recording,
    Transcript,
    TranscriptTurn,
)
from trudy.models._fields import wire_of

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
LIKELY = st.sampled_from(
    ["ended", "in-progress", "completed", "12", "1.5", "30s", "2026-03-18T10:00:00", "2026-03-18T10:00:00.5Z", "true"]
)
JSON_VALUES = st.recursive(
    SCALARS | LIKELY,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "text", "role", "speaker", "timespan", "start"]) | st.text(), inner)
    ),
    max_leaves=8,
)
MODELS = [
    Agent,
    Call,
    CallSettings,
    Deleted,
    GreetingSettings,
    NumberRef,
    Pagination,
    Recording,
    Transcript,
    TranscriptTurn,
]


def rows(cls: type) -> st.SearchStrategy[dict[str, object]]:
    """Objects that use the model's own names as well as strange ones, with values of any type."""
    names = [name for a in attrs.fields(cls) for name in wire_of(a).names] + ["extra", "meta", "to_dict"]
    return st.dictionaries(st.sampled_from(names) | st.text(), JSON_VALUES, max_size=8)


def row(**members: object) -> dict[str, object]:
    return {"id": "c1", **members}
