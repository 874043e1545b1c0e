"""Clients for commands: with the key of the environment, or of a profile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attrs import field, frozen

from trudy.cli.dry_run import KEY, NotSent
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.cli.profiles import find_profile, key_of
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    from trudy import AsyncTrudyClient, TrudyClient
    from trudy.cli.shell import Shell


@frozen(kw_only=True)
class Access:
    """What a client needs; None where the client reads the environment by itself."""

    api_key: str | None = field(repr=False)
    base_url: str | None


def open_client(shell: Shell) -> TrudyClient:
    """A sync client; use it in `with`.

    Raises:
        CommandError: there is no key.
        ConfigurationError: there is no such profile, or its key is for another address.
    """
    from trudy import TrudyClient

    access = access_of(shell)
    steps = (NotSent(),) if shell.dry_run else ()
    return TrudyClient(access.api_key, base_url=access.base_url, middleware=steps)


def open_async_client(shell: Shell) -> AsyncTrudyClient:
    """An async client; use it in `async with`. Raises as `open_client` does."""
    from trudy import AsyncTrudyClient

    access = access_of(shell)
    steps = (NotSent(),) if shell.dry_run else ()
    return AsyncTrudyClient(access.api_key, base_url=access.base_url, middleware=steps)


def access_of(shell: Shell) -> Access:
    """The key and address to use: `--profile`, else the environment, else the default profile.

    Raises:
        CommandError: there is no key.
        ConfigurationError: there is no such profile, or its key is for another address.
    """
    if shell.profile is None and _environment_has_a_key():
        return Access(api_key=None, base_url=shell.base_url)
    profile = find_profile(shell.profile)
    if profile is not None:
        if shell.base_url not in (None, profile.base_url):
            raise ConfigurationError(f"the key of profile {profile.name!r} is for {profile.base_url} only")
        return Access(api_key=KEY if shell.dry_run else key_of(profile), base_url=profile.base_url)
    if shell.dry_run:
        return Access(api_key=KEY, base_url=shell.base_url)
    raise CommandError(
        "there is no API key, neither in TRUDY_API_KEY nor kept by trudy login",
        "Run trudy login, or try it without an account: trudy sandbox",
        code=ExitCode.NOT_ALLOWED,
    )


def _environment_has_a_key() -> bool:
    return bool(os.environ.get("TRUDY_API_KEY") or os.environ.get("TRUEDY_API_KEY"))
