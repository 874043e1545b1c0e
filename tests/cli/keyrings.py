"""Keyrings for tests: one in memory, one that is locked, one that keeps keys in the clear."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    """Keeps keys as long as the test runs."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class LockedKeyring(MemoryKeyring):
    """Refuses everything, and says a key in its error."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("truedy_secret of " + username)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(password)


class StrangeKeyring(MemoryKeyring):
    """Raises what no base class of `keyring` promises."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise LookupError(password)


class PlainKeyring(MemoryKeyring):
    """As `keyrings.alt` has them: a file that anyone may read."""

    priority = 0.5


@contextmanager
def using(backend: KeyringBackend) -> Generator[None, None, None]:
    """Make it the system's keyring."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)
