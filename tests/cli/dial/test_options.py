"""The options of a campaign: read, and printed for a person to paste."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import typer

from trudy.cli.dial.options import CampaignArguments, with_campaign
from trudy.cli.groups import single


def arguments(store: str) -> CampaignArguments:
    return CampaignArguments(source=Path("people.csv"), agent="agent-1", store=store)


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


@pytest.mark.parametrize(
    "printed",
    [
        arguments("dial.db"),
        CampaignArguments(
            source=Path("my people.csv"),
            agent="agent-1",
            consent="they signed a form",
            region="US",
            policy=Path("policy.toml"),
            store="leads.db",
            column=["number=Mobile 2", "timezone=Zone"],
            variable=["name=First name"],
            sheet="Sheet 2",
            only_to=Path("few.txt"),
            canary=5,
            rejects=Path("bad.csv"),
        ),
    ],
)
def test_a_printed_command_is_read_as_the_same_options(printed: CampaignArguments) -> None:
    read: list[tuple[CampaignArguments, int]] = []
    app = single()

    @app.command()
    @with_campaign
    def command(context: typer.Context, arguments: CampaignArguments, seed: int = 0) -> None:
        """Keep what was read."""
        read.append((arguments, seed))

    app(shlex.split(printed.command("probe", "--seed", "7"))[3:], standalone_mode=False)
    assert read == [(printed, 7)]
