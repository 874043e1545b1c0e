"""A policy as JSON, for the store and for the hash of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any, cast

from attrs import asdict

from trudy.dialer.policy import Attempts, Breaker, Hours, Policy, RetryAfter


def to_json(policy: Policy) -> dict[str, Any]:
    """The policy as `json.dumps` takes it; equal policies give equal JSON."""
    return cast(dict[str, Any], _plain(asdict(policy)))


def from_json(stored: Mapping[str, Any]) -> Policy:
    """The policy again."""
    members = dict(stored)
    members["hours"] = _hours(members["hours"])
    members["attempts"] = Attempts(**members["attempts"])
    members["breaker"] = Breaker(**members["breaker"])
    members["retry"] = {
        outcome: None if rule is None else RetryAfter(**rule) for outcome, rule in members["retry"].items()
    }
    members["kinds"] = frozenset(members["kinds"])
    if members["countries"] is not None:
        members["countries"] = frozenset(members["countries"])
    return Policy(**members)


def _hours(stored: Mapping[str, Any]) -> Hours:
    members = dict(stored)
    members["start"] = time.fromisoformat(members["start"])
    members["end"] = None if members["end"] is None else time.fromisoformat(members["end"])
    members["days"] = frozenset(members["days"])
    members["by_region"] = {place: _hours(hours) for place, hours in members["by_region"].items()}
    return Hours(**members)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        members = cast(Mapping[str, object], value)
        return {name: _plain(members[name]) for name in sorted(members)}
    if isinstance(value, frozenset):
        return sorted(cast("frozenset[str]", value))
    return value.isoformat() if isinstance(value, time) else value
