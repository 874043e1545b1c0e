"""A real PostgreSQL, on a loopback port of its own, for one test session."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

MISSING: Final = "these tests need PostgreSQL: install Debian's package `postgresql`, or put initdb and pg_ctl on PATH"


class PostgresServer:
    """A server with its files in a temporary directory. It keeps nothing when the machine stops: `fsync` is off."""

    def __init__(self, binaries: Path, directory: Path) -> None:
        self._binaries = binaries
        self._directory = directory
        self.port = _free_port()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "-D", "data")

    def start(self) -> None:
        options = f"-F -p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=50"
        self._run("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        self._run("pg_ctl", "stop", "-w", "-D", "data", "-m", mode)

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(self._binaries / name), *arguments]
        if os.geteuid() == 0:
            # They refuse to run as root.
            command = ["setpriv", f"--reuid={_other_user()}", "--clear-groups", *command]
        # Into a file: the server would keep a pipe open.
        with (self._directory / f"{name}.out").open("ab") as out:
            done = subprocess.run(command, cwd=self._directory, stdout=out, stderr=out, check=False)
        if done.returncode:
            logs = [self._directory / f"{name}.out", self._directory / "log"]
            raise RuntimeError(f"{name} failed:\n" + "\n".join(log.read_text()[-2000:] for log in logs if log.exists()))


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server until the end of the block."""
    binaries = find_binaries()
    if binaries is None:
        raise RuntimeError(MISSING)
    # Not below pytest's directory, which only its owner may enter.
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.geteuid() == 0:
        os.chown(directory, pwd.getpwnam(_other_user()).pw_uid, -1)
    server = PostgresServer(binaries, directory)
    try:
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(directory)


def find_binaries() -> Path | None:
    """The directory of initdb and pg_ctl: Debian keeps them off PATH."""
    found = shutil.which("pg_ctl")
    if found is not None:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def _other_user() -> str:
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
