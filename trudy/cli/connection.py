"""Clients for commands: with the key of the environment, or of a profile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from trudy.cli.dry_run import KEY, NotSent
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.cli.profiles import find_profile, key_of
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    from trudy import AsyncTrudyClient, TrudyClient
    from trudy.cli.shell import Shell
    from trudy.hooks import Event, Hook

_WORTH_TELLING: Final = 3.0
"""Seconds of a wait that a person is told of: shorter ones would only fill the screen, longer ones look like a hang."""


@frozen(kw_only=True)
class Access:
    """What a client needs; None where the client reads the environment by itself."""

    api_key: str | None = field(repr=False)
    base_url: str | None


def open_client(shell: Shell) -> TrudyClient:
    """A sync client; use it in `with`. It tells the person of long waits.

    Raises:
        CommandError: there is no key.
        ConfigurationError: there is no such profile, or its key is for another address.
    """
    from trudy import TrudyClient

    access = access_of(shell)
    steps = (NotSent(),) if shell.dry_run else ()
    return TrudyClient(access.api_key, base_url=access.base_url, middleware=steps, hooks=(_telling_waits(shell),))


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


def _telling_waits(shell: Shell) -> Hook:
    from trudy.hooks import RateLimitWait, RetryScheduled

    def tell(event: Event) -> None:
        match event:
            case RateLimitWait(seconds=seconds) if seconds >= _WORTH_TELLING:
                shell.say(f"the rate limit is reached: waiting {seconds:.0f} s for the next window")
            case RetryScheduled(seconds=seconds, reason=reason) if seconds >= _WORTH_TELLING:
                shell.say(f"{reason}: trying again in {seconds:.0f} s")
            case _:
                pass

    return tell


def _environment_has_a_key() -> bool:
    return bool(os.environ.get("TRUDY_API_KEY") or os.environ.get("TRUEDY_API_KEY"))
