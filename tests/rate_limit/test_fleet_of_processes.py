"""Four processes with one key, a served sandbox that counts, and a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.docs.blocks import ROOT
from trudy.clock import monotonic
from trudy.sandbox import Sandbox, SandboxServer

PROCESSES = 4


@contextmanager
def process(server: SandboxServer, postgres_url: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    module = "tests.rate_limit.fleet_process"
    command = [sys.executable, "-m", module, server.base_url, server.sandbox.api_key, postgres_url]
    with subprocess.Popen([*command, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def line_of(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    return started.stdout.readline().strip()


def test_no_request_is_refused_and_a_process_that_is_killed_gives_nothing_twice(postgres_url: str) -> None:
    sandbox = Sandbox(rate_limit=20, window=10)
    with sandbox.serve() as server, ExitStack() as stack:
        fleet = [stack.enter_context(process(server, postgres_url, 20, 10, 2)) for _ in range(PROCESSES)]
        assert [line_of(one) for one in fleet] == ["ready"] * PROCESSES
        end = monotonic() + 120
        while len(sandbox.requests_per_window()) < 4 and monotonic() < end:
            if len(sandbox.requests_per_window()) == 2:
                fleet[0].kill()
            assert all(one.poll() is None for one in fleet[1:])
            with pytest.raises(subprocess.TimeoutExpired):
                fleet[1].wait(0.1)
        windows = sandbox.requests_per_window()
    assert len(windows) >= 4
    assert [window.refused for window in windows] == [0] * len(windows)
    assert sum(window.admitted for window in windows[1:-1]) >= 30, windows


def test_a_limit_that_nobody_knows_costs_one_refusal_and_all_learn_it(postgres_url: str) -> None:
    sandbox = Sandbox(rate_limit=9)
    with sandbox.serve() as server, ExitStack() as stack:
        fleet = [stack.enter_context(process(server, postgres_url, 0, 60, 1)) for _ in range(PROCESSES)]
        assert [line_of(one) for one in fleet] == ["ready"] * PROCESSES
        assert [line_of(one) for one in fleet] == ["full 9"] * PROCESSES
        windows = sandbox.requests_per_window()
    assert sum(window.refused for window in windows) >= 1
    assert max(window.refused for window in windows) == 1
