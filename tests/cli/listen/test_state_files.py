"""The files in the user's state directory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trudy.cli.failures import CommandError
from trudy.cli.listen.state_files import listen_secret, only_one, private_file, receiver_secret, state_directory


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_secret_is_made_once_and_only_the_user_can_read_it(state: Path) -> None:
    secret = listen_secret()
    assert secret.startswith("whsec_")
    assert len(secret) >= 40
    assert listen_secret() == secret
    [file] = state.iterdir()
    assert (mode(state), mode(file)) == (0o700, 0o600)


def test_the_secret_is_another_on_another_machine(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = listen_secret()
    monkeypatch.setenv("TRUDY_STATE_DIR", str(state / "other"))
    assert listen_secret() != secret


def test_a_file_that_others_could_read_is_closed_to_them(state: Path) -> None:
    secret = listen_secret()
    (state / "webhook-secret").chmod(0o644)
    assert listen_secret() == secret
    assert mode(state / "webhook-secret") == 0o600


def test_of_many_that_start_at_once_one_makes_the_secret(state: Path) -> None:
    begin, found = threading.Barrier(8), list[str]()

    def start() -> None:
        begin.wait(5)
        found.append(listen_secret())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len([*state.iterdir()]) == 1


@pytest.mark.parametrize("content", [b"", b"whsec_short\n", b"\xff\xfe", b"whsec_" + b"a" * 40 + b"\nmore"])
def test_a_file_that_holds_no_secret_is_refused_and_not_replaced(state: Path, content: bytes) -> None:
    path = state_directory() / "webhook-secret"
    path.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        listen_secret()
    assert "Delete it" in caught.value.failure.advice
    assert path.read_bytes() == content


def test_a_link_to_another_file_is_not_followed(state: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("x")
    target.chmod(0o644)
    (state_directory() / "webhook-secret").symlink_to(target)
    with pytest.raises(CommandError):
        listen_secret()
    assert mode(target) == 0o644


def test_a_folder_that_cannot_be_made_is_named(state: Path) -> None:
    state.write_text("a file")
    with pytest.raises(CommandError) as caught:
        listen_secret()
    assert str(state) in caught.value.failure.what
    assert "TRUDY_STATE_DIR" in caught.value.failure.advice


def test_the_environment_goes_before_the_secret_of_the_machine(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert receiver_secret() == listen_secret()
    monkeypatch.setenv("TRUDY_WEBHOOK_SECRET", "whsec_first,whsec_second")
    assert receiver_secret() == "whsec_first"


def test_where_the_folder_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRUDY_STATE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_directory() == tmp_path / "xdg" / "trudy"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    assert state_directory() == tmp_path / ".local" / "state" / "trudy"


@pytest.mark.usefixtures("state")
def test_a_second_process_is_kept_out_until_the_first_has_gone() -> None:
    enter = "from trudy.cli.listen.state_files import only_one\nwith only_one('a'): print('in', flush=True); input()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", enter], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        with pytest.raises(CommandError) as caught, only_one("a"):
            pass
        assert caught.value.failure.code == 5
        with only_one("b"):
            pass
        other.kill()
        other.wait()
    with only_one("a"):
        pass


def test_private_file_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("x")
    path.chmod(0o666)
    private_file(path)
    assert (path.read_text(), mode(path)) == ("x", 0o600)
