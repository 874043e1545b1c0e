"""A store that may have forgotten calls: how long it is doubted, and what is found meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from attrs import define, field

from tests.dialer.conftest import Night, numbers_ending
from trudy.dialer.amnesia_guard import FORGOTTEN_SHOWS_WITHIN, LIST_MAY_LAG, AmnesiaGuard
from trudy.dialer.assembly import RunHooks, sweep_of
from trudy.dialer.outcome import classify
from trudy.dialer.records import ServerChange
from trudy.dialer.sql_store import SqlStore
from trudy.errors import TrudyError

pytestmark = pytest.mark.anyio


class OnAnotherServer(SqlStore):
    """As one in PostgreSQL tells it."""

    keeps_data = True
    compared: Mapping[str, str] | None = None

    async def server_change(self) -> ServerChange | None:
        return ServerChange(server={"started": "now"}, keeps_data=self.keeps_data)

    async def guarded(self, server: Mapping[str, str]) -> None:
        self.compared = server


@define
class Doubted:
    """A guard over a store that has called one number, and what it told."""

    night: Night
    store: OnAnotherServer
    forgotten: list[int] = field(factory=list[int])
    guard: AmnesiaGuard = field(init=False)

    def __attrs_post_init__(self) -> None:
        async def tell(count: int) -> None:
            self.forgotten.append(count)

        async def refuse(code: str) -> None:
            raise AssertionError(code)

        hooks = RunHooks(on_event=None, should_dial=None, classify=classify, on_outcome=None)
        now = self.night.dialer.now
        sweep = sweep_of(
            hooks, client=self.night.client, store=self.store, server_now=now, event_of=lambda _: None,
            is_awaited=lambda _: False,
        )  # fmt: skip
        self.guard = AmnesiaGuard(
            store=self.store, sweep=sweep, clock=self.night.sandbox.clock, server_now=now, on_forgotten=tell,
            on_refused=refuse,
        )  # fmt: skip


@pytest.fixture
async def doubted(night: Night) -> Doubted:
    plan = await night.plan(numbers_ending(0, 1), canary=1)
    await night.dialer.run(plan, confirm=plan.hash)
    store = OnAnotherServer(night.folder / "leads.db", clock=night.sandbox.clock)
    await store.open()
    return Doubted(night, store)


@pytest.mark.parametrize(("keeps_data", "seconds"), [(True, LIST_MAY_LAG), (False, FORGOTTEN_SHOWS_WITHIN)])
async def test_a_server_that_may_lack_calls_is_doubted_until_none_can_show(
    doubted: Doubted, keeps_data: bool, seconds: float
) -> None:
    doubted.store.keeps_data = keeps_data
    clock = doubted.night.sandbox.clock
    began = clock.monotonic()
    assert await doubted.guard.passes()
    assert clock.monotonic() - began == pytest.approx(seconds, abs=1)
    assert doubted.store.compared == {"started": "now"}


async def test_a_call_of_the_old_server_that_rings_later_is_found_before_anything_is_dialed(doubted: Doubted) -> None:
    doubted.store.keeps_data = False
    night, forgotten = doubted.night, numbers_ending(0, 1)[1]
    night.sandbox.fail_next(method="POST", path="/calls", reset="before", effect_after=300)
    with pytest.raises(TrudyError):
        await night.client.calls.create(
            agent_id=night.agent,
            phone_number=forgotten,
            variables={"trudy_ref": f"{doubted.store.id}/an attempt that the old server had"},
            on_unknown="raise",
        )
    assert not await doubted.guard.passes()
    assert doubted.forgotten == [1]
    assert doubted.store.compared is None
    assert await doubted.guard.passes(), "once more, what was found is known"
    assert doubted.store.compared is not None
