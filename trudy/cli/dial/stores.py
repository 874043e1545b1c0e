"""Dialers for commands: with the API, or for what only the store knows; and the campaigns of a store."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
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
        CommandError: the store is busy or cannot be used.
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
    from trudy.dialer import Dialer

    async with (
        open_async_client(evolve(shell, dry_run=False)) as client,
        Dialer(client, store=store, region=region) as dialer,
    ):
        yield dialer


@asynccontextmanager
async def open_store(store: str, region: str | None = None, *, may_be_new: bool = False) -> AsyncGenerator[Dialer]:
    """A dialer for what the store knows: it sends nothing, and needs no key.

    Raises:
        CommandError: there is no such file, and none is to be made.
    """
    from trudy import AsyncTrudyClient
    from trudy.dialer import Dialer

    if not may_be_new:
        _check_is_there(store)
    async with AsyncTrudyClient(_no_key) as client, Dialer(client, store=store, region=region) as dialer:
        yield dialer


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


def _no_key() -> str:
    raise ConfigurationError("this command sends no request, so it has no key")
