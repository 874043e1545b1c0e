"""Reads the lists of calls and batches again and again, at most six requests a minute, behind all other requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import define, field

from trudy.cli.listen.changes import LAG, SimulatedEvent, WatchState, sweep
from trudy.errors import AuthenticationError, PermissionDeniedError, TrudyError
from trudy.models import BatchCall, Call
from trudy.pagination import PAGE_SIZE, AsyncPage, AsyncPager

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient
    from trudy.clock import Clock
    from trudy.options import RequestOptions
    from trudy.webhooks.sample_events import IdNames

    OnSwept = Callable[[WatchState, Sequence[SimulatedEvent]], object]
    OnTrouble = Callable[[str], object]

REQUESTS_A_MINUTE: Final = 6
"""All requests together. More would tell events sooner, and take requests from the account's own program."""
INTERVAL: Final = 15.0
"""Seconds between two looks at the calls; batches, which change less often, are read at every second look. With one
page each that is six requests a minute."""
MOST_PAGES: Final = 5
"""Pages of one look: more would make the next look at the newest calls too late."""
CATCH_UP_PAGES: Final = 20
"""Pages of the first look that has to reach back, some minutes: 2,000 calls."""
_MINUTE: Final = 60.0
_LONGEST_CALL: Final = 7200.0
"""Seconds after its creation for which an unfinished call is looked for on deeper pages. A call that hangs for ever
would else cost pages for ever."""

T = TypeVar("T", Call, BatchCall)


