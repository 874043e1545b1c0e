"""Completion for shells: what the shell asks `trudy` as a word is typed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def completed(line: str) -> list[str]:
    """What bash is offered at the end of this line."""
    words = line.split()
    count = len(words) if line.endswith(" ") else len(words) - 1
    environment = {**os.environ, "_TRUDY_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(count)}
    done = subprocess.run([sys.executable, "-m", "trudy"], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("trudy agen", ["agents"]),
        ("trudy calls get", ["get", "get-transcript", "get-recording"]),
        ("trudy contacts folders ", ["list", "create", "delete"]),
        ("trudy calls list --created-", ["--created-after", "--created-before"]),
        ("trudy calls list --status c", ["created", "completed", "cancelled"]),
        ("trudy calls list --direction ", ["outbound", "inbound"]),
        ("trudy agents update a1 --clear time", ["time-exceeded-message"]),
        ("trudy --pro", ["--profile"]),
    ],
)
def test_words_that_fit(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_each_shell(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trudy", "--show-completion", shell], capture_output=True, text=True, check=True
    )
    assert "_TRUDY_COMPLETE" in done.stdout
    assert "trudy" in done.stdout
