"""`trudy login`, `logout` and `profiles`: keys that are kept in the system keyring, by a name."""

from __future__ import annotations

import os
from getpass import getpass
from typing import Annotated

import typer

from trudy._environment import find_base_url
from trudy.cli import profiles
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError, failure_of
from trudy.cli.groups import group, single
from trudy.cli.output import show_list
from trudy.cli.profiles import DEFAULT_PROFILE, PROFILE_VARIABLE, Profile
from trudy.cli.shell import Shell, shell_of
from trudy.errors import AuthenticationError, ConfigurationError, TrudyError

app = single()
logout_app = single()
profiles_app = group("List the kept keys by name, or choose one.")


@app.command()
def login(context: typer.Context) -> None:
    """Ask for a key, or read it from standard input, try it, and keep it in the system keyring."""
    shell = shell_of(context)
    name = shell.profile or os.environ.get(PROFILE_VARIABLE) or DEFAULT_PROFILE
    profiles.check_name(name)
    profile = Profile(name=name, base_url=find_base_url(shell.base_url, allow_http=False))
    if shell.dry_run:
        shell.say(f"would try a key at {profile.base_url} and keep it as profile {name!r}")
        return
    _check_keyring()
    key = _read_key(shell, profile)
    _try(key, profile)
    profiles.keep(profile, key)
    shell.say(f"The key works. It is kept as profile {name!r}, which commands use from now on.")
    if (taken := _variable_that_wins()) is not None:
        shell.say(f"But {taken} is set in this shell and wins over it: unset {taken}")


@logout_app.command()
def logout(context: typer.Context) -> None:
    """Delete a profile and its key from the system keyring; the key itself stays valid."""
    shell = shell_of(context)
    profile = profiles.find_profile(shell.profile)
    if profile is None:
        raise CommandError("no profile is in use", "trudy profiles list shows them; choose with --profile NAME")
    if shell.dry_run:
        shell.say(f"would delete profile {profile.name!r} and its key")
        return
    had_key = profiles.forget(profile)
    what = "and its key are" if had_key else "is"
    shell.say(f"Profile {profile.name!r} {what} deleted from this machine; revoke the key itself in the dashboard.")


@profiles_app.command("list")
def list_profiles(context: typer.Context) -> None:
    """List the profiles, without their keys."""
    found = profiles.read_profiles()
    rows = [
        {"id": name, "base_url": url, "active": name == found.active} for name, url in sorted(found.base_urls.items())
    ]
    show_list(shell_of(context), [rows], columns=("id", "base_url", "active"))


@profiles_app.command("use")
def use_profile(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="As trudy profiles list has it.")]
) -> None:
    """Choose the profile that commands use where none is named."""
    profile = profiles.use(name)
    shell_of(context).say(f"Commands use profile {profile.name!r} at {profile.base_url} from now on.")


def _check_keyring() -> None:
    """Before the key is asked for: nobody should type it in for nothing."""
    try:
        profiles.check_keyring()
    except ConfigurationError as error:
        failure = failure_of(error)
        what, advice = failure.what, failure.advice
        if failure.code is not ExitCode.EXTRA_MISSING:
            what, _, advice = what.partition("; ")
        advice = f"{advice[:1].upper()}{advice[1:]}"
        raise CommandError(f"no key was kept: {what}", advice, code=failure.code) from None


def _read_key(shell: Shell, profile: Profile) -> str:
    if shell.terminal.can_ask:
        key = getpass(f"API key for {profile.base_url} (not shown): ", shell.terminal.err).strip()
    else:
        key = shell.terminal.input.readline().strip()
    if not key:
        raise CommandError("no key was given", "Type it when asked, or give it on standard input, never as an option.")
    return key


def _try(key: str, profile: Profile) -> None:
    from trudy import TrudyClient

    try:
        with TrudyClient(key, base_url=profile.base_url) as client:
            client.agents.list(limit=1)
    except AuthenticationError:
        raise CommandError(
            f"{profile.base_url} refuses this key, so it was not kept",
            "Copy the whole key from the dashboard, and look whether it is for this address.",
            code=ExitCode.NOT_ALLOWED,
        ) from None
    except TrudyError as error:
        failure = failure_of(error)
        raise CommandError(f"the key was not kept: {failure.what}", failure.advice, code=failure.code) from None


def _variable_that_wins() -> str | None:
    return next((name for name in ("TRUDY_API_KEY", "TRUEDY_API_KEY") if os.environ.get(name)), None)
