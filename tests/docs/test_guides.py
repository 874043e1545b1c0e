"""Each block of the README and the guides runs and prints what the guide shows. A block that no test can run fails."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import httpx
import pytest

from tests.cli.running import trudy
from tests.docs.blocks import GUIDES, README, ROOT, Block, blocks_of, guide
from tests.webhooks.receivers import uvicorn_serving
from trudy.cli.listen.state_files import listen_secret
from trudy.sandbox import Sandbox, SandboxServer
from trudy.testing import make_delivery
from trudy.webhooks import WebhookRouter, asgi_app

SECRET = "whsec_of_the_guides"
FILES = {
    "leads.csv": b"phone,name\n+14155550101,Sam\n+14155550102,Kim\n",
    "people.csv": b"phone_number,first_name\n+14155550101,Sam\n+14155550111,Kim\n",
    "numbers.txt": b"+14155550101\n",
    "prices.md": b"A check-up is 40 dollars.\n",
    "ada.wav": b"RIFF\x24\x00\x00\x00WAVEfmt ",
}
"""What the blocks read."""
IN_A_SESSION = guide("cli")
"""The guide whose shell blocks are typed one after the other: see test_cli_guide.py."""
BLOCKS = [block for path in GUIDES for block in blocks_of(path) if path != IN_A_SESSION or block.language != "sh"]
PYTHON = [block for block in BLOCKS if block.language == "python"]
PYTEST = [block for block in PYTHON if "\ndef test_" in block.source]
SCRIPTS = [block for block in PYTHON if block not in PYTEST]
SETTINGS = [block for block in BLOCKS if block.language == "json"]
SHELL = [block for block in BLOCKS if block.language == "sh"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A sandbox with the placeholders; all clients without other settings use it."""
    sandbox = Sandbox(speed=60, placeholders=True)
    with sandbox.serve() as server:
        monkeypatch.setenv("TRUDY_BASE_URL", server.base_url)
        monkeypatch.setenv("TRUDY_API_KEY", sandbox.api_key)
        yield server


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has kept no state, and no secret in the environment."""
    monkeypatch.setenv("TRUDY_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("TRUDY_WEBHOOK_SECRET", raising=False)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with the files that the guides read."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_python_block(
    block: Block,
    server: SandboxServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRUDY_WEBHOOK_SECRET", SECRET)
    sandbox = server.sandbox
    with server.client(clock=sandbox.clock) as client:
        agent = client.agents.create(name="Ada", voice_id="VOICE_UUID", system_prompt="Be kind.")
        call = client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        sandbox.advance(minutes=5)
        namespace = {"__name__": "guide", "client": client, "agent": agent, "call": call}
        # The blank lines make a traceback point to the guide's own line.
        code = compile("\n" * block.line + block.source, str(block.path), "exec")
        exec(code, namespace)  # noqa: S102  # running the guides is what this test is for
    if block.output is not None:
        assert capsys.readouterr().out == block.output
    if "app" in namespace:
        with uvicorn_serving(namespace["app"]) as url:
            assert deliver(url) == 204
            assert deliver(url, secret="whsec_other") == 401
        assert capsys.readouterr().out == "over: hangup\nnoted: call.ended\n"


def deliver(url: str, secret: str = SECRET) -> int:
    delivery = make_delivery("call.ended", secret=secret)
    return httpx.post(url, content=delivery.body, headers=delivery.headers, trust_env=False).status_code


@pytest.mark.parametrize("block", PYTEST, ids=str)
def test_block_of_tests(block: Block, tmp_path: Path) -> None:
    (tmp_path / "test_block.py").write_text(block.source)
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.usefixtures("files", "server")
@pytest.mark.parametrize("block", SETTINGS, ids=str)
def test_settings_of_a_program_that_starts_trudy(block: Block) -> None:
    """The command that they name begins, and ends in good order as its input ends."""
    [entry] = json.loads(block.source)["mcpServers"].values()
    assert entry["command"] == "trudy"
    done = subprocess.run(
        [sys.executable, "-m", "trudy", *entry["args"]], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_every_block_has_a_way_to_run() -> None:
    run = [*PYTHON, *SETTINGS]
    unknown = [block for block in BLOCKS if block not in run and block.source.strip() not in COMMANDS]
    assert not unknown
    assert len(SHELL) == len(COMMANDS), "a command below is no longer in a guide"


def test_the_readme_leads_to_every_guide() -> None:
    linked = {ROOT / target for target in re.findall(r"\]\(([^)#]+)", README.read_text()) if "://" not in target}
    assert linked >= {*GUIDES} - {README}
    assert all(path.exists() for path in linked)
    assert len(README.read_text().splitlines()) <= 160


def test_output_is_shown_only_below_what_can_print_it() -> None:
    for block in SHELL:
        if block.output is not None:
            assert block.source.strip() == MAIN_JOB


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_shell_block(block: Block, request: pytest.FixtureRequest) -> None:
    check = COMMANDS.get(block.source.strip())
    assert check is not None, f"no test can run {block.source!r}"
    check(block, request)


def set_up_and_run_the_main_job(block: Block, request: pytest.FixtureRequest) -> None:
    """The very command is run in tests/packaging/test_fresh_machine.py; here, the example with what is installed."""
    *_, example = shlex.split(block.source)
    done = subprocess.run([sys.executable, ROOT / example], check=True, capture_output=True, text=True)
    assert done.stdout == block.output


def is_what_ci_runs(block: Block, request: pytest.FixtureRequest) -> None:
    """It cannot run itself; CI runs the same steps in an environment of another name."""
    script = (ROOT / ".ci" / "run").read_text()
    create, *steps = block.source.strip().replace(".venv", ".ci-venv").split(" && ")
    lines = [line.replace("--quiet ", "").replace("--no-compile ", "") for line in script.splitlines()]
    assert create.replace("python3", '"$python"') in lines
    assert [line for line in lines if line in steps] == steps
    assert lines[-1] == steps[-1]


def names_the_package(block: Block, request: pytest.FixtureRequest) -> None:
    """Installing the built wheel is tested in tests/packaging; the name has to be the one it is published under."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert block.source.split() == ["pip", "install", project["name"]]


