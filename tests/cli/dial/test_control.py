"""`trudy dial`: what the store knows and what is done with it, without a key and without a request."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.dial.conftest import Desk, events_of
from tests.cli.running import trudy
from trudy.cli.exit_codes import ExitCode

NUMBER = "+12125550100"


@pytest.fixture
def campaign(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> str:
    """A campaign that was planned; from then on there is no key, and nothing that answers."""
    campaign = desk.planned(0, 1, 2)
    monkeypatch.delenv("TRUDY_API_KEY")
    monkeypatch.setenv("TRUDY_BASE_URL", "http://127.0.0.1:1")
    return campaign


def test_status_of_one_and_of_all(desk: Desk, campaign: str) -> None:
    assert trudy("dial", "status", "-q").lines == [campaign]
    (listed,) = events_of(trudy("dial", "status"))
    assert (listed["id"], listed["state"], listed["rows"], listed["waiting"]) == (campaign, "planned", 3, 3)
    one = json.loads(trudy("dial", "status", campaign[:8]).out)
    assert (one["id"], one["state"], one["dialed"], one["waiting_for_hours"]) == (campaign, "planned", 0, 0)
    shown = trudy("dial", "status", campaign, terminal=True)
    assert shown.lines[0] == f"planned  campaign {campaign}"
    assert shown.lines[1].endswith(" 0 %, 0 of 3 done")
    assert "  waiting      3" in shown.lines
    assert "rate window" not in shown.out
    assert one["rate_window"] is None
    assert campaign in trudy("dial", "status", terminal=True, width=120).out


def test_a_campaign_is_named_by_its_beginning_or_not_at_all_where_it_is_the_only_one(
    desk: Desk, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trudy("dial", "pause").code == 0
    assert json.loads(trudy("dial", "status", campaign).out)["state"] == "paused"
    unknown = trudy("dial", "pause", "nobody")
    assert (unknown.code, unknown.out) == (ExitCode.USAGE, "")
    assert "there is no campaign of this id" in unknown.err
    monkeypatch.undo()
    monkeypatch.chdir(desk.folder)
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    other = desk.planned(3)
    assert other != campaign
    several = trudy("dial", "pause")
    assert several.code == ExitCode.USAGE
    assert "there are 2 campaigns" in several.err
    assert trudy("dial", "pause", other).code == 0


def test_pause_resume_and_stop(campaign: str) -> None:
    assert trudy("dial", "stop", "--dry-run").code == 0
    assert trudy("dial", "pause", "--reason", "lunch").code == 0
    one = json.loads(trudy("dial", "status", campaign).out)
    assert (one["state"], one["reason"]) == ("paused", "lunch")
    shown = trudy("dial", "status", campaign, terminal=True).lines
    assert (shown[0], shown[2]) == (f"paused   campaign {campaign}", "  reason       lunch")
    assert trudy("dial", "resume").code == 0
    assert json.loads(trudy("dial", "status", campaign).out)["state"] == "running"
    stopped = trudy("dial", "stop")
    assert stopped.code == 0
    assert "0 calls still talk" in stopped.err
    again = trudy("dial", "resume")
    assert again.code == ExitCode.USAGE
    assert "it is stopped" in again.err


def test_why_tells_the_history_with_the_number_masked(campaign: str) -> None:
    found = json.loads(trudy("dial", "why", NUMBER).out)
    assert found["number"] == "+1212***0100"
    assert campaign in found["history"][0]
    assert json.loads(trudy("dial", "why", "212 555 0100", "--region", "US", "--show-numbers").out)["number"] == NUMBER
    told = trudy("dial", "why", NUMBER, terminal=True).lines
    assert told[0] == "+1212***0100 (times are UTC)"
    assert max(map(len, told)) <= 80
    nobody = trudy("dial", "why", "+12125550199", terminal=True)
    assert (nobody.code, nobody.err) == (0, "nothing is known of +1212***0199\n")
    bad = trudy("dial", "why", "212 555 0100")
    assert bad.code == ExitCode.USAGE
    assert "555 01" not in bad.err


def test_the_do_not_call_list(campaign: str) -> None:
    Path("stop.csv").write_text("phone\n+12135550101\n")
    assert trudy("dial", "dnc", "add", NUMBER, "--dry-run").code == 0
    assert json.loads(trudy("dial", "status", campaign).out)["rows"] == {"waiting": 3}
    assert "1 new" in trudy("dial", "dnc", "add", NUMBER).err
    assert "0 new" in trudy("dial", "dnc", "add", NUMBER).err
    assert "1 new" in trudy("dial", "dnc", "import", "stop.csv").err
    assert json.loads(trudy("dial", "status", campaign).out)["rows"] == {"suppressed": 2, "waiting": 1}
    assert "on the do-not-call list" in trudy("dial", "why", NUMBER).out
    refused = trudy("dial", "dnc", "remove", NUMBER)
    assert refused.code == ExitCode.USAGE
    assert "5550100" not in refused.err
    assert "may be called again" in trudy("dial", "dnc", "remove", NUMBER, "--yes").err
    assert "was not on the list" in trudy("dial", "dnc", "remove", NUMBER, "--yes").err
    missing = trudy("dial", "dnc", "import", "stop.csv", "--column", "mobile")
    assert missing.code == ExitCode.USAGE
    assert "mobile" in missing.err


def test_the_do_not_call_list_may_come_before_any_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "1 new" in trudy("dial", "dnc", "add", NUMBER).err


def test_results_and_attempts_are_exported_whole_and_the_report_masked(campaign: str) -> None:
    assert "3 rows are in results.csv" in trudy("dial", "export").err
    with Path("results.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["phone"] == NUMBER
    assert trudy("dial", "export", "--to", "attempts.jsonl", "--rows", "attempts").code == 0
    assert Path("attempts.jsonl").read_text() == ""
    for bad in (("--to", "results.pdf"), ("--rows", "calls")):
        assert trudy("dial", "export", *bad).code == ExitCode.USAGE
    assert trudy("dial", "report", "--to", "page.html").code == 0
    assert "5550100" not in Path("page.html").read_text()


def test_forget_asks_and_deletes(campaign: str) -> None:
    refused = trudy("dial", "forget", NUMBER, answer="n\n")
    assert refused.code == ExitCode.USAGE
    assert "+1212***0100" in refused.err
    assert trudy("dial", "forget", NUMBER, "--dry-run").code == 0
    assert json.loads(trudy("dial", "why", NUMBER).out)["history"]
    assert "1 rows are forgotten" in trudy("dial", "forget", NUMBER, "--yes").err


def test_what_is_held_is_settled_by_a_word(desk: Desk) -> None:
    (desk.folder / "fast.toml").write_text("unresolved_after = 1\n[hours]\nanytime = true\n")
    desk.sandbox.faults.add(method="POST", path="/calls", status=500)
    name = desk.leads(0)
    assert desk.of_a_file("run", name, "--yes").code == ExitCode.PAUSED
    silent = trudy("dial", "resolve", NUMBER)
    assert silent.code == ExitCode.USAGE
    assert "say --called or --not-called" in silent.err
    assert trudy("dial", "resolve", "+12125550199", "--called").code == ExitCode.USAGE
    assert trudy("dial", "resolve", NUMBER, "--called", "--dry-run").code == 0
    assert "waits again" in trudy("dial", "resolve", NUMBER, "--not-called").err
    desk.sandbox.faults.clear()
    assert desk.of_a_file("run", name, "--yes").code == 0
    assert len(desk.sandbox.placed_calls) == 1


@pytest.mark.parametrize("verb", ["status", "pause", "resume", "stop", "export", "report"])
def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.chdir(tmp_path)
    refused = trudy("dial", verb, "--store", "leads.db")
    assert refused.code == ExitCode.USAGE
    assert "there is no store at leads.db" in refused.err
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_store_is_said_to_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.db").write_text("phone,name\n" * 100)
    refused = trudy("dial", "status", "--store", "leads.db")
    assert refused.code == ExitCode.USAGE
    assert "leads.db" in refused.err
