"""The guide to the `trudy` command, typed from top to bottom at a terminal: each block prints what the guide shows."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import Block, blocks_of, guide
from tests.docs.terminal_session import WIDTH, outputs
from trudy.sandbox import Sandbox

PEOPLE = "phone_number,first_name\n+14155550100,Sam\n+14155550101,Kim\n"
TRUEDY = "https://api.truedy.ai/api/public/v1"
"""What the guide shows where the sandbox stands in for it."""
BLOCKS = [block for block in blocks_of(guide("cli")) if block.language == "sh"]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[Block, str]:
    """What each block of the guide prints, on a sandbox in which nobody has done anything."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "people.csv").write_text(PEOPLE)
    sandbox = Sandbox(seed=1, speed=60)
    with sandbox.serve() as server:
        environment = {**server.environment, "TRUDY_CONFIG_DIR": str(folder), "TRUDY_STATE_DIR": str(folder)}
        texts = [text.replace(server.base_url, TRUEDY) for text in outputs(BLOCKS, folder, environment)]
    return dict(zip(BLOCKS, texts, strict=True))


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_prints_what_the_guide_shows(block: Block, printed: dict[Block, str]) -> None:
    if block.output is not None:
        assert printed[block] == block.output
    else:
        assert "error:" not in printed[block]


def test_the_guide_fits_the_terminal_it_was_made_on() -> None:
    assert [line for block in BLOCKS if block.output for line in block.output.splitlines() if len(line) > WIDTH] == []


def test_it_shows_the_ten_commands_that_people_need() -> None:
    commands = re.findall(r"\btrudy ([a-z-]+(?: [a-z-]+)?)", guide("cli").read_text())
    wanted = {
        "agents create",
        "calls create",
        "calls list",
        "calls wait",
        "demo",
        "dial plan",
        "dial rehearse",
        "dial report",
        "dial run",
        "doctor",
        "listen",
        "login",
        "sandbox",
        "voices list",
    }
    assert wanted <= {*commands, *(command.split()[0] for command in commands)}
