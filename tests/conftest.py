"""What holds for every test: no setting of the machine leaks in, and generated cases are the same each time."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import settings

from trudy.dialer.throwaway_postgres import MISSING, PostgresServer, find_binaries, postgres_server

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell makes its background jobs ignore Ctrl-C, and the processes that the tests interrupt would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Time limits on single cases would measure the machine, which may be busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the soak out, unless `-m` asks for it."""
    if "soak" not in config.getoption("markexpr"):
        skip = pytest.mark.skip(reason="minutes of random stress; run with -m soak")
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(skip)


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make alone: to search all modules and tests each time is a sixth of the CPU."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that a client reads is empty, unless a test fills it."""
    for name in os.environ:
        if name.startswith(("TRUDY_", "TRUEDY_")) or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL. Without one the tests fail: what it is needed for can be shown in no other way."""
    if find_binaries() is None:
        pytest.fail(MISSING)
    with postgres_server() as server:
        yield server


_databases = count(1)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL of an empty database."""
    import psycopg

    name = f"test_{next(_databases)}"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    return postgres.url(name)
