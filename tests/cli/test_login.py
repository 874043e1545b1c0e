"""`trudy login`, `logout` and `profiles`: the key is tried, kept in the keyring, and shown nowhere."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.keyrings import LockedKeyring, MemoryKeyring, PlainKeyring, StrangeKeyring, using
from tests.cli.running import Ran, trudy
from trudy.cli import login
from trudy.cli.app import run
from trudy.cli.profiles import find_profile
from trudy.cli.shell import Shell, Terminal
from trudy.sandbox import Sandbox


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> Path:
    monkeypatch.setenv("TRUDY_CONFIG_DIR", str(tmp_path))
    monkeypatch.delenv("TRUDY_PROFILE", raising=False)
    monkeypatch.delenv("TRUDY_API_KEY")
    return tmp_path


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    backend = MemoryKeyring()
    with using(backend):
        yield backend


def piped(text: str, *arguments: str) -> Ran:
    """Run a command with a text on its standard input, which is no terminal."""
    out, err = io.StringIO(), io.StringIO()
    terminal = Terminal(out=out, err=err, input=io.StringIO(text))
    return Ran(run(arguments, Shell(terminal=terminal)), out.getvalue(), err.getvalue())


def test_a_key_from_standard_input_is_tried_and_kept(ring: MemoryKeyring, sandbox: Sandbox) -> None:
    done = piped(f"{sandbox.api_key}\n", "login")
    assert (done.code, done.out) == (0, "")
    assert "kept as profile 'default'" in done.err
    assert list(ring.kept.values()) == [sandbox.api_key]
    assert sandbox.api_key not in done.err
    listed = trudy("request", "GET", "/voices", "-q")
    assert (listed.code, len(listed.lines)) == (0, 2)


def test_a_key_that_is_typed_is_not_shown(
    ring: MemoryKeyring, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def hidden(prompt: str, stream: object = None) -> str:
        asked.append(prompt)
        return sandbox.api_key

    monkeypatch.setattr(login, "getpass", hidden)
    done = trudy("login", "--profile", "mine", terminal=True, answer="")
    assert done.code == 0
    assert "not shown" in asked[0]
    assert sandbox.api_key not in done.out + done.err
    found = find_profile()
    assert found is not None
    assert found.name == "mine"


def test_a_key_that_the_server_refuses_is_not_kept(ring: MemoryKeyring) -> None:
    done = piped("truedy_of_nobody\n", "login")
    assert done.code == 7
    assert "refuses this key, so it was not kept" in done.err
    assert "truedy_of_nobody" not in done.err
    assert not ring.kept
    assert find_profile() is None


def test_a_key_is_not_kept_where_nothing_answers(ring: MemoryKeyring) -> None:
    done = piped("truedy_of_nobody\n", "login", "--base-url", "http://127.0.0.1:1")
    assert done.code == 10
    assert "the key was not kept" in done.err
    assert not ring.kept


@pytest.mark.parametrize("text", ["", "\n", "   \n"])
@pytest.mark.usefixtures("ring")
def test_no_key_at_all(text: str) -> None:
    done = piped(text, "login")
    assert done.code == 1
    assert done.err.startswith("error: no key was given\n")


@pytest.mark.parametrize("text", ["two words\n", "truedy_\u00e9\n"])
def test_what_no_key_can_be(text: str, ring: MemoryKeyring) -> None:
    assert piped(text, "login").code in (1, 7)
    assert not ring.kept


def test_no_option_takes_a_key(sandbox: Sandbox) -> None:
    for option in ("--key", "--api-key", "--token"):
        assert "No such option" in trudy("login", option, sandbox.api_key).err
    assert trudy("login", sandbox.api_key).code == 1


def test_without_keyring_it_says_what_to_do_before_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    done = trudy("login", terminal=True, answer="")
    assert done.code == 2
    what, advice = done.err.splitlines()
    assert what == "error: no key was kept: keeping a key needs keyring"
    assert advice.startswith("  Install it: pip install 'trudy-python-sdk[keyring]'; without one, ")
    assert "read -rs TRUDY_API_KEY" in advice


@pytest.mark.parametrize(
    ("backend", "words"),
    [(PlainKeyring(), "keeps keys safely"), (LockedKeyring(), "unlock"), (StrangeKeyring(), "lookuperror")],
)
def test_a_keyring_that_cannot_be_used(backend: MemoryKeyring, words: str, sandbox: Sandbox) -> None:
    with using(backend):
        done = piped(f"{sandbox.api_key}\n", "login")
    assert done.code == 7
    assert words in done.err.lower()
    assert sandbox.api_key not in done.err
    assert not backend.kept


def test_a_variable_that_wins_is_told_of(
    ring: MemoryKeyring, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUDY_API_KEY", "another")
    done = piped(f"{sandbox.api_key}\n", "login")
    assert done.code == 0
    assert "unset TRUDY_API_KEY" in done.err


def test_a_dry_run_asks_for_nothing(ring: MemoryKeyring) -> None:
    done = trudy("login", "--dry-run")
    assert done.code == 0
    assert "would try a key at http://127.0.0.1" in done.err
    assert not ring.kept


@pytest.mark.parametrize("name", ["a b", "../x"])
@pytest.mark.usefixtures("ring")
def test_a_name_that_no_profile_has(name: str) -> None:
    assert trudy("login", "--profile", name).code == 1


def test_profiles_are_listed_chosen_and_deleted(ring: MemoryKeyring, sandbox: Sandbox) -> None:
    assert trudy("profiles", "list", terminal=True).err == "there is none\n"
    for name in ("one", "two"):
        assert piped(sandbox.api_key, "login", "--profile", name).code == 0
    assert trudy("profiles", "list", "-q").lines == ["one", "two"]
    assert "one" in trudy("profiles", "list", terminal=True).out
    assert trudy("profiles", "use", "one").code == 0
    listed = trudy("profiles", "list", "--columns", "id,active").lines
    assert listed == ['{"id": "one", "active": true}', '{"id": "two", "active": false}']
    done = trudy("logout")
    assert done.code == 0
    assert "Profile 'one' and its key are deleted" in done.err
    assert list(ring.kept.values()) == [sandbox.api_key]
    assert trudy("logout").code == 1
    assert trudy("logout", "--profile", "two").code == 0
    assert not ring.kept
    assert trudy("profiles", "use", "two").code == 7
