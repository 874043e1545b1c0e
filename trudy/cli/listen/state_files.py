"""The files that `trudy listen` keeps in the user's state directory: only the user can read them."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.webhooks.signing import environment_keys

STATE_VARIABLE: Final = "TRUDY_STATE_DIR"
_SECRET: Final = re.compile(r"whsec_[A-Za-z0-9_-]{32,}")


def state_directory() -> Path:
    """`TRUDY_STATE_DIR`, else `trudy` in the user's own folder for state; made if it is missing.

    Raises:
        CommandError: it cannot be made.
    """
    if given := os.environ.get(STATE_VARIABLE):
        folder = Path(given)
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support" / "trudy"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or "")
        folder = (base if base.is_absolute() else Path.home() / ".local" / "state") / "trudy"
    with _readable_advice(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def private_file(path: Path) -> None:
    """Make a file that only the user can read, or make the one that is there so.

    Raises:
        CommandError: it cannot be made.
    """
    with _readable_advice(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)


def listen_secret() -> str:
    """The secret that signs events on this machine: made once, then always the same.

    Raises:
        CommandError: its file cannot be written or read, or holds no secret.
    """
    path = state_directory() / "webhook-secret"
    if not path.exists():
        _write_secret(path)
    private_file(path)
    with _readable_advice(path):
        text = path.read_text(encoding="ascii", errors="replace").strip()
    if not _SECRET.fullmatch(text):
        raise CommandError(f"{path} holds no secret", "Delete it: a new secret is made at the next start.")
    return text


def receiver_secret() -> str:
    """The first secret of `TRUDY_WEBHOOK_SECRET`, else the one of `listen_secret`."""
    keys = environment_keys()
    return keys[0].secret.decode() if keys else listen_secret()


@contextmanager
def only_one(name: str) -> Generator[None]:
    """While the block runs, no other process can enter one of the same name. A process that dies leaves it.

    Raises:
        CommandError: another process is in it.
    """
    path = state_directory() / f"{name}.lock"
    private_file(path)
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                "another trudy listen already watches this account",
                "End that one, or give it several --forward-to: together they would read the lists twice as often.",
                code=ExitCode.STORE_BUSY,
            ) from None
        yield


def _write_secret(path: Path) -> None:
    """Written aside and then linked: nobody can read half of it, and of two that start at once one wins."""
    part = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with _readable_advice(path):
        private_file(part)
        try:
            part.write_text(f"whsec_{secrets.token_urlsafe(32)}\n", encoding="ascii")
            os.link(part, path)
        except FileExistsError:
            return
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _readable_advice(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(
            f"cannot use {path}: {error.strerror or type(error).__name__}",
            f"Look whether you may write there, or set {STATE_VARIABLE} to another folder.",
        ) from None