def logs_to_standard_error(block: Block, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("server")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", block.source],  # noqa: S607  # whichever bash there is
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("completed after 24 s\nagent: ")
    assert "trudy DEBUG" in done.stderr
    assert "POST /calls" in done.stderr
    assert "+1234567890" not in done.stderr
    assert os.environ["TRUDY_API_KEY"] not in done.stderr


def serves_a_sandbox(block: Block, request: pytest.FixtureRequest) -> None:
    command = block.source.replace("--port 8765", "--port 0").split()
    assert command[0] == "python"
    with subprocess.Popen([sys.executable, *command[1:]], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            facts = dict(process.stdout.readline().strip().split("  ", 1) for _ in range(2))
            url, key = facts["base URL"].strip(), facts["API key"].strip()
            with urlopen(Request(f"{url}/agents", headers={"Authorization": f"Bearer {key}"})) as answer:  # noqa: S310
                assert json.load(answer)["data"] == []
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait() == 0


def checks_a_receiver(block: Block, request: pytest.FixtureRequest) -> None:
    *command, url = block.source.split()
    assert command[0] == "python"
    environment = {**os.environ, "TRUDY_WEBHOOK_SECRET": SECRET}
    with uvicorn_serving(asgi_app(WebhookRouter(secret=SECRET))) as receiver:
        own = receiver.split("/webhooks")[0] + url.removeprefix("http://127.0.0.1:8000")
        done = subprocess.run(
            [sys.executable, *command[1:], own], env=environment, check=True, capture_output=True, text=True
        )
    assert done.stdout.endswith("the receiver accepts good deliveries and refuses bad ones\n")


def forwards_events(block: Block, request: pytest.FixtureRequest) -> None:
    server: SandboxServer = request.getfixturevalue("server")
    request.getfixturevalue("state")
    *command, url = block.source.split()
    assert command[0] == "trudy"
    with receiving(listen_secret(), url) as (own, names), server.client() as client:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, own],
            env=os.environ | server.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert any(listen_secret() in line for line in iter(process.stderr.readline, "Ctrl-C ends it.\n"))
            agent = client.agents.create(name="Ada", voice_id="VOICE_UUID", system_prompt="Be kind.")
            client.calls.create(agent_id=agent.id, phone_number="+14155550100")
            told = [json.loads(process.stdout.readline()) for _ in range(8)]
            process.send_signal(signal.SIGINT)
            process.communicate()
    assert process.returncode == 0
    assert names == ["call.started", "call.joined", "call.ended", "call.billed"]
    assert [row["status"] for row in told if row["type"] == "delivery"] == [204] * 4


def sends_made_up_events(block: Block, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("state")
    first, *others = block.source.strip().splitlines()
    url = next(word for word in first.split() if "://" in word)
    with receiving(listen_secret(), url) as (own, names):
        trigger, listed, resent = (trudy(*line.replace(url, own).split()[1:]) for line in (first, *others))
    assert (trigger.code, listed.code, resent.code) == (0, 0, 0)
    assert json.loads(listed.out)["body"]["data"]["call"]["endReason"] == "busy"
    assert names == ["call.ended"], "the router handles no event twice"


@contextmanager
def receiving(secret: str, url: str) -> Iterator[tuple[str, list[str]]]:
    """A receiver at the path of the guide's URL: its own URL, and the names of the events that it handled."""
    names: list[str] = []
    router = WebhookRouter(secret=secret)
    router.on_any(lambda event: names.append(event.name))
    with uvicorn_serving(asgi_app(router)) as receiver:
        yield receiver.split("/webhooks")[0] + url.removeprefix("http://localhost:8000"), names


MAIN_JOB = "python3 -m venv .venv && .venv/bin/pip install -e '.[sandbox]' && .venv/bin/python examples/main_job.py"
COMMANDS: dict[str, Callable[[Block, pytest.FixtureRequest], None]] = {
    MAIN_JOB: set_up_and_run_the_main_job,
    "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/nox -s check": is_what_ci_runs,
    "pip install trudy-python-sdk": names_the_package,
    "TRUDY_LOG=debug python examples/quick_start.py VOICE_UUID +1234567890": logs_to_standard_error,
    "python -m trudy.sandbox --port 8765 --speed 60 --rate-limit 100": serves_a_sandbox,
    "python -m trudy.webhooks check http://127.0.0.1:8000/webhooks/truedy/": checks_a_receiver,
    "trudy listen --forward-to http://localhost:8000/webhooks/truedy/": forwards_events,
    "trudy trigger call.ended --to http://localhost:8000/webhooks/truedy/ --set end_reason=busy\n"
    "trudy events list\n"
    "trudy events resend evt_1": sends_made_up_events,
}
