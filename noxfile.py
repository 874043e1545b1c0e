"""Everything that is run over this project. `nox -s check` is the test command of the README."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.sessions = ["check"]
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
PYTHONS = ["3.11", "3.12", "3.13"]
OLDEST = PYTHONS[0]
PARALLEL = ("-n", "2", "--dist", "worksteal")

MOMENTS = {
    "friday-night": ("2026-11-27 23:59:50", "UTC"),
    "saturday": ("2026-11-28 12:00:00", "UTC"),
    "sunday-abroad": ("2026-11-29 23:59:50", "Asia/Tokyo"),
    "clocks-ahead": ("2027-03-14 01:59:50", "America/New_York"),
    "clocks-back": ("2026-10-25 02:59:50", "Europe/Berlin"),
    "29-february": ("2028-02-29 09:00:00", "UTC"),
    "end-of-february": ("2027-02-28 23:59:50", "Asia/Kathmandu"),
    "new-year": ("2026-12-31 23:59:50", "America/Los_Angeles"),
}
"""The moments for `days`: local time and its zone. Those at :50 seconds cross into the next day or hour."""
CALENDAR_TESTS = (
    "tests/test_hours.py",
    "tests/sandbox/domain",
    "tests/sandbox/routes",
    "tests/sandbox/test_clock.py",
    "tests/sandbox/test_sdk.py",
    "tests/sandbox/http/test_rate_limit.py",
    "tests/webhooks/test_waiting.py",
    "tests/webhooks/test_signing.py",
    "tests/webhooks/test_timestamps.py",
    "tests/webhooks/test_verify.py",
    "tests/rate_limit",
    "--ignore=tests/rate_limit/postgres",
    "--ignore=tests/rate_limit/test_fleet_of_processes.py",
    "tests/resources/test_batch_calls.py",
    "tests/testing",
    "tests/dialer/test_forecast.py",
    "tests/dialer/test_plan.py",
    "tests/dialer/test_policy.py",
    "tests/dialer/test_zones.py",
    "tests/docs/test_examples.py",
)
"""Tests that depend on the calendar. Not those of the guides: they change the environment beside a server's thread,
while libfaketime reads it, which crashes. The guides name the days of their campaigns, or set the clock. Nor those with
a PostgreSQL, whose timers libfaketime disturbs; they know no calendar."""


@nox.session(python=False)
def check(session: nox.Session) -> None:
    """Lint, types, generated code and tests, in the environment of this nox: `pip install -e '.[dev]'` before."""
    _lint(session)
    _types(session)
    _generate(session, "--check")
    _run(session, "pytest", *PARALLEL, *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests, on each installed Python: `nox -s tests -- tests/pipeline -k retry`."""
    session.install("-e", ".[dev]")
    _run(session, "pytest", *(session.posargs or PARALLEL))


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """Format and lint, without changing a file."""
    session.install("-e", ".[dev]")
    _lint(session)


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """mypy and pyright, both strict."""
    session.install("-e", ".[dev]")
    _types(session)


@nox.session(python=OLDEST)
def generate(session: nox.Session) -> None:
    """Write the sync client; with `-- --check`, only fail if it is not up to date."""
    session.install("-e", ".[dev]")
    _generate(session, *session.posargs)


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """The tests with the oldest version of each dependency that pyproject.toml allows."""
    extras = PROJECT["optional-dependencies"]
    oldest = Path(session.create_tmp()) / "oldest.txt"
    used = ("aiohttp", "redis", "dialer", "dialer-postgres", "sandbox")
    bounds = [*PROJECT["dependencies"], *(requirement for name in used for requirement in extras[name])]
    oldest.write_text("\n".join(bounds).replace(">=", "=="))
    session.install("-e", ".[dev]", "--constraint", str(oldest))
    _run(session, "pytest", *(session.posargs or PARALLEL))


@nox.session(python=False)
def days(session: nox.Session) -> None:
    """The tests that depend on the calendar, at special moments of it; `-- saturday` runs one. Needs `faketime`."""
    for name in session.posargs or MOMENTS:
        wall, zone = MOMENTS[name]
        session.run(
            *("faketime", wall, _python(session), "-m", "pytest", *PARALLEL, "-p", "no:cacheprovider"),
            *CALENDAR_TESTS,
            # Waits use the monotonic clock, which must not be faked; tests/faketime says why it replaces sleep.
            env={"TZ": zone, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": "tests/faketime"},
            external=True,
        )


@nox.session(python=OLDEST)
def soak(session: nox.Session) -> None:
    """Minutes of random stress that the test command leaves out."""
    session.install("-e", ".[dev]")
    _run(session, "pytest", "-m", "soak", *session.posargs)


@nox.session(python=OLDEST)
def bench(session: nox.Session) -> None:
    """Measure against other clients, on the same bytes. Prints ratios; no result fails."""
    session.install("-e", ".[bench]")
    _run(session, "tests.bench", *session.posargs)


@nox.session(python=OLDEST)
def trace(session: nox.Session) -> None:
    """Print the files of the package that a request passes through, and those of one that waits after a 429."""
    session.install("-e", ".[dev]")
    _run(session, "tests.bench.trace")


@nox.session(python=OLDEST)
def docs(session: nox.Session) -> None:
    """Build the documentation: `nox -s docs -- DIRECTORY`. A warning or a dead link fails."""
    session.install("-e", ".[dev]")
    _run(session, "tests.docs.site", *(session.posargs or ["build/docs"]))


def _lint(session: nox.Session) -> None:
    _run(session, "ruff", "format", "--check", ".")
    _run(session, "ruff", "check", ".")


def _types(session: nox.Session) -> None:
    # Each takes half a minute of one processor; what they print is shown where one of them fails.
    commands = [("mypy",), ("pyright", "--pythonpath", _python(session))]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda command: _run(session, *command, silent=True), commands))


def _generate(session: nox.Session, *arguments: str) -> None:
    _run(session, "trudy.codegen", *arguments)


def _run(session: nox.Session, module: str, *arguments: str, silent: bool = False) -> None:
    session.run(_python(session), "-m", module, *arguments, external=True, silent=silent)


def _python(session: nox.Session) -> str:
    """The session's interpreter; if the session has no environment of its own, the one that runs nox."""
    paths = session.bin_paths
    return str(Path(paths[0]) / "python") if paths else sys.executable
