"""A run that Ctrl-C ends in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from trudy.dialer.fleet.fleet_worker import FleetWorker
    from trudy.dialer.running import CampaignRun
    from trudy.dialer.store import Store


_SILENT: Final = 60.0
"""Seconds that a transaction of a run may take. More leaves it standing for longer where its connection is dead and
nobody says so; fewer would cut off one of a database that is merely slow."""
_HANGS: Final = 10.0
"""Seconds that it may take when the run is to end. Fewer would cut off one that is merely slow; more let
whoever ends the process lose patience."""
_LOOKS_EVERY: Final = 1.0
"""Seconds between two looks for such a transaction: more put off the end, fewer gain nothing."""


async def until_interrupted(run: CampaignRun | FleetWorker, *signals: signal.Signals) -> bool:
    """Run until the end, or until Ctrl-C or one of these signals; whether it was that. Outside of the main thread
    nobody listens for them."""
    interrupted = False

    async def listen(scope: anyio.CancelScope) -> None:
        nonlocal interrupted
        with anyio.open_signal_receiver(*heard) as received:
            async for _ in received:
                if interrupted:
                    run.store.cut(0.0)
                    scope.cancel()
                else:
                    interrupted = True
                    await run.interrupt()

    heard = (signal.SIGINT, *signals)
    previous = {each: signal.getsignal(each) for each in heard}
    is_main = threading.current_thread() is threading.main_thread()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cut_what_hangs, run.store, lambda: _HANGS if interrupted else _SILENT)
            if is_main:
                tasks.start_soon(listen, tasks.cancel_scope)
            await run.until_over()
            tasks.cancel_scope.cancel()
    finally:
        if is_main:
            for each, handler in previous.items():
                signal.signal(each, handler)
    if run.failure is not None:
        raise run.failure
    return interrupted


async def _cut_what_hangs(store: Store, after: Callable[[], float]) -> None:
    """A database that does not answer must not hold up a run for ever, and not keep it from its end."""
    while True:
        await anyio.sleep(_LOOKS_EVERY)
        store.cut(after())
