"""A real Redis, on a loopback port of its own, for one test session."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

BINARY: Final = shutil.which("redis-server")


@contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """The URL of a server that keeps nothing, until the end of the block."""
    import redis

    # Not a Unix socket, as users of the guard connect over TCP.
    port = _free_port()
    assert BINARY is not None
    process = subprocess.Popen(
        [
            BINARY,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(directory),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ready to accept connections" in line:
                break
        else:
            raise RuntimeError("redis-server ended before it was ready")
        url = f"redis://127.0.0.1:{port}/0"
        with redis.Redis.from_url(url) as client:
            assert client.ping()
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
