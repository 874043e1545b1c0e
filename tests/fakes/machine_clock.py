"""The clocks of a machine whose time of day somebody sets, and which may sleep while the world goes on."""

from __future__ import annotations

from trudy.sandbox import JumpingClock


class MachineClock:
    """Follows a sandbox's clock, but for what happens to the machine.

    Attributes:
        wrong_by: seconds by which its time of day is ahead.
        slept: seconds for which its monotonic clock stood still.
    """

    def __init__(self, clock: JumpingClock) -> None:
        self._clock = clock
        self.wrong_by = 0.0
        self.slept = 0.0
        self.hold = clock.hold  # as the store of a dialer uses it

    def time(self) -> float:
        return self._clock.time() + self.wrong_by

    def monotonic(self) -> float:
        return self._clock.monotonic() - self.slept

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    async def sleep_machine(self, seconds: float) -> None:
        """The machine is off while the world goes on."""
        began = self._clock.monotonic()
        await self._clock.sleep(seconds)
        self.slept += self._clock.monotonic() - began
