"""`trudy calls download`: each recording and transcript once, whole, and on with the rest after a break."""

from __future__ import annotations

import io
import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.running import Ran, trudy
from trudy.cli.calls.download import _progress_of
from trudy.cli.calls.downloads import DownloadTally
from trudy.cli.calls.journal import NAME, journal_of
from trudy.cli.exit_codes import ExitCode
from trudy.cli.shell import Shell, Terminal
from trudy.sandbox import Sandbox


def place(sandbox: Sandbox, agent: str, *endings: int) -> list[str]:
    """Ids of calls to numbers whose last digits force an outcome; they are over, for half an hour."""
    with sandbox.client() as client:
        numbers = [f"+1{212 + index}55501{ending:02d}" for index, ending in enumerate(endings)]
        ids = [client.calls.create(agent_id=agent, phone_number=number).id for number in numbers]
    sandbox.advance(minutes=30)
    return ids


def download(to: Path, *more: str, **terminal: bool) -> Ran:
    return trudy("calls", "download", "--to", str(to), *more, **terminal)  # type: ignore[arg-type]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != NAME}


def looks(sandbox: Sandbox) -> list[str]:
    """The requests for recordings and transcripts so far, and for the files of recordings."""
    asked = [each.path for each in sandbox.requests if each.path.endswith(("/recording", "/transcript"))]
    return [*asked, *(each.path for each in sandbox.media_requests)]


def test_it_saves_what_calls_have_and_never_twice(sandbox: Sandbox, agent: str, tmp_path: Path) -> None:
    answered, _, machine = place(sandbox, agent, 0, 10, 30)
    folder = tmp_path / "new" / "calls"
    done = download(folder)
    assert done.code == 0, done.err
    assert names_in(folder) == {f"{each}.{kind}" for each in (answered, machine) for kind in ("mp3", "json")}
    saved = [json.loads(line) for line in done.lines]
    assert {each["kind"] for each in saved} == {"recording", "transcript"}
    assert all(Path(each["file"]).stat().st_size == each["bytes"] for each in saved)
    assert json.loads((folder / f"{answered}.json").read_text())["transcript"][0]["text"]
    assert "2 recordings and 2 transcripts saved" in done.err
    before = looks(sandbox)
    (folder / f"{answered}.mp3").rename(tmp_path / "moved.mp3")
    again = download(folder)
    assert (again.code, again.out) == (0, "")
    assert "files there already: 4" in again.err
    assert looks(sandbox) == before
    assert f"{answered}.mp3" not in names_in(folder)


@pytest.mark.parametrize(("status", "code"), [(404, ExitCode.NOT_FOUND), (403, ExitCode.NOT_ALLOWED)])
def test_it_goes_on_after_a_break(sandbox: Sandbox, agent: str, tmp_path: Path, status: int, code: ExitCode) -> None:
    ids = place(sandbox, agent, 0, 1, 2)
    broken = sandbox.faults.add(path=f"/recordings/{ids[1]}.mp3", status=status)
    first = download(tmp_path, "--only", "recordings")
    assert first.code == code
    assert "1 could not be saved; run it again" in first.err
    assert names_in(tmp_path) == {f"{ids[0]}.mp3", f"{ids[2]}.mp3"}, "no part is left"
    sandbox.faults.remove(broken)
    whole = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.mp3")}
    again = download(tmp_path, "--only", "recordings")
    assert again.code == 0
    assert names_in(tmp_path) == {f"{each}.mp3" for each in ids}
    assert {path: path.stat().st_mtime_ns for path in whole} == whole
    assert len(again.lines) == 1


def test_a_process_killed_between_file_and_journal_downloads_nothing_twice(
    sandbox: Sandbox, agent: str, tmp_path: Path
) -> None:
    (call,) = place(sandbox, agent, 0)
    assert download(tmp_path).code == 0
    journal = tmp_path / NAME
    journal.write_text(journal.read_text().splitlines()[0][:20])
    (tmp_path / ".trudy-left.part").write_text("half")
    before = looks(sandbox)
    again = download(tmp_path)
    assert (again.code, again.out) == (0, "")
    assert looks(sandbox) == before
    assert names_in(tmp_path) == {f"{call}.mp3", f"{call}.json"}
    assert "files there already: 2" in download(tmp_path).err


def test_what_never_comes_is_asked_for_only_while_it_may_come(sandbox: Sandbox, agent: str, tmp_path: Path) -> None:
    with sandbox.client() as client:
        settings = {"recording_enabled": False, "transcription_enabled": False}
        client.calls.create(agent_id=agent, phone_number="+12125550100", call_settings=settings)  # type: ignore[arg-type]
    sandbox.advance(minutes=30)
    for hours in (0, 2):
        sandbox.advance(hours=hours)
        before = len(looks(sandbox))
        assert "or not yet: 2" in download(tmp_path).err
        assert len(looks(sandbox)) == before + 2
    before = len(looks(sandbox))
    assert download(tmp_path).code == 0
    assert len(looks(sandbox)) == before


