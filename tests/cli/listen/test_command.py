"""`trudy listen` as a process, from its start to Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.running import trudy
from tests.webhooks.receivers import wsgi
from trudy.cli.listen.state_files import listen_secret
from trudy.sandbox import Sandbox
from trudy.webhooks import WebhookRouter


@pytest.fixture
def place(sandbox: Sandbox) -> Iterator[None]:
    """Three calls that are over."""
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        for number in ("+14155550100", "+14155550110", "+14155550120"):
            client.calls.create(agent_id=agent.id, phone_number=number)
        sandbox.advance(minutes=5)
        yield


@contextmanager
def listening(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "trudy", "listen", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def rows(process: subprocess.Popen[str], count: int) -> list[dict[str, object]]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(count)]


@pytest.mark.usefixtures("place", "state")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_events_are_forwarded_and_shown_until_ctrl_c(sandbox: Sandbox, sent: signal.Signals) -> None:
    router, seen = WebhookRouter(secret=listen_secret()), list[str]()
    router.on_any(lambda event: seen.append(event.name))
    with wsgi(router) as url, listening("--since", "1d", "--forward-to", url) as process:
        told = rows(process, 8 + 8)
        process.send_signal(sent)
        out, err = process.communicate()
    assert (process.returncode, out) == (0, "")
    names = [row["event"] for row in told if row["type"] == "event"]
    assert sorted(names) == sorted(seen)
    assert sorted(names) == sorted(
        ["call.started"] * 3 + ["call.failed"] * 2 + ["call.joined", "call.ended", "call.billed"]
    )
    assert [row["status"] for row in told if row["type"] == "delivery"] == [204] * 8
    assert f"TRUDY_WEBHOOK_SECRET={listen_secret()}" in err
    assert "Stopped after 8 events." in err
    assert sandbox.api_key not in err
    assert "+1415" not in json.dumps(told)
    assert trudy("events", "list", "-q").lines == [f"evt_{number}" for number in range(1, 9)]


@pytest.mark.usefixtures("sandbox")
def test_the_secret_is_the_same_from_start_to_start(state: Path) -> None:
    assert trudy("listen", "--print-secret").out == trudy("listen", "--print-secret").out == f"{listen_secret()}\n"
    assert (state / "webhook-secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("place", "state")
def test_ids_alone() -> None:
    with listening("--since", "1d", "-q") as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(8)] == [f"evt_{number}\n" for number in range(1, 9)]


@pytest.mark.usefixtures("place", "state")
def test_one_at_a_time_watches_an_account() -> None:
    with listening("--since", "1d") as process:
        rows(process, 8)
        second = trudy("listen")
        assert second.code == 5
        assert "already watches this account" in second.err


@pytest.mark.usefixtures("sandbox", "state")
def test_a_wrong_key_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUDY_API_KEY", "truedy_wrong")
    ran = trudy("listen")
    assert (ran.code, ran.out) == (7, "")
    assert "truedy_wrong" not in ran.err


@pytest.mark.usefixtures("sandbox", "state")
def test_a_dry_run_shows_the_request() -> None:
    ran = trudy("listen", "--dry-run")
    assert ran.code == 0
    assert json.loads(ran.out)["url"].split("?")[0].endswith("/calls")


@pytest.mark.usefixtures("sandbox", "state")
@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--forward-to", "http://example.test/hooks"], "--remote"),
        (["--forward-to", "http://[::ffff:8.8.8.8]/"], "--remote"),
        (["--forward-to", "hooks"], "http://"),
        (["--event", "call.end"], "did you mean 'call.ended'?"),
        (["--ids", "both"], "--ids"),
        (["--since", "yesterday"], "--since"),
        (["--since", "1d", "--resume"], "exclude each other"),
    ],
)
def test_what_is_refused(arguments: list[str], what: str, sandbox: Sandbox) -> None:
    ran = trudy("listen", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert what in ran.err
    assert sandbox.requests == []


def test_without_a_key(state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRUDY_API_KEY", raising=False)
    monkeypatch.delenv("TRUEDY_API_KEY", raising=False)
    monkeypatch.setenv("TRUDY_CONFIG_DIR", str(tmp_path))
    assert trudy("listen").code == 7
    assert os.environ["TRUDY_STATE_DIR"] == str(state)
