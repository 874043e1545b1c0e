"""`trudy listen` at work: the watch and the forwarding, side by side, over one log."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

import anyio
from attrs import define, field

from trudy.cli.listen.changes import SimulatedEvent, WatchState
from trudy.cli.listen.forwarding import Forwarder, receiver_client
from trudy.cli.listen.journal import ForwardAttempt, Journal, LoggedEvent
from trudy.cli.listen.saved_state import read_state, write_state
from trudy.cli.listen.watching import Watcher
from trudy.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from trudy.client import AsyncTrudyClient
    from trudy.webhooks.receiver_url import ReceiverURL
    from trudy.webhooks.sample_events import IdNames


class Screen(Protocol):
    """Shows what happens."""

    def event(self, event: LoggedEvent) -> None:
        """Show an event that has just been made."""
        ...

    def attempt(self, event: LoggedEvent, attempt: ForwardAttempt, *, number: int, is_last: bool) -> None:
        """Show how a receiver answered."""
        ...

    def notice(self, text: str) -> None:
        """Show a line for the person."""
        ...


@define(kw_only=True)
class Listening:
    """Watches an account, and signs, logs, shows and forwards its events, until it is cancelled.

    Attributes:
        account: whose events they are; the state of the watch is kept under this name.
        secret: signs the events.
        since: what happened before is not told, in Unix seconds of the server's clock; None for the present.
        resume: go on where the last watch of this account stopped.
        names: the events to tell; all if empty.
        clock: of the receivers: tells the signed time, and when to try again.
    """

    client: AsyncTrudyClient
    journal: Journal
    screen: Screen
    account: str
    secret: str = field(repr=False)
    receivers: Sequence[ReceiverURL] = ()
    since: float | None = None
    resume: bool = False
    ids: IdNames = "provider"
    names: Collection[str] = ()
    clock: Clock = field(factory=SystemClock)
    http: Callable[[ReceiverURL], httpx.AsyncClient] = receiver_client
    told: int = field(init=False, default=0)
    _started: float = field(init=False)
    _forwarders: dict[str, Forwarder] = field(init=False, factory=dict[str, Forwarder])

    def __attrs_post_init__(self) -> None:
        self._started = self.client.clock.monotonic()

    async def run(self) -> None:
        """Listen until cancelled.

        Raises:
            TrudyError: the lists may not be read, or could not be read at the very first look.
            CommandError: the log cannot be written.
        """
        for receiver in self.receivers:
            self._forwarders[receiver.label] = Forwarder(
                receiver=receiver, secret=self.secret, clock=self.clock, record=self._record, client=self.http
            )
        state = self._begin()
        watcher = Watcher(
            client=self.client,
            on_swept=self._swept,
            on_trouble=self.screen.notice,
            started=self._started,
            state=state,
            reaches_back=state is not None,
            ids=self.ids,
        )
        failures = list[Exception]()

        async def guarded(work: Callable[[], Awaitable[None]]) -> None:
            try:
                await work()
            except Exception as error:  # a group would wrap it, and nobody could tell what failed
                failures.append(error)
                tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            for forwarder in self._forwarders.values():
                tasks.start_soon(guarded, forwarder.run)
            tasks.start_soon(guarded, watcher.run)
        if failures:
            raise failures[0]

    def _begin(self) -> WatchState | None:
        """The state to begin with. What was not delivered before is sent only when a watch goes on."""
        if not self.resume:
            self.journal.forget_waiting(self.account)
            return self._begin_anew()
        text = self.journal.state_of(self.account)
        state = None if text is None else read_state(text)
        if state is None:
            self.screen.notice("there is no earlier watch to go on with: events are told from now on")
            self._begin_anew()
        for waiting in self.journal.waiting(self.account):
            if (forwarder := self._forwarders.get(waiting.url)) is not None:
                forwarder.add(waiting.event, tries=waiting.tries)
        return state

    def _begin_anew(self) -> WatchState | None:
        """Keep a state to go on with even if no look succeeds; until one does, only this machine tells the time."""
        state = None if self.since is None else WatchState(since=self.since)
        kept = state or WatchState(since=self.client.clock.time())
        self.journal.add([], source="listen", account=self.account, state=write_state(kept))
        return state

    def _swept(self, state: WatchState, events: Sequence[SimulatedEvent]) -> None:
        wanted = [event for event in events if not self.names or event.name in self.names]
        logged = self.journal.add(
            wanted, source="listen", account=self.account, urls=[*self._forwarders], state=write_state(state)
        )
        self.told += len(logged)
        for event in logged:
            self.screen.event(event)
            for forwarder in self._forwarders.values():
                forwarder.add(event)

    def _record(self, event: LoggedEvent, attempt: ForwardAttempt, *, number: int, is_last: bool) -> None:
        self.journal.record(event.id, attempt, account=self.account, is_last=is_last)
        self.screen.attempt(event, attempt, number=number, is_last=is_last)
