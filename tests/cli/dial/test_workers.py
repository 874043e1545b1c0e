"""`trudy dial start` and `worker`: a campaign that any number of processes dial."""

from __future__ import annotations

import sys
import types

import pytest

from tests.cli.dial.conftest import Desk, events_of
from tests.cli.running import trudy
from trudy.cli.exit_codes import ExitCode


def test_a_campaign_is_given_to_workers_and_dialed_by_one(desk: Desk, postgres_url: str) -> None:
    name = desk.leads(0, 1, 10)
    refused = desk.of_a_file("start", name, "--store", postgres_url)
    assert refused.code == ExitCode.USAGE
    assert f"trudy dial start {name}" in refused.err
    given = desk.of_a_file("start", name, "--store", postgres_url, "--yes")
    assert given.code == 0, given.err
    assert "is running. To dial it, on any machine:\n  trudy dial worker --store URL\n" in given.err
    assert not desk.sandbox.placed_calls
    done = trudy("dial", "worker", "--store", postgres_url, "--until-done")
    assert done.code == 0, done.err
    kinds = [each["event"] for each in events_of(done)]
    assert (kinds.count("placed"), kinds.count("ended")) == (3, 3)
    assert "55501" not in done.out
    (listed,) = events_of(trudy("dial", "status", "--store", postgres_url))
    assert (listed["state"], listed["done"]) == ("done", 3)
    desk.sandbox.assert_no_number_dialed_twice()
    assert len(desk.sandbox.placed_calls) == 3
    shown = trudy("dial", "worker", "--store", postgres_url, "--until-done", terminal=True)
    assert (shown.code, shown.out) == (0, "")
    assert "the worker has ended" in shown.err


def test_a_file_is_no_store_for_workers(desk: Desk) -> None:
    name = desk.leads(0)
    for refused in (trudy("dial", "worker"), desk.of_a_file("start", name, "--yes")):
        assert refused.code == ExitCode.USAGE
        assert "workers need a store in PostgreSQL" in refused.err
        assert "--store postgresql://" in refused.err
    assert not desk.sandbox.placed_calls


def test_hooks_that_cannot_be_used_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUDY_API_KEY", "truedy_key")
    module = types.ModuleType("empty")
    module.hooks = object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "empty", module)
    for hooks, said in (("nowhere:hooks", "cannot be imported"), ("empty:hooks", "has none of")):
        refused = trudy("dial", "worker", "--store", "postgresql://127.0.0.1:1/none", "--hooks", hooks)
        assert (refused.code, refused.out) == (ExitCode.USAGE, ""), refused.err
        assert said in refused.err
