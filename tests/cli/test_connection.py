"""Which key and address a command uses."""

from __future__ import annotations

import io
import re

import pytest

from tests.cli.running import trudy
from trudy import ConfigurationError
from trudy.cli import connection
from trudy.cli.connection import access_of
from trudy.cli.profiles import Profile
from trudy.cli.shell import Shell, Terminal
from trudy.sandbox import Sandbox

HERE, WORK = "https://api.example/v1", "https://work.example/v1"


@pytest.fixture(autouse=True)
def profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two profiles; `here` is the active one."""
    known = {"here": Profile(name="here", base_url=HERE), "work": Profile(name="work", base_url=WORK)}

    def find(name: str | None = None) -> Profile | None:
        return known[name or "here"]

    monkeypatch.setattr(connection, "find_profile", find)
    monkeypatch.setattr(connection, "key_of", lambda profile: f"key of {profile.name}")
    for name in ("TRUDY_API_KEY", "TRUEDY_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def access(**options: object) -> tuple[str | None, str | None]:
    terminal = Terminal(out=io.StringIO(), err=io.StringIO(), input=io.StringIO())
    found = access_of(Shell(terminal=terminal, **options))  # type: ignore[arg-type]
    assert "key of" not in repr(found)
    return found.api_key, found.base_url


def test_the_profile_named_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUDY_API_KEY", "other")
    assert access(profile="work") == ("key of work", WORK)


@pytest.mark.parametrize("variable", ["TRUDY_API_KEY", "TRUEDY_API_KEY"])
def test_the_environment_goes_before_the_active_profile(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "other")
    assert access() == (None, None)  # the client reads it by itself
    assert access(base_url=WORK) == (None, WORK)


def test_else_the_active_profile_is_used() -> None:
    assert access() == ("key of here", HERE)


def test_the_key_of_a_profile_is_sent_nowhere_else() -> None:
    assert access(base_url=HERE) == ("key of here", HERE)
    with pytest.raises(ConfigurationError, match="for https://api"):
        access(base_url=WORK)


def test_a_dry_run_opens_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "key_of", lambda profile: pytest.fail("asked for the key"))
    assert access(dry_run=True) == ("dry-run", HERE)


def test_a_person_is_told_of_a_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox(rate_limit=1, speed=30, start=1_750_000_020.0)  # when a window begins
    with sandbox.serve() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        ran = [trudy("voices", "list", "--json") for _ in range(2)]
    assert [(each.code, each.err == "") for each in ran] == [(0, True), (0, False)]
    assert re.fullmatch(r"the rate limit is reached: waiting \d+ s for the next window\n", ran[1].err)
