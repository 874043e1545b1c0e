from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from trudy.sandbox.__main__ import main


@pytest.fixture
def start() -> Iterator[Any]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], str, str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "trudy.sandbox", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(6)]
        url, key = (re.split(r"\s{2,}", line.strip())[1] for line in lines[:2])
        return process, url, key

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_it_prints_where_and_with_which_key_and_serves(start: Any) -> None:
    process, url, key = start("--rate-limit", "2", "--speed", "0")
    assert url.startswith("http://127.0.0.1:")
    assert key.startswith("truedy_sandbox_")
    headers = {"Authorization": f"Bearer {key}"}
    assert [httpx.get(url + "/agents", headers=headers).status_code for _ in range(3)] == [200, 200, 429]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_other_hosts_are_warned_about(start: Any) -> None:
    process, url, key = start("--host", "0.0.0.0", "--rate-limit", "0")
    address = url.replace("0.0.0.0", "127.0.0.1")
    assert httpx.get(address + "/agents", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert err.startswith("warning: 0.0.0.0 can be reached from other machines")


def test_a_taken_port_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from trudy.sandbox import Sandbox

    with Sandbox().serve() as server:
        assert main(["--port", str(server.port)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"cannot listen on 127.0.0.1 port {server.port}: ")
    assert "in use" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value"), [("--speed", "-1"), ("--rate-limit", "-1"), ("--window", "0"), ("--quirk", "x")]
)
def test_nonsense_is_a_usage_error(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--port", "0", option, value])
    assert exit_.value.code == 2
    assert "usage: python -m trudy.sandbox" in capsys.readouterr().err


def test_a_port_out_of_range_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "70000"]) == 1
    assert capsys.readouterr().err.startswith("cannot listen on 127.0.0.1 port 70000: ")


def test_faults_come_from_a_file(start: Any, tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text('[[fault]]\npath = "/agents"\nnth = 2\nstatus = 503\n')
    _, url, key = start("--faults", str(tmp_path / "faults.toml"))
    headers = {"Authorization": f"Bearer {key}"}
    assert [httpx.get(url + "/agents", headers=headers).status_code for _ in range(3)] == [200, 503, 200]


def test_a_fault_file_that_is_none_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "faults.toml").write_text("[[fault]]\nstatis = 503\n")
    with pytest.raises(SystemExit) as exit_:
        main(["--port", "0", "--faults", str(tmp_path / "faults.toml")])
    assert exit_.value.code == 2
    assert "faults.toml: fault 1: there is no 'statis'" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["nowhere", "http://[::1"])
def test_a_webhook_that_is_no_url_is_a_usage_error(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", "0", "--webhook", url])
    assert "http://" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "status"), [((), 404), (("--experimental",), 200)])
def test_what_pages_only_name_is_there_where_asked_for(start: Any, options: tuple[str, ...], status: int) -> None:
    _, url, key = start(*options)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:
        voice = http.get("/voices").json()["data"][0]["id"]
        agent = http.post("/agents", json={"name": "a", "voice_id": voice, "system_prompt": "x"}).json()["data"]["id"]
        batch = http.post("/batch-calls", json={"name": "b", "agent_id": agent}).json()["data"]["id"]
        assert http.get(f"/batch-calls/{batch}/analytics").status_code == status


def exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """The variables of the lines to paste, as a shell reads them."""
    process.send_signal(signal.SIGINT)
    assert process.stdout
    out = process.stdout.read()
    assert process.wait(10) == 0
    script = "\n".join(line for line in out.splitlines() if line.startswith("export ")) + "\nenv"
    shown = subprocess.run(["/bin/sh", "-c", script], env={}, capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in shown.splitlines() if line.startswith("TRUDY_"))
    assert len(found) >= 5
    return found


def test_lines_to_paste_into_a_shell(start: Any) -> None:
    process, url, key = start("--api-key", "truedy_mine", "--webhook-secret", "whsec_mine", "--speed", "60")
    assert key == "truedy_mine"
    assert httpx.get(url + "/agents", headers={"Authorization": "Bearer truedy_mine"}).status_code == 200
    found = exports(process)
    assert (found["TRUDY_BASE_URL"], found["TRUDY_API_KEY"]) == (url, key)
    assert found["TRUDY_WEBHOOK_SECRET"] == "whsec_mine"
    assert found["TRUDY_SANDBOX_CLOCK"].endswith("speed=60.0")


def test_with_a_seed_all_stays_the_same_from_start_to_start(start: Any) -> None:
    def agent_and_exports(*arguments: str) -> tuple[str, list[str]]:
        process, url, key = start(*arguments)
        body = {"name": "a", "voice_id": "5f1c6f0e-3c5b-4d0a-9d57-0a3e8f1b7a01", "system_prompt": "x"}
        made = httpx.post(url + "/agents", json=body, headers={"Authorization": f"Bearer {key}"}).json()["data"]["id"]
        found = exports(process)
        return made, [found[name] for name in sorted(found) if "URL" not in name]

    assert agent_and_exports("--seed", "3") == agent_and_exports("--seed", "3")
    assert agent_and_exports()[0] != agent_and_exports()[0]


@pytest.mark.parametrize("option", ["--api-key", "--webhook-secret"])
def test_a_key_that_no_header_carries_is_a_usage_error(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", "0", option, "two words"])
    assert "ASCII text" in capsys.readouterr().err
