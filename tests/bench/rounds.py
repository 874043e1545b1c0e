"""Measures several things in turn, A B C A B C, so that a busy machine slows all of them alike."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import TypeAlias

from attrs import define, frozen


@frozen
class Cost:
    """CPU seconds of the measured process, and seconds on the wall."""

    cpu: float
    wall: float


Measure: TypeAlias = Callable[[], Cost]


def interleaved(measures: Mapping[str, Measure], rounds: int) -> dict[str, Cost]:
    """The medians over so many rounds, each figure's own."""
    found: dict[str, list[Cost]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
    return {
        name: Cost(median(cost.cpu for cost in costs), median(cost.wall for cost in costs))
        for name, costs in found.items()
    }


@define
class Worker:
    """A client in a process of its own; see `worker.py`."""

    process: subprocess.Popen[str]
    first_line: str

    @property
    def installed(self) -> bool:
        return self.first_line == "ready"

    def measure(self, in_flight: int, number: int) -> Cost:
        """Make so many requests, so many at a time."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps([in_flight, number])}\n")
        self.process.stdin.flush()
        return Cost(*json.loads(_line(self.process)))


@contextmanager
def workers(kind: str, names: Sequence[str], url: str) -> Iterator[dict[str, Worker]]:
    """A worker for each client; they end with the block."""
    with ExitStack() as stack:
        found: dict[str, Worker] = {}
        for name in names:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.bench.worker", kind, name, url],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert process.stdin is not None
            stack.callback(process.stdin.close)
            found[name] = Worker(process, _line(process).strip())
        yield found


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a worker ended with {process.wait()}; its words stand above")
    return line
