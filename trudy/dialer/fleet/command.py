"""`python -m trudy.dialer worker`: a process that dials with others until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Final

from trudy._environment import find_base_url, find_sandbox_clock
from trudy.client import AsyncTrudyClient
from trudy.clock import SystemClock
from trudy.dialer.dialer import Dialer
from trudy.dialer.fleet.entry import shared_store
from trudy.dialer.outcome import classify
from trudy.dialer.progress import DialEvent, OnEvent
from trudy.dialer.sql_database import Database
from trudy.dialer.store import StoreBusyError, StoreError
from trudy.errors import TrudyError
from trudy.options import RateLimit
from trudy.rate_limit.postgres import PostgresRateLimiter

logger = logging.getLogger("trudy.dialer")
_CLOCK: Final = SystemClock()
_COMES_WITHIN: Final = 120.0
"""Seconds that a worker which starts waits for its database. More would hide a wrong address for longer, fewer would
not outlast a failover."""
_ASKS_EVERY: Final = 1.0
"""Seconds between two looks for it: more delay the worker, fewer press a server that is just starting."""
_HOOKS: Final = ("should_dial", "classify", "on_outcome", "on_event")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.set_defaults(api_key=None, base_url=None)
    parser.add_argument("--store", required=True, metavar="URL", help="the store: postgresql://user@host/database")
    parser.add_argument(
        "--hooks",
        type=hooks_named,
        metavar="MODULE:OBJECT",
        help=f"an object with some of {', '.join(_HOOKS)}; the same for each worker",
    )
    parser.add_argument(
        "--rate-limit-group",
        default="default",
        metavar="NAME",
        help="the name under which all processes with this API key share its rate limit, in the store's database",
    )
    parser.add_argument(
        "--rate-limit",
        type=int,
        default=RateLimit().limit,
        metavar="N",
        help="requests a minute that the server takes (%(default)s if left out); a lower limit that it states holds",
    )
    parser.add_argument("--until-done", action="store_true", help="end once no campaign runs and no call is open")


def run(arguments: argparse.Namespace) -> int:
    """Work, with a client of the environment. Returns the exit code."""
    try:
        asyncio.run(work(arguments, _show))
    except (StoreBusyError, StoreError, TrudyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:  # while it waits for its database
        return 130
    return 0


async def work(arguments: argparse.Namespace, on_event: OnEvent) -> None:
    """Work as the arguments say. `on_event`: what is told of events if the hooks have nothing for them."""
    hooks = arguments.hooks
    async with _client(arguments) as client:
        dialer = Dialer(client, store=arguments.store)
        await _until_there(shared_store(dialer.store).database)
        async with dialer:
            await dialer.work(
                on_event=getattr(hooks, "on_event", on_event),
                should_dial=getattr(hooks, "should_dial", None),
                classify=getattr(hooks, "classify", classify),
                on_outcome=getattr(hooks, "on_outcome", None),
                until_done=arguments.until_done,
            )


async def _until_there(database: Database) -> None:
    """Wait for a database that is away or still starting. Whatever else is wrong, opening it tells."""
    until = _CLOCK.monotonic() + _COMES_WITHIN
    is_told = False
    while not await database.is_there() and _CLOCK.monotonic() < until:
        if not is_told:
            logger.warning("%s does not answer; it is asked again for %g s", database.name, _COMES_WITHIN)
            is_told = True
        await _CLOCK.sleep(_ASKS_EVERY)


@asynccontextmanager
async def _client(arguments: argparse.Namespace) -> AsyncGenerator[AsyncTrudyClient, None]:
    """Its requests count with those of the others. Not on a sandbox of faster time: what they share keeps real time."""
    access = (arguments.api_key, arguments.base_url)
    if access == (None, None) and find_sandbox_clock(find_base_url(None, allow_http=False)) is not None:
        async with AsyncTrudyClient(rate_limit=False) as client:
            yield client
        return
    limiter = PostgresRateLimiter(
        _without_driver(arguments.store), rate_limit=arguments.rate_limit, group=arguments.rate_limit_group
    )
    try:
        async with AsyncTrudyClient(access[0], base_url=access[1], rate_limiter=limiter) as client:
            yield client
    finally:
        limiter.close()


def _without_driver(store: str) -> str:
    """A URL as PostgreSQL's own library reads it: SQLAlchemy's may name a driver."""
    scheme, separator, rest = store.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"


def _show(event: DialEvent) -> None:
    sys.stdout.write(f"{event}\n")
    sys.stdout.flush()


def hooks_named(text: str) -> object:
    """The object of a `MODULE:OBJECT`, imported."""
    module, _, name = text.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be imported: {error}") from None
    if not any(hasattr(found, hook) for hook in _HOOKS):
        raise argparse.ArgumentTypeError(f"{text!r} has none of {', '.join(_HOOKS)}")
    return found
