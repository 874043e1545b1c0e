"""A sandbox that commands reach as they reach Truedy: by the address and the key in the environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from trudy.sandbox import Sandbox


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Served on loopback, with nothing in it but its voices."""
    sandbox = Sandbox(seed=1)
    with sandbox.serve() as server:
        monkeypatch.setenv("TRUDY_BASE_URL", server.base_url)
        monkeypatch.setenv("TRUDY_API_KEY", sandbox.api_key)
        yield sandbox


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the user's state, in which there is nothing yet, and no secret in the environment."""
    folder = tmp_path / "state"
    monkeypatch.setenv("TRUDY_STATE_DIR", str(folder))
    monkeypatch.delenv("TRUDY_WEBHOOK_SECRET", raising=False)
    return folder
