"""`trudy dial` in this process, against a sandbox that is served on this machine, on its own fast time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from tests.cli.running import Ran, trudy
from trudy.sandbox import Sandbox

FAST = """
price = 0.25
gap = 0.0
[hours]
anytime = true
[retry]
no_answer = false
busy = false
failed = false
[breaker]
failed_share = 1
"""
"""A policy that may call at any hour, and calls each number once."""


def events_of(ran: Ran) -> Sequence[Mapping[str, Any]]:
    """The JSON lines of standard output."""
    return [json.loads(line) for line in ran.lines]


@define
class Desk:
    """A folder with leads and a policy, and a sandbox with an agent."""

    sandbox: Sandbox
    environment: Mapping[str, str]
    folder: Path
    agent: str

    def leads(self, *endings: int, name: str = "leads.csv") -> str:
        """A file of fictional numbers whose last two digits force an outcome, each of another area."""
        rows = [f"+1{212 + index}55501{ending:02d},P{index}" for index, ending in enumerate(endings)]
        (self.folder / name).write_text("\n".join(["phone,name", *rows]) + "\n")
        return name

    @property
    def options(self) -> Sequence[str]:
        """What `plan`, `rehearse` and `run` of a file always need."""
        return ("--agent", self.agent, "--consent", "web form", "--region", "US", "--policy", "fast.toml")

    def of_a_file(self, verb: str, name: str, *more: str, **terminal: Any) -> Ran:
        return trudy("dial", verb, name, *self.options, *more, **terminal)

    def planned(self, *endings: int) -> str:
        """The id of a campaign of these numbers that nobody was called for yet."""
        plan = json.loads(self.of_a_file("plan", self.leads(*endings)).out)
        return str(plan["id"])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fast.toml").write_text(FAST)
    sandbox = Sandbox(speed=600, rate_limit=None, seed=1)
    with sandbox.serve() as server, server.client() as client:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet {{name}}.")
        yield Desk(sandbox, server.environment, tmp_path, agent.id)
