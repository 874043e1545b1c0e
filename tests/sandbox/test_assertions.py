from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from trudy.sandbox import Sandbox

MONDAY = datetime(2026, 6, 1, 13, 59, 50, tzinfo=UTC).timestamp()
"""Ten seconds before ten in New York."""


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(speed=0, start=MONDAY, rate_limit=None)


def place(sandbox: Sandbox, number: str, **variables: str) -> None:
    with sandbox.client() as client:
        agents = client.agents.list().data
        agent = (
            agents[0] if agents else client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        )
        client.calls.create(agent_id=agent.id, phone_number=number, variables=variables)


def test_a_ref_that_was_placed_twice_is_named(sandbox: Sandbox) -> None:
    place(sandbox, "+14155550100", trudy_ref="r1")
    place(sandbox, "+14155550101", trudy_ref="r2")
    place(sandbox, "+14155550102")
    place(sandbox, "+14155550103")
    sandbox.assert_no_ref_placed_twice()
    place(sandbox, "+14155550104", trudy_ref="r1")
    with pytest.raises(AssertionError, match=r"r1 2 times"):
        sandbox.assert_no_ref_placed_twice()
    sandbox.assert_no_ref_placed_twice("another")


def test_calls_to_one_number_at_one_time_are_named_without_the_number(sandbox: Sandbox) -> None:
    place(sandbox, "+14155550100")
    place(sandbox, "+14155550101")
    sandbox.advance(minutes=1)
    place(sandbox, "+14155550100")
    sandbox.assert_no_overlapping_calls()
    sandbox.advance(seconds=5)
    place(sandbox, "+14155550100")
    with pytest.raises(AssertionError, match="24") as caught:
        sandbox.assert_no_overlapping_calls()
    assert "+14155550100" not in str(caught.value)


def test_a_call_out_of_hours_is_named_with_its_local_time(sandbox: Sandbox) -> None:
    new_york = {"timezone": "America/New_York"}
    place(sandbox, "+12125550100")
    sandbox.assert_called_only_within(time(9), time(17), **new_york)
    with pytest.raises(AssertionError, match=r"Monday 09:59:51 in America/New_York"):
        sandbox.assert_called_only_within(time(10), time(17), **new_york)
    with pytest.raises(AssertionError, match="Monday"):
        sandbox.assert_called_only_within(time(9), time(17), days=(2,), **new_york)
    with pytest.raises(AssertionError, match=r"06:59:51 in America/Los_Angeles"):
        sandbox.assert_called_only_within(
            time(9), time(17), timezone=lambda _: ["America/New_York", "America/Los_Angeles"]
        )
    sandbox.assert_called_only_within(
        time(9), None, timezone=lambda number: {"+12125550100": "America/New_York"}[number]
    )


def test_a_call_that_never_rang_is_at_no_hour(sandbox: Sandbox) -> None:
    place(sandbox, "+12125550150")
    sandbox.assert_called_only_within(time(1), time(2), timezone="UTC")
