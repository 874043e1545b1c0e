"""Every example runs, and says what it is expected to say."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.docs.blocks import README, ROOT, blocks_of
from trudy.sandbox import Sandbox

EXAMPLES = ROOT / "examples"
NUMBERS = {"answered": "+14155550101", "unanswered": "+14155550111", "refused": "+14155550141"}


def run(name: str, *arguments: str, sandbox: Sandbox | None = None) -> subprocess.CompletedProcess[str]:
    """Run an example as a user would, against a sandbox behind a port."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    if sandbox is None:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    with sandbox.serve() as server:
        env = {**os.environ, "TRUDY_BASE_URL": server.base_url, "TRUDY_API_KEY": sandbox.api_key}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_no_example_is_left_out() -> None:
    """The web apps run in test_web_examples.py, the notebook in test_notebook.py, test_reminders.py by itself."""
    assert {path.name for path in EXAMPLES.iterdir() if path.suffix == ".py"} == {
        "agent_with_tool.py",
        "aiohttp_app.py",
        "campaign.py",
        "fastapi_app.py",
        "main_job.py",
        "quick_start.py",
        "quick_start_async.py",
        "reminders.py",
        "test_reminders.py",
    }


def test_main_job() -> None:
    done = run("main_job.py")
    assert (done.returncode, done.stderr) == (0, "")
    shown = [block.output for block in blocks_of(README) if "examples/main_job.py" in block.source]
    assert shown == [done.stdout]


def test_quick_start() -> None:
    sandbox = Sandbox(speed=60)
    done = run("quick_start.py", sandbox.voices[0].id, NUMBERS["answered"], sandbox=sandbox)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("completed after 24 s\nagent: Hello, this is Ada.")


def test_quick_start_without_credit() -> None:
    sandbox = Sandbox(speed=60)
    sandbox.payment_required = "trial_expired"
    done = run("quick_start.py", sandbox.voices[0].id, NUMBERS["answered"], sandbox=sandbox)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("no call was placed: trial_expired, see https://")


@pytest.mark.parametrize("example", ["quick_start.py", "quick_start_async.py"])
def test_quick_start_without_key(example: str) -> None:
    done = run(example, "VOICE_UUID", NUMBERS["answered"])
    assert done.returncode == 1
    assert "set TRUDY_API_KEY" in done.stderr


def test_quick_start_async() -> None:
    sandbox = Sandbox(speed=60)
    done = run("quick_start_async.py", sandbox.voices[0].id, *NUMBERS.values(), sandbox=sandbox)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{NUMBERS['answered']}: completed",
        f"{NUMBERS['unanswered']}: failed",
        f"{NUMBERS['refused']}: validation_error",
    ]
    sandbox.assert_no_number_dialed_twice()


PEOPLE = """\
phone_number,first_name,doctor
+12125550100,Sam,Lee
+12125550110,Kim,Lee
+12125550160,Lou,Diaz
+12125550130,Max,Diaz
"""


@pytest.fixture
def monday() -> Sandbox:
    """A sandbox in which a week begins, at half past four in the morning in New York, and an hour takes a second."""
    start = datetime(2026, 6, 1, 4, 30, tzinfo=ZoneInfo("America/New_York"))
    return Sandbox(speed=3600, start=start.timestamp())


@pytest.fixture
def agent_id(monday: Sandbox) -> str:
    with monday.client() as client:
        agent = client.agents.create(name="Ada", voice_id=monday.voices[0].id, system_prompt="Be kind to {{doctor}}.")
    return agent.id


def test_campaign(monday: Sandbox, agent_id: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    done = run("campaign.py", agent_id, str(tmp_path / "people.csv"), sandbox=monday)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "4 people, 0 not taken",
        "campaign completed",
        "Sam,completed,24 s",
        "Kim,failed,0 s",
        "Lou,completed,24 s",
        "Max,completed,12 s",
    ]
    hours = [datetime.fromtimestamp(call.created_at, ZoneInfo("America/New_York")) for call in monday.placed_calls]
    assert [moment.hour for moment in hours] == [9] * 6
    assert {call.variables["doctor"] for call in monday.placed_calls} == {"Lee", "Diaz"}


def test_campaign_from_saturday_evening_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, for a client on the sandbox's clock, by which the weekend is as long as it is."""
    new_york = ZoneInfo("America/New_York")
    start = datetime(2026, 6, 6, 20, tzinfo=new_york)
    saturday = Sandbox(speed=40_000, start=start.timestamp(), rate_limit=None)
    client = saturday.client()
    agent = client.agents.create(name="Ada", voice_id=saturday.voices[0].id, system_prompt="Be kind to {{doctor}}.")
    (tmp_path / "people.csv").write_text(PEOPLE)
    monkeypatch.setattr("trudy.TrudyClient", lambda: client)
    example = runpy.run_path(str(EXAMPLES / "campaign.py"))
    assert example["main"](agent.id, str(tmp_path / "people.csv")) == 0
    assert "campaign completed" in capsys.readouterr().out
    # On a busy machine a second may be half a day: then they are placed on a later day than Monday.
    days = [datetime.fromtimestamp(call.created_at, new_york) for call in saturday.placed_calls]
    assert len(days) == 6
    assert all(moment.isoweekday() < 6 and 9 <= moment.hour < 18 for moment in days)
    assert min(days) - start > timedelta(days=1)


def test_campaign_with_a_bad_number(monday: Sandbox, agent_id: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE + "012 345,Pat,Lee\n")
    done = run("campaign.py", agent_id, str(tmp_path / "people.csv"), sandbox=monday)
    assert (done.returncode, done.stderr) == (1, "")
    assert "nobody was called, the server has the first 0 people" in done.stdout
    assert monday.placed_calls == []


def test_agent_with_tool(tmp_path: Path) -> None:
    (tmp_path / "prices.md").write_text("# Prices\n\nA check-up is 40 dollars.\n")
    sandbox = Sandbox(speed=10)
    service = "https://practice.example/appointments"
    done = run("agent_with_tool.py", sandbox.voices[0].id, str(tmp_path / "prices.md"), service, sandbox=sandbox)
    assert (done.returncode, done.stderr) == (0, "")
    *made, link = done.stdout.splitlines()
    assert made == [
        "knowledge base ready, 1 source",
        f"tool free_appointments calls GET {service}",
        "agent Ada is active",
    ]
    sandbox.join_call(link.removeprefix("talk to it at "))
    with sandbox.client() as client:
        (agent,), (tool,) = client.agents.list(), client.tools.list()
    assert agent.tools == (tool.id,)
    assert len(agent.knowledge_bases) == 1
    definition = next(request for request in sandbox.requests if request.path == "/tools").json()["definition"]
    assert [p["name"] for p in definition["dynamicParameters"]] == ["day", "doctor"]
    assert [p["name"] for p in definition["staticParameters"]] == ["source"]
