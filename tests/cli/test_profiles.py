"""Profiles: what is in the file, what is in the keyring, and what is said where either fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.keyrings import LockedKeyring, MemoryKeyring, PlainKeyring, using
from trudy import ConfigurationError, InvalidArgumentError
from trudy.cli import profiles
from trudy.cli.profiles import Profile

LIVE = Profile(name="live", base_url="https://api.example.test/v1")
TEST = Profile(name="test", base_url="http://127.0.0.1:8765/api/public/v1")
KEY = "truedy_a_key_that_is_nowhere_else"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUDY_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.delenv("TRUDY_PROFILE", raising=False)
    return tmp_path / "settings"


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    backend = MemoryKeyring()
    with using(backend):
        yield backend


def test_nobody_has_logged_in() -> None:
    assert profiles.find_profile() is None
    with pytest.raises(ConfigurationError, match=r"no profile 'live'.*trudy login --profile NAME"):
        profiles.find_profile("live")


@pytest.mark.usefixtures("ring")
def test_the_last_login_is_active_and_the_others_stay() -> None:
    profiles.keep(LIVE, KEY)
    profiles.keep(TEST, "other")
    assert profiles.find_profile() == TEST
    assert profiles.find_profile("live") == LIVE
    assert profiles.key_of(LIVE) == KEY
    assert profiles.use("live") == profiles.find_profile() == LIVE


@pytest.mark.usefixtures("ring")
def test_the_environment_names_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles.keep(LIVE, KEY)
    profiles.keep(TEST, "other")
    monkeypatch.setenv("TRUDY_PROFILE", "live")
    assert profiles.find_profile() == LIVE
    assert profiles.find_profile("test") == TEST


def test_no_file_holds_the_key(ring: MemoryKeyring, folder: Path) -> None:
    profiles.keep(LIVE, KEY)
    assert list(ring.kept.values()) == [KEY]
    files = list(folder.rglob("*"))
    assert files == [folder / "profiles.json"]
    assert KEY not in files[0].read_text()


@pytest.mark.usefixtures("ring")
def test_a_key_does_not_follow_a_base_url_that_was_changed_in_the_file() -> None:
    profiles.keep(LIVE, KEY)
    path = profiles.profiles_path()
    path.write_text(path.read_text().replace("api.example.test", "elsewhere.example.test"))
    changed = profiles.find_profile("live")
    assert changed is not None
    with pytest.raises(ConfigurationError, match=r"no key for profile 'live' at https://elsewhere"):
        profiles.key_of(changed)


def test_a_login_elsewhere_leaves_no_key_behind(ring: MemoryKeyring) -> None:
    profiles.keep(LIVE, KEY)
    profiles.keep(Profile(name="live", base_url=TEST.base_url), "other")
    assert list(ring.kept.values()) == ["other"]


def test_logging_out_deletes_the_key_and_the_profile(ring: MemoryKeyring) -> None:
    profiles.keep(TEST, "other")
    profiles.keep(LIVE, KEY)
    assert profiles.forget(LIVE)
    assert list(ring.kept.values()) == ["other"]
    assert profiles.find_profile() is None
    assert profiles.find_profile("test") == TEST
    assert not profiles.forget(LIVE)


def test_a_file_that_cannot_be_written_leaves_no_key_behind(ring: MemoryKeyring, folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    with pytest.raises(ConfigurationError, match="cannot"):
        profiles.keep(LIVE, KEY)
    assert not ring.kept


@pytest.mark.parametrize("text", ["", "{", "[]", '{"profiles": []}', "[" * 100_000, "\xff"])
def test_a_broken_file_is_told_of(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "profiles.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"profiles\.json|profiles in"):
        profiles.find_profile()


def test_members_of_another_kind_are_left_out(folder: Path) -> None:
    folder.mkdir()
    (folder / "profiles.json").write_text(
        json.dumps({"active": "b", "profiles": {"a": "https://a.example.test", "b": 1}})
    )
    assert profiles.read_profiles() == profiles.Profiles(active=None, base_urls={"a": "https://a.example.test"})


@pytest.mark.parametrize("name", ["", " ", "a b", "../x", "-x", "a" * 65, "é", "a\n"])
def test_a_name_that_is_no_name(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="profile"):
        profiles.check_name(name)


def test_without_the_package_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'trudy-python-sdk\[keyring\]'.*read -rs TRUDY_API_KEY"):
        profiles.check_keyring()


def test_a_keyring_that_keeps_keys_in_the_clear_gets_none() -> None:
    backend = PlainKeyring()
    with using(backend), pytest.raises(ConfigurationError, match="no keyring that keeps keys safely"):
        profiles.keep(LIVE, KEY)
    assert not backend.kept


def test_a_locked_keyring_is_told_of_without_its_words(folder: Path) -> None:
    with using(LockedKeyring()), pytest.raises(ConfigurationError, match=r"KeyringLocked.*unlock") as caught:
        profiles.keep(LIVE, KEY)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert not folder.exists()


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CONFIG_HOME", "set/trudy/profiles.json"),
        ("linux", None, "home/.config/trudy/profiles.json"),
        ("darwin", None, "home/Library/Application Support/trudy/profiles.json"),
        ("win32", "APPDATA", "set/trudy/profiles.json"),
    ],
)
def test_the_file_is_where_the_system_keeps_settings(
    platform: str, variable: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TRUDY_CONFIG_DIR", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", platform)
    if variable is not None:
        monkeypatch.setenv(variable, str(tmp_path / "set"))
    assert profiles.profiles_path() == tmp_path / expected
