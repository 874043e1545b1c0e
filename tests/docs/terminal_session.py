"""Runs the shell blocks of a guide one after the other, in one bash on a terminal, and gives what each prints."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.docs.blocks import Block

WIDTH, HEIGHT = 80, 24
_MARK = "\x1e"
"""Stands before the output of each block."""


def outputs(blocks: Sequence[Block], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What each block prints, standard error included, as a person sees it.

    Args:
        blocks: they share the shell: variables of one are there in the next.
        folder: where they run; it holds the files that they read.
        environment: of the shell, beside that of this process.
    """
    (folder / "bin").mkdir()
    command = folder / "bin" / "trudy"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m trudy "$@"\n')
    command.chmod(0o755)
    script = "".join(f"printf '\\036'\n{block.source}" for block in blocks)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    with subprocess.Popen(
        ["bash", "-e", "-c", script],  # noqa: S607  # whichever bash there is
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(Path.cwd()),
            "TERM": "dumb",
            "TZ": "UTC",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
    ) as shell:
        os.close(slave)
        text = _read(master)
    os.close(master)
    parts = text.replace("\r\n", "\n").split(_MARK)[1:]
    assert shell.returncode == 0, f"block {blocks[len(parts) - 1]} fails: {parts[-1:]}"
    return parts


def _read(master: int) -> str:
    """All that is written to a terminal, until nobody has it open any more."""
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # how Linux says that the other end was closed
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces).decode()
