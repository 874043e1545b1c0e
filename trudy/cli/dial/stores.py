"""Dialers for commands: with the API, or for what only the store knows; and the campaigns of a store."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
from attrs import evolve

from trudy.cli.connection import open_async_client
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    from trudy.cli.shell import Shell
    from trudy.dialer import Dialer
    from trudy.dialer.records import CampaignRecord

T = TypeVar("T")


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Run a command's work on an event loop; errors of the store become exit codes.

    Raises:
        CommandError: the store is busy or cannot be used, or the extra is missing.
    """
    from trudy.dialer.store import StoreBusyError, StoreError

    try:
        return anyio.run(work)
    except StoreBusyError as error:
        raise CommandError(
            str(error), "One process at a time dials from a store; trudy dial status shows how it goes.",
            code=ExitCode.STORE_BUSY,
        ) from None  # fmt: skip
    except StoreError as error:
        raise CommandError(str(error), "Look at the file, its disk or its database; nothing is sent without it.") from (
            None
        )


@asynccontextmanager
async def open_dialer(shell: Shell, store: str, region: str | None = None) -> AsyncGenerator[Dialer]:
    """A dialer that may ask the API. A dry run asks it too, and then dials nobody."""
    dialer_class = _dialer_class()
    async with (
        open_async_client(evolve(shell, dry_run=False)) as client,
        dialer_class(client, store=store, region=region) as dialer,
    ):
        yield dialer


@asynccontextmanager
async def open_store(store: str, region: str | None = None, *, may_be_new: bool = False) -> AsyncGenerator[Dialer]:
    """A dialer for what the store knows: it sends nothing, and needs no key.

    Raises:
        CommandError: there is no such file, and none is to be made.
    """
    from trudy import AsyncTrudyClient

    if not may_be_new:
        _check_is_there(store)
    dialer_class = _dialer_class()
    async with AsyncTrudyClient(_no_key) as client, dialer_class(client, store=store, region=region) as dialer:
        yield dialer


@contextmanager
def missing_extras() -> Generator[None]:
    """What the library says of an extra that is not installed, with its own exit code."""
    try:
        yield
    except ConfigurationError as error:
        raise CommandError(error.message, "Install it and run this again.", code=ExitCode.EXTRA_MISSING) from None


async def campaigns_in(dialer: Dialer) -> Sequence[CampaignRecord]:
    """The campaigns of the store, oldest first, without those whose rows are still being read."""
    return [each for each in await dialer.store.campaigns() if each.plan_hash != each.id]


async def campaign_named(dialer: Dialer, word: str | None) -> CampaignRecord:
    """The campaign of an id or of its beginning; the only one of the store where nothing is said.

    Raises:
        CommandError: there is none, or there are several.
    """
    known = await campaigns_in(dialer)
    found = [each for each in known if each.id.startswith(word or "")]
    found = [each for each in found if each.id == word] or found
    if len(found) == 1:
        return found[0]
    if not known:
        raise CommandError("the store has no campaign", "Plan one first: trudy dial plan.")
    what = "there is no campaign of this id" if word and not found else f"there are {len(found)} campaigns it may be"
    raise CommandError(what, "Say which by its id; trudy dial status lists them.")


def _check_is_there(store: str) -> None:
    if "://" not in store and not Path(store).exists():
        raise CommandError(
            f"there is no store at {store}", "Plan a campaign first (trudy dial plan), or say --store PATH."
        )


def _dialer_class() -> type[Dialer]:
    try:
        from trudy.dialer import Dialer
    except ModuleNotFoundError as error:
        raise CommandError(
            f"dialing needs the package {error.name}",
            "Install it: pip install 'trudy-python-sdk[dialer]'",
            code=ExitCode.EXTRA_MISSING,
        ) from None
    return Dialer


def _no_key() -> str:
    raise ConfigurationError("this command sends no request, so it has no key")
