"""Measures the SDK against other clients, on the same bytes: `python -m tests.bench [--quick] [NAME ...]`.

    get       a small GET, async, at 1, 32 and 256 in flight
    sync      a small GET, blocking, at 1 and 32 threads
    import    whole processes that import and make a client
    decode    a page of 100 calls from bytes to objects
    limiter      1,000 creates under a rate limit
    pages     the memory of a walk over 50,000 calls
    dialer    bulk dialing: a plan of a million rows, CPU a call, time to the first call, a campaign at a rate limit
    fleet     1, 2 and 4 worker processes that dial 20,000 rows from one PostgreSQL, without a rate limit
    sandbox   the local Truedy: requests a second, lists among 100,000 calls, a campaign of 1,000 contacts

Prints medians over interleaved rounds, and beside each target whether it is met. No result makes it fail: machines
differ. All but the times of `limiter`, `dialer`, `fleet` and `sandbox` are CPU times, which a busy machine changes
least.
`--quick` only shows that all of it runs. Clients that are not installed are shown as such: `pip install -e '.[bench]'`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

from tests.bench.report import Table, heading

BENCHMARKS = {
    "get": "small_get.bench_async",
    "sync": "small_get.bench_sync",
    "import": "imports.bench",
    "decode": "decoding.bench",
    "limiter": "rate_limiter.bench",
    "pages": "pages.bench",
    "dialer": "dialer.bench",
    "fleet": "fleet.bench",
    "sandbox": "sandbox.bench",
}
"""Modules and functions. Only those asked for are imported: all together take a second."""
_PACKAGES = (
    "trudy-python-sdk",
    "httpx",
    "httpx-aiohttp",
    "aiohttp",
    "openai",
    "anthropic",
    "stripe",
    "attrs",
    "cattrs",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all by default")
    parser.add_argument("--quick", action="store_true", help="a smoke run: the figures mean nothing")
    arguments = parser.parse_args()
    names: list[str] = arguments.names or list(BENCHMARKS)
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no benchmark {min(unknown)!r}; there are {', '.join(BENCHMARKS)}")
    print(heading(_PACKAGES))
    for name in names:
        for table in _benchmark(name)(quick=arguments.quick):
            print(f"\n{table}", flush=True)


def _benchmark(name: str) -> Callable[..., list[Table]]:
    module, function = BENCHMARKS[name].split(".")
    found: Callable[..., list[Table]] = getattr(import_module(f"tests.bench.{module}"), function)
    return found


if __name__ == "__main__":
    main()
