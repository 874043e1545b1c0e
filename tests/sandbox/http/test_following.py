"""Clients of a served sandbox that runs faster than the machine follow its clock."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from trudy import ConfigurationError, TrudyClient
from trudy.clock import SANDBOX_CLOCK, SharedClock, SystemClock
from trudy.sandbox import Sandbox

SCRIPT = """
import trudy
with trudy.TrudyClient() as client:
    call = client.calls.create_and_wait(agent_id=client.agents.list().data[0].id, phone_number="+14155550192")
    print(call.status)
    for _ in range(30):
        client.agents.list(limit=1)
"""


@pytest.mark.parametrize("speed", [60, 600])
def test_a_call_whose_answer_was_lost_is_found(speed: float) -> None:
    sandbox = Sandbox(speed=speed, rate_limit=None)
    with sandbox.serve() as server, server.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        call = client.calls.create(agent_id=agent.id, phone_number="+14155550192")
    assert [placed.id for placed in sandbox.placed_calls] == [call.id]


def test_another_process_follows_by_the_environment() -> None:
    sandbox = Sandbox(speed=600, rate_limit=20)
    with sandbox.client() as client:
        client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
    with sandbox.serve() as server:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, **server.environment},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("completed\n", "")
    assert len(sandbox.placed_calls) == 1
    # Told in real seconds of a window that lasts a tenth of one, it would come back far too early, again and again.
    assert sum(window.refused for window in sandbox.requests_per_window()) <= 5


@pytest.mark.parametrize(("speed", "is_there"), [(0, False), (1, False), (60, True), (0.5, True)])
def test_the_environment_tells_of_a_clock_that_is_not_the_machines(speed: float, is_there: bool) -> None:
    sandbox = Sandbox(speed=speed)
    with sandbox.serve() as server:
        environment = server.environment
    assert (SANDBOX_CLOCK in environment) is is_there
    if is_there:
        shared = SharedClock.parse(environment[SANDBOX_CLOCK])
        assert shared.time() == pytest.approx(sandbox.clock.time(), abs=60)


def test_the_environment_has_the_clock_after_an_advance() -> None:
    sandbox = Sandbox(speed=60)
    sandbox.advance(hours=5)
    assert sandbox.clock.shared().time() == pytest.approx(sandbox.clock.time(), abs=60)


def test_a_client_of_another_address_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SANDBOX_CLOCK, "nonsense")
    monkeypatch.setenv("TRUDY_BASE_URL", "http://127.0.0.1:9/api/public/v1")
    with pytest.raises(ConfigurationError, match=SANDBOX_CLOCK):
        TrudyClient("k")
    TrudyClient("k", base_url="http://127.0.0.1:9/api/public/v1").close()
    TrudyClient("k", clock=SystemClock()).close()
    monkeypatch.delenv("TRUDY_BASE_URL")
    TrudyClient("k").close()
