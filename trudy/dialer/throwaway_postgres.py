"""A real PostgreSQL for a while, on a loopback port of its own: for the demo, and for tests. Needs Debian's package, or
`initdb` and `postgres` on PATH."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

MISSING: Final = (
    "PostgreSQL is not installed: install Debian's package `postgresql`, or put initdb and postgres on PATH"
)
_SIGNALS: Final = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_STARTS_WITHIN: Final = 60.0
"""Seconds until it takes connections, the recovery after a crash included; a second unless the machine is busy."""
_LOOK_EVERY: Final = 0.02
"""Seconds between two looks at whether it does: less costs CPU that it needs."""


class PostgresServer:
    """A server with its files in a directory. It keeps nothing when the machine stops: `fsync` is off."""

    def __init__(self, binaries: Path, directory: Path) -> None:
        self._binaries = binaries
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="postgres")
        self.port = _free_port()

    def url(self, database: str = "postgres") -> str:
        """Of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        """Of the process that starts all others; None where it is stopped."""
        return None if self._process is None else self._process.pid

    def create(self) -> None:
        """Make its files."""
        options = ["--auth=trust", "--username=postgres", "--no-sync", "--no-instructions", "--encoding=UTF8"]
        if self._start("initdb", *options, "-D", "data").wait():
            raise RuntimeError(f"initdb failed:\n{self._log()}")

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=50"]
        options = [option for setting in settings for option in ("-c", setting)]
        # It ends with the thread that starts it, also where the process is killed; so that thread is to last.
        ends = ["setpriv", "--pdeathsig=QUIT"] if shutil.which("setpriv") else []
        arguments = ["-D", "data", "-F", "-p", str(self.port), *options]
        self._process = self._starter.submit(self._start, "postgres", *arguments, before=ends).result()
        until = time.monotonic() + _STARTS_WITHIN
        while not self._is_ready(self._process.pid):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"postgres did not start:\n{self._log()}")
            time.sleep(_LOOK_EVERY)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """End it: `immediate` is as a crash."""
        if self._process is not None:
            self._process.send_signal(_SIGNALS[mode])
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it for good."""
        self.stop("immediate")
        self._starter.shutdown()

    def _start(self, name: str, *arguments: str, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        command = not_as_root(*before, str(self._binaries / name), *arguments)
        with (self._directory / "log").open("ab") as log:
            # In a session of its own: a terminal's Ctrl-C is for the program that uses it.
            return subprocess.Popen(command, cwd=self._directory, stdout=log, stderr=log, start_new_session=True)  # noqa: S603

    def _is_ready(self, pid: int) -> bool:
        """As `pg_ctl` tells it; the file may be an old one's."""
        try:
            lines = (self._directory / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return lines[:1] == [str(pid)] and lines[-1].strip() == "ready"

    def _log(self) -> str:
        return (self._directory / "log").read_text(errors="replace")[-2000:]


@contextmanager
def postgres_server() -> Generator[PostgresServer]:
    """A server until the end of the block.

    Raises:
        RuntimeError: it is not installed, or does not start.
    """
    binaries = find_binaries()
    if binaries is None:
        raise RuntimeError(MISSING)
    # Not below a directory of the user's own, which another one may not enter.
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = PostgresServer(binaries, directory)
    try:
        if os.geteuid() == 0:
            os.chown(directory, pwd.getpwnam(_other_user()).pw_uid, -1)
        server.create()
        server.start()
        yield server
    finally:
        server.close()
        shutil.rmtree(directory)


def not_as_root(*command: str) -> list[str]:
    """The command by which the server's user runs a command: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return [*command]
    return ["setpriv", f"--reuid={_other_user()}", "--clear-groups", *command]


def find_binaries() -> Path | None:
    """The directory of initdb and postgres: Debian keeps them off PATH."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def _other_user() -> str:
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
