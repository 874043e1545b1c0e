"""`trudy dial init`, `plan` and `rehearse`: what they show, and what they refuse."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.dial.conftest import Desk
from tests.cli.running import trudy
from trudy.cli.dial.policy_file import read_policy
from trudy.cli.dial.rehearsing import mix_of
from trudy.cli.exit_codes import ExitCode
from trudy.dialer import Policy
from trudy.errors import InvalidArgumentError


def test_init_writes_the_policy_and_never_over_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert trudy("dial", "init").code == 0
    assert read_policy(tmp_path / "policy.toml") == Policy()
    (tmp_path / "policy.toml").write_text("max_live = 3\n")
    refused = trudy("dial", "init")
    assert refused.code == ExitCode.USAGE
    assert "policy.toml is there already" in refused.err
    assert read_policy(tmp_path / "policy.toml").max_live == 3
    assert trudy("dial", "init", "--force").code == 0
    assert read_policy(tmp_path / "policy.toml") == Policy()
    assert trudy("dial", "init", "other.toml", "--dry-run").code == 0
    assert not (tmp_path / "other.toml").exists()


def test_a_plan_is_a_summary_on_a_terminal_and_json_elsewhere(desk: Desk) -> None:
    name = desk.leads(0, 1, 2)
    with (desk.folder / name).open("a") as file:
        file.write("1.41555E+10,Rounded\n")
    told = desk.of_a_file("plan", name, terminal=True)
    assert told.code == 0
    assert "  to call      3" in told.lines
    assert "  rejected     1 (scientific_notation 1)" in told.lines
    plan = json.loads(desk.of_a_file("plan", name).out)
    assert (plan["rows"], plan["to_call"], plan["rejected"]) == (4, 3, 1)
    assert plan["hash"][:12] in told.out
    assert "5550100" not in told.out + told.err + json.dumps(plan)
    assert not desk.sandbox.placed_calls


def test_a_plan_tells_the_commands_that_follow_ready_to_paste(desk: Desk) -> None:
    (desk.folder / "my leads.csv").write_text("Mobile 2,first\n+12125550100,Ada\n")
    options = ("--column", "number=Mobile 2", "--variable", "name=first", "--canary", "2")
    told = desk.of_a_file("plan", "my leads.csv", *options)
    assert told.code == 0, told.err
    plan = json.loads(told.out)
    assert plan["columns"] == {"number": "Mobile 2", "name": "first"}
    rehearse, run = (line.strip() for line in told.err.splitlines() if line.startswith("  trudy dial"))
    assert shlex.split(run) == [
        *("trudy", "dial", "run", "my leads.csv", *desk.options[:4], "--region", "US", "--policy", "fast.toml"),
        *(*options, "--confirm", plan["hash"][:12]),
    ]
    assert trudy(*shlex.split(rehearse)[1:]).code == 0
    assert trudy(*shlex.split(run)[1:]).code == 0
    assert len(desk.sandbox.placed_calls) == 1


REFUSED: Sequence[tuple[tuple[str, ...], str]] = (
    (("--column", "phone"), "--column must be as in --column number='Mobile 2'"),
    (
        ("--column", "mobile=phone"),
        "--column mobile: it says where number, timezone, region, consent, priority are",
    ),
    (("--column", "number=a", "--column", "number=b"), "--column number is given twice"),
    (("--column", "number=nowhere"), "nowhere"),
    (("--variable", "=name"), "--variable must be as in"),
    (("--policy", "none.toml"), "none.toml: No such file"),
    (("--policy", "bad.toml"), "bad.toml: hours.start must be a time of day"),
    (("--region", "USA"), "region must be a country"),
    (("--canary", "0"), "canary"),
    (("--agent", ""), "agent must not be empty"),
    (("--store", ""), "store must not be empty"),
)
"""Options of a plan, and what is said of them."""


def test_what_a_plan_refuses_it_names(desk: Desk) -> None:
    (desk.folder / "bad.toml").write_text("hours.start = 9\n")
    name = desk.leads(0)
    for options, said in REFUSED:
        refused = desk.of_a_file("plan", name, *options)
        assert (refused.code, refused.out) == (ExitCode.USAGE, ""), (options, refused.err)
        assert said in refused.err, options


def test_a_source_that_is_not_there_is_named(desk: Desk) -> None:
    refused = desk.of_a_file("plan", "nobody.csv")
    assert refused.code == ExitCode.USAGE
    assert "nobody.csv" in refused.err


def test_a_rehearsal_rings_nobody_and_writes_its_report(desk: Desk) -> None:
    desk.of_a_file("plan", desk.leads(*range(8)))
    placed = len(desk.sandbox.requests)
    told = desk.of_a_file("rehearse", "leads.csv", "--mix", "answered=1", "--report", "report.html")
    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert (found["state"], found["calls"], found["reached"]) == ("done", 8, 8)
    assert found["outcomes"] == {"answered": 8}
    assert not desk.sandbox.placed_calls
    assert len(desk.sandbox.requests) == placed + 1, "only the agent is read"
    assert "The rehearsal" in (desk.folder / "report.html").read_text()
    shown = desk.of_a_file("rehearse", "leads.csv", "--mix", "answered=1", terminal=True)
    assert "calls        8 to 8 contacts, 8 reached" in shown.out
    page, run = (line.strip() for line in shown.err.splitlines() if line.startswith("  trudy dial"))
    assert page.endswith("--mix answered=1 --report rehearsal.html")
    assert trudy(*shlex.split(page)[1:]).code == 0
    assert "The rehearsal" in (desk.folder / "rehearsal.html").read_text()
    assert trudy(*shlex.split(run)[1:], "--dry-run").code == 0


def test_where_nobody_is_to_be_called_no_command_is_offered(desk: Desk) -> None:
    (desk.folder / "bad.csv").write_text("phone,name\n12,Short\n")
    for verb in ("plan", "rehearse"):
        told = desk.of_a_file(verb, "bad.csv")
        assert told.code == 0
        assert "trudy dial" not in told.err


@pytest.mark.parametrize(
    ("mix", "said"),
    [
        ("answerd=1", "did you mean 'answered'?"),
        ("answered", "answered must be a number, as in answered=0.3"),
        ("answered=0.9,busy=0.9", "the shares are more than 1 together"),
        ("talk_seconds=0", "mix.talk_seconds must be from 1 to 3600"),
    ],
)
def test_a_bad_mix_is_refused(mix: str, said: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        mix_of(mix)
    assert said in caught.value.message


def test_numbers_of_no_known_country_are_told_how_to_be_called(desk: Desk) -> None:
    (desk.folder / "national.csv").write_text("phone,name\n(415) 555-0100,Sam\n")
    command = ("dial", "plan", "national.csv", "--agent", desk.agent, "--consent", "asked")
    told = trudy(*command)
    assert told.code == 0
    assert "are not called: say whose they are with --region US" in told.err
    assert "are not called" not in trudy(*command, "--region", "US").err


def test_a_file_that_is_mended_after_a_rehearsal_is_planned_anew(desk: Desk) -> None:
    name = desk.leads(0, 1)
    first = json.loads(desk.of_a_file("rehearse", name, "--only-to", name).out)["campaign_id"]
    assert "given up" not in desk.of_a_file("plan", name).err
    with (desk.folder / name).open("a") as file:
        file.write("+13035550102,P2\n")
    mended = desk.of_a_file("plan", name)
    assert json.loads(mended.out)["counts"] == {"waiting": 3}
    assert f"plans of these people that nobody ran are given up: {first}" in mended.err
    assert [json.loads(line)["id"] for line in trudy("dial", "status").lines] == [json.loads(mended.out)["id"]]
