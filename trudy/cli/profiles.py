"""Profiles: names and base URLs in a file of the user's, their keys in the system keyring and nowhere else.

A key is kept under the base URL it is for: who changes the URL in the file gets no key sent there.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from attrs import evolve, field, frozen

from trudy import _checks
from trudy.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

DEFAULT_PROFILE: Final = "default"
PROFILE_VARIABLE: Final = "TRUDY_PROFILE"
CONFIG_VARIABLE: Final = "TRUDY_CONFIG_DIR"
_SERVICE: Final = "trudy-python-sdk"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SAFE_PRIORITY: Final = 1
"""What `keyring` gives the backends that it recommends; those below it keep keys in the clear, or nowhere."""
_INSTEAD: Final = "without one, type the key into this shell: read -rs TRUDY_API_KEY && export TRUDY_API_KEY"


@frozen(kw_only=True)
class Profile:
    """A name for a key and the API that it is for."""

    name: str
    base_url: str


@frozen(kw_only=True)
class Profiles:
    """What the file holds.

    Attributes:
        active: the profile that is used when none is named.
        base_urls: where the API of each profile is, by its name.
    """

    active: str | None = None
    base_urls: Mapping[str, str] = field(factory=dict[str, str])


def profiles_path() -> Path:
    """The file: `profiles.json` in `TRUDY_CONFIG_DIR`, else in the user's own folder for settings."""
    if given := os.environ.get(CONFIG_VARIABLE):
        return Path(given) / "profiles.json"
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "trudy" / "profiles.json"


def read_profiles() -> Profiles:
    """The profiles of this user; none where there is no file.

    Raises:
        ConfigurationError: the file cannot be read, or does not hold profiles.
    """
    path = profiles_path()
    try:
        read = cast("object", json.loads(path.read_bytes()))
    except FileNotFoundError:
        return Profiles()
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"cannot read the profiles in {path}: {type(error).__name__}") from None
    whole: Mapping[str, object] = cast("Mapping[str, object]", read) if isinstance(read, dict) else {}
    urls, active = whole.get("profiles"), whole.get("active")
    if not isinstance(urls, dict):
        raise ConfigurationError(f"{path} does not hold profiles; delete it and log in again")
    pairs = cast("Mapping[str, object]", urls).items()
    base_urls = {name: url for name, url in pairs if isinstance(url, str)}
    return Profiles(active=active if isinstance(active, str) and active in base_urls else None, base_urls=base_urls)


def find_profile(name: str | None = None) -> Profile | None:
    """The profile named, else that of `TRUDY_PROFILE`, else the active one; None where nobody has logged in.

    Raises:
        ConfigurationError: there is no profile of that name.
    """
    profiles = read_profiles()
    wanted = name or os.environ.get(PROFILE_VARIABLE) or profiles.active
    if wanted is None:
        return None
    base_url = profiles.base_urls.get(wanted)
    if base_url is None:
        known = f" (there are: {', '.join(sorted(profiles.base_urls))})" if profiles.base_urls else ""
        raise ConfigurationError(f"there is no profile {wanted!r}{known}; trudy login --profile NAME makes one")
    return Profile(name=wanted, base_url=base_url)


def key_of(profile: Profile) -> str:
    """The key of a profile, from the keyring.

    Raises:
        ConfigurationError: there is no keyring, it is locked, or it has no key for this profile and base URL.
    """
    with _keyring() as keyring:
        key = keyring.get_password(_SERVICE, _entry(profile))
    if not key:
        raise ConfigurationError(
            f"the keyring has no key for profile {profile.name!r} at {profile.base_url};"
            f" trudy login --profile {profile.name}"
        )
    return key


def keep(profile: Profile, key: str) -> None:
    """Keep a key in the keyring, and the profile in the file; it is the active one from now on.

    Raises:
        ConfigurationError: there is no keyring that keeps keys safely, or the file cannot be written.
    """
    check_name(profile.name)
    _checks.non_empty(key, "key")
    profiles = read_profiles()
    with _keyring() as keyring:
        keyring.set_password(_SERVICE, _entry(profile), key)  # pyright: ignore[reportUnknownMemberType]  # its decorator has no types
    old = profiles.base_urls.get(profile.name)
    try:
        _write(Profiles(active=profile.name, base_urls={**profiles.base_urls, profile.name: profile.base_url}))
    except ConfigurationError:
        _delete(profile)
        raise
    if old is not None and old != profile.base_url:
        _delete(Profile(name=profile.name, base_url=old))


def forget(profile: Profile) -> bool:
    """Delete a profile, its key first. Whether the keyring held a key."""
    had_key = _delete(profile)
    profiles = read_profiles()
    left = {name: url for name, url in profiles.base_urls.items() if name != profile.name}
    _write(Profiles(active=None if profiles.active == profile.name else profiles.active, base_urls=left))
    return had_key


def use(name: str) -> Profile:
    """Make a profile the active one.

    Raises:
        ConfigurationError: there is no profile of that name.
    """
    profile = find_profile(name)
    assert profile is not None  # noqa: S101  # one that is named is found, or that raises
    _write(evolve(read_profiles(), active=profile.name))
    return profile


def check_name(name: str) -> None:
    """Raise for a name that no profile may have."""
    if not _NAME.fullmatch(name):
        raise InvalidArgumentError(
            "profile must be 1 to 64 letters, digits, dots, dashes or underscores", argument="profile"
        )


def check_keyring() -> None:
    """Raise where no key can be kept, so that nobody types one in for nothing."""
    with _keyring():
        return


def _delete(profile: Profile) -> bool:
    with _keyring() as keyring:
        if keyring.get_password(_SERVICE, _entry(profile)) is None:
            return False
        keyring.delete_password(_SERVICE, _entry(profile))
    return True


def _entry(profile: Profile) -> str:
    return f"{profile.name} {profile.base_url}"


@contextmanager
def _keyring() -> Generator[KeyringBackend, None, None]:
    """The system's keyring; its own errors become one of ours, with what to do."""
    try:
        from keyring import get_keyring
        from keyring.backends.chainer import ChainerBackend
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"keeping a key needs keyring: pip install 'trudy-python-sdk[keyring]'; {_INSTEAD}"
        ) from None
    try:
        keyring = get_keyring()
        used = keyring.backends[0] if isinstance(keyring, ChainerBackend) and keyring.backends else keyring
        if used.priority < _SAFE_PRIORITY:
            raise ConfigurationError(f"this system has no keyring that keeps keys safely; {_INSTEAD}")
        yield keyring
    except ConfigurationError:
        raise
    except Exception as error:  # backends raise what their libraries do, and an error may quote the key
        raise ConfigurationError(
            f"the system's keyring does not answer ({type(error).__name__}): unlock it; {_INSTEAD}"
        ) from None


def _write(profiles: Profiles) -> None:
    path = profiles_path()
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    text = json.dumps({"active": profiles.active, "profiles": dict(profiles.base_urls)}, indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigurationError(f"cannot write {path}: {type(error).__name__}") from None
