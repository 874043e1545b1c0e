"""An agent that calls, on the sandbox that commands reach."""

from __future__ import annotations

import pytest

from trudy.sandbox import Sandbox


@pytest.fixture
def agent(sandbox: Sandbox) -> str:
    with sandbox.client() as client:
        return client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet {{name}}.").id
