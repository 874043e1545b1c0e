"""`trudy sandbox` has the options of `python -m trudy.sandbox`, and does the same."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import webbrowser

import attrs
import httpx
import pytest

from tests.cli.running import trudy
from trudy.sandbox import QUIRKS, Sandbox
from trudy.sandbox import command as served
from trudy.sandbox.command import ServeOptions


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[ServeOptions]:
    """The options that the command was started with; nothing is served."""
    seen: list[ServeOptions] = []

    def serve(options: ServeOptions, *, as_json: bool) -> int:
        assert not as_json
        seen.append(options)
        return 0

    monkeypatch.setattr(served, "serve", serve)
    return seen


def test_it_serves_until_ctrl_c() -> None:
    command = [sys.executable, "-m", "trudy", "sandbox", "--port", "0", "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = re.fullmatch(r"base URL  (http://127\.0\.0\.1:[0-9]+/api/public/v1)\n", process.stdout.readline())
        assert first is not None
        assert httpx.get(f"{first[1]}/agents").status_code == 401
        process.send_signal(signal.SIGINT)
        out = process.stdout.read()
        assert process.stderr is not None
        assert (process.wait(20), process.stderr.read()) == (0, "")
    assert "export TRUDY_API_KEY='truedy_sandbox_" in out


def test_defaults_are_those_of_the_table(given: list[ServeOptions]) -> None:
    assert trudy("sandbox").code == 0
    assert given == [ServeOptions()]


def test_each_option_arrives(given: list[ServeOptions]) -> None:
    done = trudy(
        "sandbox",
        *["--port", "0", "--host", "127.0.0.2", "--speed", "60", "--rate-limit", "0", "--window", "5", "--seed", "3"],
        *["--api-key", "k", "--webhook-secret", "s", "--any-number", "--placeholders", "--experimental"],
        *["--faults", "f.toml", "--webhook", "http://a.test", "--webhook", "http://b.test"],
        *["--quirk", "all", "--quirk", "stuck_calls", "--open"],
    )
    assert done.code == 0, done.err
    values = attrs.asdict(given[0])
    assert values["webhook"] == ("http://a.test", "http://b.test")
    assert values["quirk"] == ("all", "stuck_calls")
    left = {name for name, value in attrs.asdict(ServeOptions()).items() if value == values[name]}
    assert left == set()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--speed", "-1"], "speed"),
        (["--port", "x"], "'--port'"),
        (["--quirk", "x"], "unknown quirk x"),
        (["--api-key", "two words"], "ASCII text"),
        (["--webhook", "nowhere"], "http://"),
        (["--faults", "is-not-there.toml"], "is-not-there.toml"),
    ],
)
def test_nonsense_is_told_in_two_lines(arguments: list[str], words: str) -> None:
    done = trudy("sandbox", "--port", "0", *arguments)
    assert done.code == 1
    assert words in done.err
    assert done.err.count("\n") == 2


def test_a_port_that_is_taken_or_none_is_told_in_two_lines() -> None:
    with Sandbox().serve() as server:
        for port in (server.port, 70_000):
            ran = trudy("sandbox", "--port", str(port))
            assert (ran.code, ran.out) == (1, "")
            first, second = ran.err.splitlines()
            assert first.startswith(f"error: cannot listen on 127.0.0.1 port {port}: ")
            assert "--port" in second


def test_the_inspector_opens_in_a_browser(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from threading import Event

    opened: list[str] = []
    has_opened = Event()

    def browser(url: str) -> bool:
        opened.append(url)
        has_opened.set()
        return True

    def until_opened(server: object) -> None:
        assert has_opened.wait(10)

    monkeypatch.setattr(webbrowser, "open", browser)
    monkeypatch.setattr("trudy.sandbox.http.server.SandboxServer.run", until_opened)
    assert trudy("sandbox", "--port", "0", "--open", "--json").code == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["environment"]["TRUDY_BASE_URL"] == facts["base_url"]
    assert [facts["inspector_url"]] == opened
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/_sandbox/#control_[0-9a-f]+", opened[0])


def test_quirks_complete_by_their_beginning() -> None:
    from trudy.cli.sandbox import _completion

    assert _completion(list(QUIRKS))("stuck") == ["stuck_calls"]


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trudy.cli.sandbox", raising=False)
    monkeypatch.setitem(sys.modules, "trudy.sandbox", None)
    done = trudy("sandbox", "--port", "0")
    assert done.code == 2
    assert "pip install 'trudy-python-sdk[sandbox]'" in done.err
