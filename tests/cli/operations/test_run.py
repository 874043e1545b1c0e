"""Operations run from a command line, against a served sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import Ran, trudy
from trudy import TrudyClient
from trudy.sandbox import Sandbox


def ok(*arguments: str, **how: object) -> Ran:
    ran = trudy(*arguments, **how)  # type: ignore[arg-type]
    assert ran.code == 0, ran.err
    return ran


@pytest.fixture
def agent(sandbox: Sandbox) -> str:
    """The id of an agent that can call."""
    made = ok(
        *("agents", "create", "--name", "Ada", "--voice-id", sandbox.voices[0].id, "--system-prompt", "Be kind."), "-q"
    )
    return made.out.strip()


def call(agent: str, number: str = "+14155550100") -> str:
    return ok("calls", "create", "--agent-id", agent, "--phone-number", number, "--yes", "-q").out.strip()


def test_an_object_is_json_off_a_terminal_and_lines_on_one(agent: str) -> None:
    got = json.loads(ok("agents", "get", agent).out)
    assert (got["id"], got["name"]) == (agent, "Ada")
    shown = ok("agents", "get", agent, terminal=True).lines
    assert shown[0].split() == ["id", agent]
    assert ["name", "Ada"] in [line.split() for line in shown]


def test_a_list_is_a_line_an_object_or_a_table(sandbox: Sandbox, agent: str) -> None:
    calls = [call(agent), call(agent, "+14155550101")]
    assert {json.loads(line)["id"] for line in ok("calls", "list").lines} == set(calls)
    assert set(ok("calls", "list", "-q").lines) == set(calls)
    table = ok("calls", "list", terminal=True, width=120).lines
    assert table[0].split() == ["id", "status", "phone", "number", "duration", "created"]
    assert {line.split()[0] for line in table[1:]} == set(calls)
    assert json.loads(
        ok("calls", "list", "--limit", "1", "--columns", "id,status", "--json", terminal=True).out
    ).keys() == {
        "id",
        "status",
    }


def test_global_options_stand_before_the_command_too(agent: str) -> None:
    assert ok("-q", "agents", "list").lines == [agent]
    assert ok("--columns", "name", "agents", "--json", "list").lines == ['{"name": "Ada"}']


def test_members_of_objects_and_lists(agent: str, tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("Be brief.")
    ok(
        *("agents", "update", agent, "--system-prompt", f"@{tmp_path}/prompt.txt", "--max-duration", "10m"),
        *(
            "--greeting-settings",
            '{"text": "Hi", "first_speaker": "user"}',
            "--greeting-settings.first-speaker",
            "agent",
        ),
        *("--no-recording-enabled", "--inactivity-messages", '{"duration": "30s", "message": "Still there?"}'),
    )
    with TrudyClient() as client:
        got = client.agents.get(agent)
    assert (got.system_prompt, got.max_duration, got.recording_enabled) == ("Be brief.", "600s", False)
    assert got.greeting_settings is not None
    assert (got.greeting_settings.text, got.greeting_settings.first_speaker) == ("Hi", "agent")
    ok("agents", "update", agent, "--clear", "inactivity-messages")


def test_a_call_is_asked_for(agent: str) -> None:
    arguments = ("calls", "create", "--agent-id", agent, "--phone-number", "+14155550100")
    refused = trudy(*arguments)
    assert refused.code == 1
    assert refused.err.splitlines() == [
        f"error: not confirmed: Call +14155550100 now, with the agent {agent}.",
        "  There is nobody to ask here; if it is meant, add --yes.",
    ]
    declined = trudy(*arguments, answer="no\n")
    assert declined.code == 1
    assert f"Call +14155550100 now, with the agent {agent}.\nGo on? [y/N] " in declined.err
    assert ok("calls", "list").out == ""
    assert json.loads(ok(*arguments, answer="y\n").out)["status"] == "queued"


def test_ids_pipe_into_other_verbs(sandbox: Sandbox, agent: str) -> None:
    call(agent)
    call(agent, "+14155550101")
    sandbox.advance(minutes=10)
    ids = ok("calls", "list", "--status", "completed", "-q").lines
    assert len(ids) == 2
    both = [json.loads(line) for line in ok("calls", "get", *ids, "--columns", "id,status").lines]
    assert both == [{"id": one, "status": "completed"} for one in ids]
    assert len(ok("calls", "delete", *ids, "--yes").lines) == 2
    assert ok("calls", "list").out == ""


def test_several_objects_that_fit_no_table_follow_each_other(sandbox: Sandbox, agent: str) -> None:
    ids = [call(agent), call(agent, "+14155550101")]
    sandbox.advance(minutes=10)
    shown = ok("calls", "get-transcript", *ids, terminal=True).out.split("\n\n")
    assert [text.split()[:2] for text in shown if text] == [["call_id", one] for one in ids]


def test_of_several_ids_one_that_is_not_there_stops_nothing(sandbox: Sandbox, agent: str) -> None:
    one = call(agent)
    ran = trudy("calls", "get", "none", one, "-q")
    assert (ran.code, ran.lines) == (6, [one])
    assert "error: 404" in ran.err


def test_a_dry_run_shows_the_request_and_never_the_key(sandbox: Sandbox, agent: str) -> None:
    ran = ok(
        "calls", "create", "--agent-id", agent, "--phone-number", "+14155550100", "--variables", "n:=1", "--dry-run"
    )
    shown = json.loads(ran.out)
    assert shown["method"] == "POST"
    assert shown["url"].endswith("/calls")
    assert shown["body"] == {"agent_id": agent, "phone_number": "+14155550100", "variables": {"n": 1}}
    assert sandbox.api_key not in ran.out + ran.err
    ok("calls", "delete", "c1", "c2", "--dry-run")
    assert ok("calls", "list").out == ""


def test_a_dry_run_needs_no_key_and_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRUDY_API_KEY", "TRUEDY_API_KEY", "TRUDY_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for arguments in (("calls", "list"), ("agents", "delete", "a1"), ("batch-calls", "schedule", "b1")):
        assert json.loads(ok(*arguments, "--dry-run").out)["url"].startswith("https://api.truedy.ai/")


def test_a_dry_run_masks_secrets(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setenv("CARRIER_TOKEN", "hunter2")
    ran = ok(
        *("telephony", "numbers", "import", "+14155550100", "--provider-type", "twilio", "--account-sid", "AC1"),
        *("--auth-token", "env:CARRIER_TOKEN", "--dry-run"),
    )
    assert json.loads(ran.out)["body"]["auth_token"] == "***"
    assert "hunter2" not in ran.out + ran.err


def test_files_and_inner_groups(sandbox: Sandbox, agent: str, tmp_path: Path) -> None:
    (tmp_path / "prices.md").write_text("A check-up is 40 dollars.\n")
    base = ok("knowledge-bases", "create", "--name", "Prices", "-q").out.strip()
    ok("knowledge-bases", "sources", "add-document", base, str(tmp_path / "prices.md"))
    assert json.loads(ok("knowledge-bases", "sources", "list", base).out)["name"] == "prices.md"
    gone = trudy("knowledge-bases", "sources", "add-document", base, str(tmp_path / "gone.md"))
    assert gone.code == 1
    assert "gone.md" in gone.err


def test_a_campaign_of_the_server(sandbox: Sandbox, agent: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("phone,first_name\n+14155550100,Sam\n+14155550101,Kim\n")
    batch = ok(
        "batch-calls", "create", "--name", "Spring", "--agent-id", agent, "--working-days", "1,2,3,4,5,6,7", "-q"
    )
    one = batch.out.strip()
    added = ok("batch-calls", "add-contacts", one, f"@{tmp_path}/people.csv", "--yes")
    assert json.loads(added.out)["added_count"] == 2
    assert trudy("batch-calls", "schedule", one).code == 1
    assert json.loads(ok("batch-calls", "schedule", one, "--yes").out)["status"] in ("active", "scheduled")
    assert len(ok("batch-calls", "list-contacts", one, terminal=True, width=120).lines) == 3


def test_following_a_call_is_a_line_a_change(sandbox: Sandbox, agent: str) -> None:
    one = call(agent)
    sandbox.advance(minutes=10)
    assert [json.loads(line)["status"] for line in ok("calls", "watch", one).lines] == ["completed"]
    assert json.loads(ok("calls", "wait", one, "--max-wait", "1m").out)["status"] == "completed"


def test_ctrl_c_ends_a_wait_and_says_that_the_call_goes_on(agent: str) -> None:
    """The interrupt comes once the wait has told the call's state, so that it is under way."""
    code = (
        "import _thread, sys; from trudy.cli.operations import run\n"
        "def teller(shell):\n    return lambda seen: _thread.interrupt_main()\n"
        "run.teller = teller\nfrom trudy.cli.main import main\nsys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "calls", "wait", call(agent)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped; what was sent goes on\n")


