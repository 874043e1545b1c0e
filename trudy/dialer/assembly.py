"""A run put together: what places calls, what looks for their ends, and the hooks that both ask and tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutine
from typing import TYPE_CHECKING

from attrs import frozen

from trudy._concurrency.loops import Wakeup
from trudy._masking import mask_phone
from trudy.dialer.clock_guard import ClockGuard
from trudy.dialer.endings import Classify, Endings, OnOutcome
from trudy.dialer.placing import Placer, ShouldDial, worker_name
from trudy.dialer.plan import Plan
from trudy.dialer.progress import DialEvent, OnEvent, of_a_hook
from trudy.dialer.records import DueRow, OpenAttempt
from trudy.dialer.running import CampaignRun
from trudy.dialer.store import Store
from trudy.dialer.sweep import Sweep
from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient
    from trudy.clock import Clock


@frozen(kw_only=True)
class RunHooks:
    """What the caller of a run has a say in, or is told of."""

    on_event: OnEvent | None
    should_dial: ShouldDial | None
    classify: Classify
    on_outcome: OnOutcome | None

    def tell(self, kind: str, contact: DueRow | None, detail: str) -> None:
        """Tell `on_event`."""
        if self.on_event is None:
            return
        event = DialEvent(
            kind=kind,
            row=None if contact is None else contact.id,
            number="" if contact is None else mask_phone(contact.number),
            detail=detail,
            phone_number="" if contact is None else contact.number,
        )
        with of_a_hook():
            told = self.on_event(event)
            if iscoroutine(told):
                told.close()
                raise InvalidArgumentError("on_event must be a plain function: nobody awaits it", argument="on_event")


def assembled_run(
    plan: Plan,
    hooks: RunHooks,
    *,
    client: AsyncTrudyClient,
    store: Store,
    clock: Clock,
    server_now: Callable[[], float],
    event_of: Callable[[str], object],
    look_soon: Wakeup,
    watch_every: float,
) -> CampaignRun:
    """A run of a plan that has yet to begin. `event_of`: the last webhook event of a call's id."""

    async def stop(campaign: str, reason: str) -> None:
        await run.pause(campaign, reason)

    clock_guard = ClockGuard(client=client, clock=clock)
    placer = placer_of(
        hooks,
        client=client,
        store=store,
        clock=clock,
        server_now=server_now,
        worker=worker_name(),
        clock_moved=clock_guard.moved,
        on_stop=stop,
    )
    sweep = sweep_of(
        hooks,
        client=client,
        store=store,
        server_now=server_now,
        event_of=event_of,
        is_awaited=lambda attempt: attempt.id in placer.awaited,
    )
    run = CampaignRun(
        client=client,
        store=store,
        clock=clock,
        server_now=server_now,
        plan=plan,
        placer=placer,
        sweep=sweep,
        clock_guard=clock_guard,
        look_soon=look_soon,
        on_event=hooks.tell,
        watch_every=watch_every,
    )
    placer.on_refused = run.judge
    return run


def placer_of(
    hooks: RunHooks,
    *,
    client: AsyncTrudyClient,
    store: Store,
    clock: Clock,
    server_now: Callable[[], float],
    worker: str,
    clock_moved: Callable[[], bool],
    on_stop: Callable[[str, str], Awaitable[None]],
    patience: float = 0.0,
) -> Placer:
    """What places calls, and asks the hooks."""
    return Placer(
        client=client,
        store=store,
        clock=clock,
        server_now=server_now,
        worker=worker,
        should_dial=hooks.should_dial,
        clock_moved=clock_moved,
        on_stop=on_stop,
        on_event=hooks.tell,
        patience=patience,
    )


def sweep_of(
    hooks: RunHooks,
    *,
    client: AsyncTrudyClient,
    store: Store,
    server_now: Callable[[], float],
    event_of: Callable[[str], object],
    is_awaited: Callable[[OpenAttempt], bool],
) -> Sweep:
    """What looks for the ends of calls, and asks the hooks what follows."""
    return Sweep(
        client=client,
        store=store,
        server_now=server_now,
        is_awaited=is_awaited,
        endings=Endings(
            client=client,
            store=store,
            server_now=server_now,
            classify=hooks.classify,
            event_of=event_of,
            on_outcome=hooks.on_outcome,
            on_event=hooks.tell,
        ),
        on_event=hooks.tell,
    )
