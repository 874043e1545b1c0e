"""What `trudy dial rehearse` is told of how calls end, and its result as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import asdict, fields

from trudy._checks import one_of
from trudy.dialer.rehearsal import USUAL, Mix
from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.dialer.rehearsal import IdlePeriod, Rehearsal


def mix_of(text: str | None) -> Mix:
    """Shares as `answered=0.4,busy=0.1`; a guess where none are given.

    Raises:
        InvalidArgumentError: a name or a share is bad.
    """
    if text is None:
        return USUAL
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = (each.strip() for each in part.partition("="))
        one_of(name, [each.name for each in fields(Mix)], "--mix")
        try:
            shares[name] = float(share)
        except ValueError:
            raise InvalidArgumentError(f"--mix: {name} must be a number, as in {name}=0.3", argument="mix") from None
    return Mix(**shares)


def rehearsal_dict(found: Rehearsal) -> dict[str, object]:
    """A rehearsal as JSON takes it; it holds no number."""
    statistics = found.statistics
    return {
        "campaign_id": found.campaign,
        "hash": found.plan_hash,
        "seed": found.seed,
        "mix": asdict(found.mix),
        "state": found.state,
        "reason": found.reason,
        "starts_at": found.starts_at.isoformat(),
        "ends_at": found.ends_at.isoformat(),
        "calls": statistics.calls,
        "contacts": statistics.contacts,
        "reached": statistics.reached,
        "reached_by_attempt": list(statistics.reached_at),
        "outcomes": dict(statistics.outcomes),
        "rows": dict(statistics.rows),
        "calls_by_local_hour": {zone: list(hours) for zone, hours in statistics.by_local_hour.items()},
        "cost": None if found.cost is None else list(found.cost),
        "requests": found.requests,
        "windows": len(found.windows),
        "limit": found.limit,
        "refused": found.refused,
        "full_windows": found.full_windows,
        "full_lines_seconds": found.full_lines,
        "waits": [_wait_dict(wait) for wait in found.waits],
    }


def _wait_dict(wait: IdlePeriod) -> dict[str, object]:
    return {"start": wait.start.isoformat(), "end": wait.end.isoformat(), "reason": wait.reason, "rows": wait.rows}
