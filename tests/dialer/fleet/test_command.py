"""`python -m trudy.dialer worker`, as a service manager runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.dialer.child import PATIENCE, numbers_that
from tests.dialer.fleet.conftest import POLICY
from trudy.dialer import Skip, SyncDialer
from trudy.dialer.__main__ import main
from trudy.dialer.fleet import command
from trudy.dialer.throwaway_postgres import PostgresServer
from trudy.sandbox import Sandbox

NUMBERS = numbers_that(8, 0)
skips_one = SimpleNamespace(should_dial=lambda row: Skip("not her") if row.number == NUMBERS[0] else None)
"""Hooks, as a user gives them by name."""


@pytest.fixture
def environment(postgres_url: str) -> Iterator[dict[str, str]]:
    """Of a worker whose store has a campaign that was started."""
    sandbox = Sandbox(speed=20, rate_limit=None)
    with sandbox.serve() as server, server.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
        with SyncDialer(client, store=postgres_url, clock=sandbox.clock) as dialer:
            rows = [{"phone": number} for number in NUMBERS]
            plan = dialer.plan(rows, agent=agent.id, consent="form", policy=POLICY, region="US", rejects=None)
            dialer.start(plan, confirm=plan.hash)
            yield {**os.environ, **server.environment}
            sandbox.assert_no_number_dialed_twice()


def worker(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "trudy.dialer", "worker", "--rate-limit", "1000", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_it_dials_with_hooks_until_all_is_done(environment: dict[str, str], postgres_url: str) -> None:
    url = postgres_url.replace("postgresql:", "postgresql+psycopg:")
    hooks = "tests.dialer.fleet.test_command:skips_one"
    with worker(environment, "--store", url, "--until-done", "--hooks", hooks) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert said.count("placed +1") == len(NUMBERS) - 1
    assert NUMBERS[1] not in said


def test_it_waits_for_its_database_and_sigterm_ends_it_in_good_order(
    environment: dict[str, str], postgres: PostgresServer, postgres_url: str
) -> None:
    postgres.stop("immediate")
    with worker(environment, "--store", postgres_url) as process:
        assert process.stdout is not None
        try:
            assert "does not answer" in process.stdout.readline()
        finally:
            postgres.start()
        assert "placed" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert "interrupted" in said


def test_ctrl_c_ends_it_while_it_waits_for_its_database(environment: dict[str, str]) -> None:
    with worker(environment, "--store", "postgresql://ada:secret-word@127.0.0.1:9/leads") as process:
        assert process.stdout is not None
        assert "127.0.0.1:9/leads does not answer" in (said := process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, rest
    assert rest == ""
    assert "secret-word" not in said


@pytest.mark.parametrize("wrong", ["user", "database"])
def test_it_does_not_wait_where_the_database_is_there_and_something_else_is_wrong(
    wrong: str, postgres: PostgresServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUDY_API_KEY", "sk_test")
    url = postgres.url("no_such_one" if wrong == "database" else "postgres")
    assert main(["worker", "--store", url.replace("postgres@", "no_such_one@") if wrong == "user" else url]) == 1
    assert '"no_such_one" does not exist' in capsys.readouterr().err


@pytest.mark.parametrize("hooks", ["", "nothing", "no.such.module:x", "os:path", "os:none"])
def test_hooks_that_cannot_be_used_are_named(hooks: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["worker", "--store", "postgresql://127.0.0.1/x", "--hooks", hooks])
    assert ended.value.code == 2
    assert "--hooks" in capsys.readouterr().err


def test_what_cannot_work_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUDY_API_KEY", "sk_test")
    monkeypatch.setattr(command, "_COMES_WITHIN", 0.0)
    assert main(["worker", "--store", "postgresql://ada:secret-word@127.0.0.1:9/leads"]) == 1
    said = capsys.readouterr().err
    assert "refused" in said
    assert "secret-word" not in said
    assert len(said.splitlines()) < 5
