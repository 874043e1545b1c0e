"""`trudy listen` in a real terminal, from its first line to Ctrl-C."""

from __future__ import annotations

import sys

import pytest

from tests.cli.tmux import window
from tests.webhooks.receivers import wsgi
from trudy.cli.listen.state_files import listen_secret
from trudy.sandbox import Sandbox
from trudy.webhooks import WebhookEvent, WebhookRouter

LISTEN = [sys.executable, "-m", "trudy", "listen", "--since", "1d", "--forward-to"]


@pytest.mark.usefixtures("state")
def test_a_person_sees_events_and_answers_and_ends_it_with_ctrl_c(sandbox: Sandbox) -> None:
    router = WebhookRouter(secret=listen_secret())

    @router.on("call.failed")
    def break_down(event: WebhookEvent) -> None:
        raise ValueError("broken")

    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        call = client.calls.create(agent_id=agent.id, phone_number="+14155550120")
    sandbox.advance(minutes=5)
    with wsgi(router) as url, window([*LISTEN, url], width=120) as terminal:
        terminal.wait_for("try 1 of 5")
        terminal.press("C-c")
        screen = terminal.wait_for("exit=")
    assert "exit=0" in screen
    lines = screen.splitlines()
    assert f"  TRUDY_WEBHOOK_SECRET={listen_secret()}" in lines
    failed = next(line for line in lines if "call.failed" in line)
    assert failed.split()[-4:] == ["evt_2", "call.failed", "busy", call.id]
    assert any("evt_1     -> 204 in " in line for line in lines)
    assert any("evt_2     -> 500 in " in line for line in lines)
    assert any(line.startswith("Stopped after 2 events, with 1 delivery still to make.") for line in lines)
