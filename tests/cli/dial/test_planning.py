"""The commands that are printed for a person to paste."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from trudy.cli.dial.planning import CampaignArguments


def arguments(store: str) -> CampaignArguments:
    return CampaignArguments(source=Path("people.csv"), agent="agent-1", consent=None, store=store)


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("dial.db", []),
        ("my leads.db", ["--store", "my leads.db"]),
        ("postgresql://app@db.internal/leads", ["--store", "postgresql://app@db.internal/leads"]),
        ("postgresql://app:s3cret@db.internal/leads", ["--store", "postgresql://app:***@db.internal/leads"]),
        ("postgresql://app:s3:c@ret@db.internal/leads", ["--store", "postgresql://app:***@db.internal/leads"]),
    ],
)
def test_a_store_is_named_without_its_password(store: str, shown: list[str]) -> None:
    words = shlex.split(arguments(store).command("run"))
    assert words == ["trudy", "dial", "run", "people.csv", "--agent", "agent-1", *shown]
