"""Iterating over a long list: what is held of the pages that have gone by."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from attrs import frozen

from tests.bench.report import Table, Target
from tests.bench.server import serve

_STATM = Path("/proc/self/statm")
_MEGABYTE = 1_000_000


@frozen(kw_only=True)
class Walk:
    """One iteration from end to end."""

    rows: int
    growth: float
    """MB between the first page and the largest the process ever was after one."""
    size: float
    """MB of the whole process after the first page."""
    seconds: float


def bench(*, quick: bool = False) -> list[Table]:
    """Each way in a process of its own."""
    rows = 500 if quick else 50_000
    with serve() as url:
        found = {way: _walk(way, f"{url}/list/{rows}") for way in ("async", "sync")}
    return [
        Table(
            title=f"Iterating over {rows} calls by pages of 100",
            columns=["client", "rows", "grows by MB", "process MB", "rows a second"],
            rows=[
                [way, str(each.rows), f"{each.growth:.1f}", f"{each.size:.1f}", f"{each.rows / each.seconds:.0f}"]
                for way, each in found.items()
            ],
            targets=[Target(what=way, value=each.growth, limit=5.0, unit="MB") for way, each in found.items()],
        )
    ]


def _walk(way: str, url: str) -> Walk:
    command = [sys.executable, "-m", "tests.bench.pages", way, url]
    return Walk(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


class Scale:
    """Weighs this process after each page."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._rows = 0
        self._first = 0.0
        self._most = 0.0

    def row(self) -> None:
        """One more row has come."""
        self._rows += 1
        if self._rows % 100 == 0:
            size = _resident()
            self._first = self._first or size
            self._most = max(self._most, size)

    def facts(self) -> dict[str, float]:
        """The members of `Walk`."""
        seconds = time.perf_counter() - self._began
        return {"rows": self._rows, "growth": self._most - self._first, "size": self._first, "seconds": seconds}


def _resident() -> float:
    """MB of memory in use: now, or, where the system does not say, at the most."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * resource.getpagesize() / _MEGABYTE
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MEGABYTE


async def _async(url: str) -> Scale:
    import trudy

    scale = Scale()
    async with trudy.AsyncTrudyClient("a-key", base_url=url) as client:
        async for _ in client.calls.list():
            scale.row()
    return scale


def _sync(url: str) -> Scale:
    import trudy

    scale = Scale()
    with trudy.TrudyClient("a-key", base_url=url) as client:
        for _ in client.calls.list():
            scale.row()
    return scale


def main(way: str, url: str) -> None:
    """Walk once, and print what `Walk` holds."""
    scale = asyncio.run(_async(url)) if way == "async" else _sync(url)
    print(json.dumps(scale.facts()))


if __name__ == "__main__":
    main(*sys.argv[1:])
