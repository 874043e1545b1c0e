"""Quirks of lists."""

from __future__ import annotations

import pytest

from tests.sandbox.quirks.quirk_tests import QuirkTests, World

survives = QuirkTests()


@survives("has_more_for_ever")
async def has_more_for_ever(quirk: str) -> None:
    world = World(quirk)
    agents = {(await world.agent()).id for _ in range(5)}
    assert (await world.raw("GET", "/agents?offset=99")).json()["pagination"]["has_more"] is True
    found = [agent.id async for agent in world.client.agents.list(page_size=2)]
    assert (len(found), set(found)) == (5, agents)


@survives("shifting_rows", "bad_rows")
async def shifting_rows(quirk: str) -> None:
    world = World(quirk)
    agents = [(await world.agent()).id for _ in range(11)][::-1]
    pages = [(await world.raw("GET", f"/agents?limit=5&offset={offset}")).json() for offset in (0, 5, 10, 15)]
    rows = [[row.get("id", "bad") for row in page["data"]] for page in pages]
    if quirk == "shifting_rows":
        assert rows == [agents[:5], agents[4:9], agents[9:], []]
    else:
        bad = "bad"
        assert rows[0] == [bad, *agents[:3], bad]
        assert rows[1] == [*agents[3:6], bad, agents[6]]
        assert rows[2] == [*agents[7:9], bad, *agents[9:]]
    assert [page["pagination"]["has_more"] for page in pages] == [True, True, quirk == "shifting_rows" and False, False]
    for size in (1, 2, 3, 5, 100):
        found = [agent.id async for agent in world.client.agents.list(page_size=size)]
        assert found == agents, size
    page = await world.client.agents.list(page_size=5)
    assert len(page.invalid) == (0 if quirk == "shifting_rows" else 2)
    # A lost call is found in such a list, and found once.
    world.sandbox.clock.speed = 300
    lost = await world.call("+14155550191")
    assert [placed.id for placed in world.sandbox.placed_calls] == [lost.id]


@pytest.mark.asyncio
@pytest.mark.parametrize("quirk", survives.by_quirk)
async def test_the_sdk_survives(quirk: str) -> None:
    await survives.run(quirk)
