"""A test that freezes time may call the client all the same: what it waits for ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import freezegun
import pytest
import time_machine

import trudy
from tests.fakes.loopback import Answer, Loopback

MOMENT = "2026-03-01 12:00:00"
FREEZERS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "freezegun": lambda: freezegun.freeze_time(MOMENT),
    "freezegun, ticking": lambda: freezegun.freeze_time(MOMENT, tick=True),
    "freezegun, real_asyncio": lambda: freezegun.freeze_time(MOMENT, real_asyncio=True),
    "time-machine": lambda: time_machine.travel(MOMENT, tick=False),
    "time-machine, ticking": lambda: time_machine.travel(MOMENT, tick=True),
}
BUSY = Answer(b'{"error": {"code": "unavailable"}}', status=503, headers=[("Retry-After", "0.2")])


@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
@pytest.mark.parametrize("freeze", FREEZERS.values(), ids=FREEZERS)
def test_a_call_that_has_to_wait_ends(
    url: str, server: Loopback, freeze: Callable[[], AbstractContextManager[object]], backend: trudy.client.Backend
) -> None:
    server.script.append(BUSY)
    with freeze(), trudy.TrudyClient("a-key", base_url=url, http_backend=backend) as client:
        assert client.agents.get("a-1").name == "Ada"
    assert len(server.seen) == 2


@pytest.mark.parametrize("freeze", FREEZERS.values(), ids=FREEZERS)
def test_a_client_made_before_is_used_while_time_is_frozen_and_after(
    client: trudy.TrudyClient, server: Loopback, freeze: Callable[[], AbstractContextManager[object]]
) -> None:
    client.agents.get("a-1")
    with freeze():
        server.script.append(BUSY)
        client.agents.get("a-1")
    server.script.append(BUSY)
    assert client.agents.get("a-1").name == "Ada"
    assert len(server.seen) == 5


@pytest.mark.parametrize("freeze", FREEZERS.values(), ids=FREEZERS)
def test_a_read_that_takes_too_long_times_out(
    url: str, server: Loopback, freeze: Callable[[], AbstractContextManager[object]]
) -> None:
    server.script.append(Answer(delay=60))
    with (
        freeze(),
        trudy.TrudyClient("a-key", base_url=url, timeout=0.2, max_retries=0) as client,
        pytest.raises(trudy.APITimeoutError),
    ):
        client.agents.get("a-1")
