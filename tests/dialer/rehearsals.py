"""Plans to rehearse."""

from __future__ import annotations

from tests.dialer.conftest import Night
from trudy.dialer import (
    Mix,
    Plan,
    Policy,
)

MIX = Mix(answered=0.35, no_answer=0.4, busy=0.1, voicemail=0.1, opted_out=0.05)
ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles")


def numbers(count: int) -> list[str]:
    """Numbers in three zones."""
    return [f"+1{(212, 312, 415)[index % 3]}55501{index // 3:02d}" for index in range(count)]


async def careful(night: Night, count: int = 30, policy: Policy | None = None, **members: object) -> Plan:
    return await night.plan(numbers(count), policy or Policy(price=0.5), **members)