def test_a_call_that_goes_on_is_left_for_later(sandbox: Sandbox, agent: str, tmp_path: Path) -> None:
    with sandbox.client() as client:
        client.calls.create(agent_id=agent, phone_number="+12125550100")
    assert "calls that are not over: 1" in download(tmp_path).err
    sandbox.advance(minutes=5)
    assert "1 recordings and 1 transcripts" in download(tmp_path).err


def test_since_and_agent_choose_calls_and_text_is_for_people(sandbox: Sandbox, agent: str, tmp_path: Path) -> None:
    place(sandbox, agent, 0)
    sandbox.advance(hours=30)
    with sandbox.client() as client:
        other = client.agents.create(name="Bob", voice_id=sandbox.voices[0].id, system_prompt="Be kind.").id
    (mine,) = place(sandbox, agent, 1)
    (theirs,) = place(sandbox, other, 2)
    # Commands tell `1d` by the machine's clock, which is 31 hours behind: so a moment is given.
    moment = datetime.fromtimestamp(sandbox.clock.time() - 7200, UTC).isoformat()
    assert download(tmp_path, "--since", moment, "--only", "transcripts", "--text", "--agent", agent).code == 0
    assert names_in(tmp_path) == {f"{mine}.txt"}
    assert "agent: " in (tmp_path / f"{mine}.txt").read_text()
    assert download(tmp_path, "--since", moment, "--only", "recordings").code == 0
    assert names_in(tmp_path) == {f"{mine}.txt", f"{mine}.mp3", f"{theirs}.mp3"}


@pytest.mark.parametrize("kind", ["null_until_ready", "shifting_rows"])
def test_servers_that_differ(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox(seed=1, quirks=[kind])
    with sandbox.serve() as server, server.client() as client:
        monkeypatch.setenv("TRUDY_BASE_URL", server.base_url)
        monkeypatch.setenv("TRUDY_API_KEY", sandbox.api_key)
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Hi.").id
        (call,) = place(sandbox, agent, 0)
        client.calls.create(
            agent_id=agent,
            phone_number="+12125550101",
            call_settings={"recording_enabled": False, "transcription_enabled": False},
        )
        sandbox.advance(minutes=5)
        done = download(tmp_path)
        assert done.code == 0, done.err
        assert "not on the server, or not yet: 2" in done.err
        assert names_in(tmp_path) == {f"{call}.mp3", f"{call}.json"}


def test_one_process_at_a_time_saves_into_a_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    with journal_of(tmp_path):
        refused = download(tmp_path)
    assert refused.code == ExitCode.USAGE
    assert "another process downloads to" in refused.err


def test_a_wrong_key_ends_it_at_once(
    sandbox: Sandbox, agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(sandbox, agent, 0, 1)
    monkeypatch.setenv("TRUDY_API_KEY", "truedy_wrong")
    refused = download(tmp_path)
    assert refused.code == ExitCode.NOT_ALLOWED
    assert names_in(tmp_path) == set()


def test_bad_arguments_and_a_dry_run_make_no_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    assert download(folder, "--since", "yesterday").code == ExitCode.USAGE
    shown = download(folder, "--dry-run")
    assert shown.code == 0
    assert json.loads(shown.out)["method"] == "GET"
    assert not folder.exists()
    (tmp_path / "file").write_text("")
    assert download(tmp_path / "file").code == ExitCode.USAGE
    assert not sandbox.requests


def test_on_a_terminal_there_is_a_line_that_moves(sandbox: Sandbox, agent: str, tmp_path: Path) -> None:
    place(sandbox, agent, 0)
    done = download(tmp_path, terminal=True)
    assert (done.code, done.out) == (0, "")
    assert "1 calls, 1 recordings and 1 transcripts saved, 0.0 MB" in done.err
    assert "1 recordings and 1 transcripts saved" in done.err


def test_what_is_told_meanwhile_stands_above_the_line_that_moves() -> None:
    out, err = io.StringIO(), io.StringIO()
    shell = Shell(terminal=Terminal(out=out, err=err, input=io.StringIO(), shows_tables=True))
    with _progress_of(shell) as (above, on_change):
        on_change(DownloadTally(calls=3))
        until = time.monotonic() + 10
        while "3 calls" not in err.getvalue():
            assert time.monotonic() < until
            time.sleep(0.01)
        above.say("the rate limit is reached")
    shown = re.sub(r"\x1b\[[0-9?;]*[A-Za-z]", "", err.getvalue())
    assert "the rate limit is reached" in re.split(r"[\r\n]+", shown), shown
