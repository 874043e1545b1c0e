"""Whether a store knows every call that it placed: one that was restored from a backup has forgotten some."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from attrs import define, field

from trudy.clock import Clock
from trudy.dialer.store import Store
from trudy.dialer.sweep import Sweep
from trudy.errors import TrudyError

LIST_MAY_LAG: Final = 15.0
"""Seconds that a resumed run waits before it dials: a call that was placed just before, and is in no list yet, may be
one that a restored store has forgotten. Lists were seen to lag by 10."""
FORGOTTEN_SHOWS_WITHIN: Final = 360.0
"""Seconds to wait where a replica that lags may have been promoted, while other workers have requests on the wire: the
server may think for 180 and ring 160 after that. Less would dial a number for which a forgotten call is yet to come."""
FORGOTTEN: Final = (
    "{} calls were placed that this store has forgotten; was a backup restored? Their rows are held; run the same plan"
    " again to go on with the others"
)
"""The reason of a campaign that is halted for it."""
_ASK_EVERY: Final = 10.0
"""Seconds between two questions while the API gives no answer: more often costs requests for nothing."""


@define(kw_only=True, eq=False)
class AmnesiaGuard:
    """Compares a store with the API's own record.

    Attributes:
        on_forgotten: told how many calls were found that the store had forgotten; their rows are held.
        on_refused: told why the API does not let its calls be seen.
    """

    store: Store
    sweep: Sweep
    clock: Clock
    server_now: Callable[[], float]
    on_forgotten: Callable[[int], Awaitable[None]] = field()
    on_refused: Callable[[str], Awaitable[None]] = field()

    async def passes(self) -> bool:
        """Whether the store has forgotten nothing. Takes a while where it has ever dialed."""
        began_at, began = self.server_now(), self.clock.monotonic()
        change = await self.store.server_change()
        since = await self.store.last_activity_at()
        if not await self._knows_all(since):
            return False
        if await self.store.has_dialed():
            lag = LIST_MAY_LAG if change is None or change.keeps_data else FORGOTTEN_SHOWS_WITHIN
            await self.clock.sleep(max(0.0, began + lag - self.clock.monotonic()))
            if not await self._knows_all(max(since, began_at - LIST_MAY_LAG)):
                return False
        if change is not None:
            await self.store.guarded(change.server)
        return True

    async def _knows_all(self, since: float) -> bool:
        while True:
            try:
                adopted = await self.sweep.adopt_forgotten(since)
            except TrudyError as error:
                if not error.retryable:
                    await self.on_refused(error.code)
                    return False
                await self.clock.sleep(_ASK_EVERY)
                continue
            if adopted:
                await self.on_forgotten(adopted)
            return not adopted