class RequestPace:
    """Lets six requests go in any minute of the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=REQUESTS_A_MINUTE)

    async def wait(self) -> None:
        """Wait until one more request may go."""
        while len(self._sent) == REQUESTS_A_MINUTE:
            pause = self._sent[0] + _MINUTE - self._clock.monotonic()
            if pause <= 0:
                return
            await self._clock.sleep(pause)

    async def before_send(self) -> None:
        """Count a request that leaves now; one that is sent again after a refusal may have to wait here."""
        await self.wait()
        self._sent.append(self._clock.monotonic())


@define(kw_only=True)
class Watcher:
    """Watches the calls and batches of an account until it is cancelled.

    Attributes:
        state: what is known; None to tell what happens from `started` on.
        started: the monotonic time of the client's clock at which the watch began.
        reaches_back: whether the first look reads as far back as `state.since`.
        on_swept: given the new state and the events, after each look.
        on_trouble: given a line for the person, when a look fails and when looks succeed again.
    """

    client: AsyncTrudyClient
    on_swept: OnSwept
    on_trouble: OnTrouble
    started: float
    state: WatchState | None = None
    reaches_back: bool = False
    ids: IdNames = "provider"
    looks: int = 0
    _pace: RequestPace = field(init=False)
    _is_failing: bool = field(init=False, default=False)
    _answered_at: datetime | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._pace = RequestPace(self.client.clock)

    async def run(self) -> None:
        """Look again and again. What cannot be read is read at the next look, and nothing is lost meanwhile.

        Raises:
            AuthenticationError: the key is wrong, or no longer valid.
            PermissionDeniedError: the key may not list calls or batches.
        """
        clock = self.client.clock
        while True:
            began = clock.monotonic()
            try:
                await self.look()
            except (AuthenticationError, PermissionDeniedError):
                raise
            except TrudyError as error:
                if not error.retryable and not self.looks:
                    raise
                if not self._is_failing:
                    self.on_trouble(f"cannot read the lists: {error}; trying again")
                self._is_failing = True
            else:
                if self._is_failing:
                    self.on_trouble("the lists can be read again")
                self._is_failing = False
            await clock.sleep(max(0.0, began + INTERVAL - clock.monotonic()))

    async def look(self) -> None:
        """Read the calls, and at every second look the batches, and tell what has changed."""
        clock = self.client.clock
        began = clock.monotonic()
        calls = await self._calls()
        now = self._now()
        known = self.state or WatchState(since=now - (clock.monotonic() - self.started) - self._doubt())
        self._tell(*sweep(known, calls=calls, now=now, began=now - (clock.monotonic() - began), ids=self.ids))
        if self.looks % 2 == 0:
            batches = await self._batches()
            self._tell(*sweep(self.state or known, batches=batches, now=self._now()))
        self.looks += 1

    def _tell(self, state: WatchState, events: Sequence[SimulatedEvent]) -> None:
        self.state = state
        self.on_swept(state, events)

    def _now(self) -> float:
        """The server's time: as the last answer told it, which holds for a sandbox that runs faster too."""
        if self._answered_at is not None:
            return self._answered_at.timestamp()
        server = self.client.server_clock
        return self.client.clock.time() if server is None else server.now().timestamp()

    def _doubt(self) -> float:
        """Seconds by which that time may be wrong: rather tell an event of just before the start than lose one."""
        server = self.client.server_clock
        return 0.0 if server is None else server.uncertainty

    def _options(self) -> RequestOptions:
        # The next look takes the place of a retry.
        return {"lane": "bulk", "max_retries": 0, "before_send": self._pace.before_send}

    async def _calls(self) -> list[Call]:
        """The newest calls: back to the last look, and to the oldest call that is not over."""
        state, now = self.state, self._now()
        is_first = state is None or state.swept_at is None
        mark = now if state is None else state.swept_at or state.since
        known = [] if state is None else [*state.calls.items()]
        wanted = {
            call_id: seen.created_at
            for call_id, seen in known
            if not seen.is_over and seen.created_at is not None and seen.created_at > now - _LONGEST_CALL
        }
        back_to = mark - (_LONGEST_CALL if is_first else LAG)
        most = CATCH_UP_PAGES if self.reaches_back and not self.looks else MOST_PAGES

        def is_enough(rows: Collection[Call]) -> bool:
            oldest = _oldest(rows)
            there = {row.id for row in rows}
            missing = [made for call_id, made in wanted.items() if call_id not in there]
            return oldest is not None and oldest < min(back_to, *missing, float("inf"))

        rows, is_cut = await self._pages(
            self.client.calls.list(page_size=PAGE_SIZE, **self._options()), most, is_enough
        )
        oldest = _oldest(rows)
        if is_cut and (self.reaches_back or not is_first) and (oldest is None or oldest >= mark):
            self.on_trouble(f"there are more new calls than one look reads ({len(rows):,}): some events are not told")
        return rows

    async def _batches(self) -> list[BatchCall]:
        """The newest batches, as far as one that is not over lies."""
        known = [] if self.state is None else [*self.state.batches.items()]
        wanted = {batch_id for batch_id, seen in known if not seen.status.is_final}

        def is_enough(rows: Collection[BatchCall]) -> bool:
            return wanted <= {row.id for row in rows}

        pager = self.client.batch_calls.list(page_size=PAGE_SIZE, **self._options())
        return (await self._pages(pager, MOST_PAGES, is_enough))[0]

    async def _pages(
        self, pager: AsyncPager[T], most: int, is_enough: Callable[[Collection[T]], bool]
    ) -> tuple[list[T], bool]:
        """Rows of the pages up to the one with which it is enough; and whether there would be more."""
        await self._pace.wait()
        page: AsyncPage[T] | None = await pager
        rows = list[T]()
        for _ in range(most):
            if page is None:
                return rows, False
            rows += page.data
            self._answered_at = page.meta.server_time
            if not page.has_next() or is_enough(rows):
                return rows, False
            if _ < most - 1:
                await self._pace.wait()
                page = await page.next_page()
        return rows, True


def _oldest(rows: Collection[Call]) -> float | None:
    """When the oldest of the rows was made, if they come newest first: else the next page may hold newer ones."""
    made = [row.created_at.timestamp() for row in rows if row.created_at is not None]
    return made[-1] if made and made == sorted(made, reverse=True) else None
