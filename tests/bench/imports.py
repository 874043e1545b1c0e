"""What a script pays before its first line does anything: a whole process that imports, and makes a client."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from importlib.util import find_spec

from tests.bench.report import Table, Target, ratio
from tests.bench.rounds import Cost, Measure, interleaved

_SCRIPTS = {
    "(nothing)": "",
    "import attrs": "import attrs",
    "import trudy": "import trudy",
    "import trudy; AsyncTrudyClient(...)": "import trudy; trudy.AsyncTrudyClient('a-key')",
    "import trudy; TrudyClient(...)": "import trudy; trudy.TrudyClient('a-key')",
    "import httpx": "import httpx",
    "import openai": "import openai",
    "import anthropic": "import anthropic",
    "import stripe": "import stripe",
}


def bench(*, quick: bool = False) -> list[Table]:
    """Whole processes."""
    there = [name for name, script in _SCRIPTS.items() if _is_there(script)]
    measures = {name: _process(_SCRIPTS[name]) for name in there}
    if not quick:
        interleaved(measures, 1)  # reads the files into memory, writes the byte code
    costs = interleaved(measures, 1 if quick else 11)
    httpx = costs["import httpx"].cpu
    return [
        Table(
            title="Import, whole process",
            columns=["script", "CPU ms", "/ import httpx", "wall ms"],
            rows=[
                [name, f"{costs[name].cpu * 1e3:.0f}", ratio(costs[name].cpu, httpx), f"{costs[name].wall * 1e3:.0f}"]
                if name in costs
                else [name, "not installed", "-", "-"]
                for name in _SCRIPTS
            ],
            targets=[
                Target(what=f"{name} / import httpx", value=costs[name].cpu / httpx, limit=limit)
                for name, limit in (("import trudy", 0.60), ("import trudy; AsyncTrudyClient(...)", 1.15))
            ],
        )
    ]


def _is_there(script: str) -> bool:
    return not script or find_spec(script.removeprefix("import ").split(";")[0]) is not None


def _process(script: str) -> Measure:
    def measure() -> Cost:
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", script], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return Cost(cpu, time.perf_counter() - began)

    return measure