def test_numbers_are_bought_by_what_a_search_prints(sandbox: Sandbox, agent: str) -> None:
    (number,) = ok("telephony", "numbers", "search", "--limit", "1", "-q").lines
    assert trudy("telephony", "numbers", "purchase", number).code == 1
    bought = json.loads(ok("telephony", "numbers", "purchase", number, "--yes").out)
    assert bought["phone_number"] == number


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("calls", "list", "--limit", "x"), "--limit"),
        (("calls", "list", "--direction", "sideways"), "'sideways' is not one of 'outbound', 'inbound'"),
        (
            ("telephony", "numbers", "assign", "n1", "--agent-id", "a1"),
            "'--assignment-type'. Choose from: inbound, outbound",
        ),
        (("calls", "list", "--status", "complete"), "status must be one of"),
        (("calls", "list", "--limit", "500"), "trudy calls list --help tells about --limit."),
        (("calls", "create"), "--agent-id"),
        (("calls", "get"), "CALL_ID"),
        (("calls", "lst"), "Did you mean 'list'?"),
        (("calls", "list", "--limt", "1"), "--limit"),
        (("agents", "update", "a1", "--clear", "name", "--name", "x"), "--clear"),
        (("tools", "create", "--name", "x", "--definition", "{"), "--definition"),
    ],
)
def test_wrong_usage_names_the_option_and_sends_nothing(
    sandbox: Sandbox, arguments: tuple[str, ...], says: str
) -> None:
    ran = trudy(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err
    assert len(ran.err.splitlines()) == 2
    assert sandbox.requests == []


def test_help_of_a_group_loads_nothing_of_the_client() -> None:
    code = (
        "import sys; from trudy.cli.main import main; main(['calls', '--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "get-transcript" in done.stdout
    tables = {name for name in done.stderr.split() if name.startswith("trudy.cli.operations.tables.")}
    assert tables == {"trudy.cli.operations.tables.calls", "trudy.cli.operations.tables.options"}
    heavy = {
        "httpx",
        "anyio",
        "asyncio",
        "cattrs",
        "pydantic",
        "rich",
        "trudy.client",
        "trudy.models",
        "trudy.sync",
        "trudy.resources",
    }
    assert not heavy & set(done.stderr.split())
