"""Whether the server's time is still known: the wall clock may be set while a run goes on, or the machine may sleep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
from attrs import define, field

from trudy.errors import TrudyError

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient
    from trudy.clock import Clock

CLOCK_MOVED: Final = 5.0
"""Seconds by which the wall clock may move against the monotonic one: less would take a clock that is being set by and
by for one that was moved."""
_ASK_EVERY: Final = 10.0
"""Seconds between two requests for the server's time while none is answered: more often costs requests for nothing."""
_CONFIRM_EVERY: Final = 1.0
"""Seconds between two answers of which one confirms the other: sooner ones do not tell how fast a clock runs."""
_MOST_CONFIRMED: Final = 13
"""Answers after which the server's clock is taken for a wild one: by then the client believes every other. More would
hold up the calls, less would dial by this machine's own clock."""


@define(kw_only=True, eq=False)
class ClockGuard:
    """Sees that the wall clock moved against the monotonic one since the server's time was learned."""

    client: AsyncTrudyClient
    clock: Clock
    _wall_ahead: float = field(init=False, default=float("nan"))
    """The wall clock less the monotonic one when the server's time was learned last."""
    _asking: anyio.Lock = field(init=False, factory=anyio.Lock)
    _was_known: bool = field(init=False, default=False)
    """Whether the server told its time then; else there is nothing to learn again."""

    def learned(self) -> None:
        """The server's time is known, by the clocks as they stand now."""
        self._was_known = self.client.server_clock is not None
        self._wall_ahead = self._ahead()

    def moved(self) -> bool:
        """Whether the clock was moved since, so that nobody knows the server's time; False before `learned`."""
        return abs(self._ahead() - self._wall_ahead) > CLOCK_MOVED

    async def until_sure(self) -> None:
        """Ask the server for its time, of which nobody is sure since a clock was moved; at once where none was."""
        if not self.moved():
            return
        async with self._asking:  # others may wait for it as well
            while self.moved():
                ahead = self._ahead()
                if await self._is_told():
                    self._wall_ahead = ahead

    async def _is_told(self) -> bool:
        """Whether the server told its time.

        A machine that sleeps again and again looks to its client like a server whose clock runs wild, so it may take
        several answers until the client believes them.
        """
        for _ in range(_MOST_CONFIRMED):
            try:
                await self.client.calls.list(limit=1, lane="bulk")
            except TrudyError:
                await self.clock.sleep(_ASK_EVERY)
                return False
            if self.client.server_clock is not None or not self._was_known:
                break
            await self.clock.sleep(_CONFIRM_EVERY)
        return True

    def _ahead(self) -> float:
        return self.clock.time() - self.clock.monotonic()
