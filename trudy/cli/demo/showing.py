"""The demo from its beginning to its end, on simulated time: an hour of calls takes some seconds."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from trudy.cli.demo.campaign import START, Say, Stage, show_campaign
from trudy.cli.demo.first_call import show_call
from trudy.sandbox import JumpingClock, Sandbox


def show_all(report: Path, say: Say) -> None:
    """An agent, a call, a campaign, and its report as an HTML file."""
    clock = JumpingClock(start=START)
    with _told_below():
        clock.run(_show(say, clock, report))


def show_only_campaign(say: Say) -> None:
    """The campaign alone: `python -m trudy.dialer demo`."""
    clock = JumpingClock(start=START)
    with _told_below():
        clock.run(_show(say, clock, None))


async def _show(say: Say, clock: JumpingClock, report: Path | None) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=100, seed=1)
    with tempfile.TemporaryDirectory(prefix="trudy-demo-") as folder:
        async with sandbox.async_client() as client:
            stage = Stage(sandbox=sandbox, client=client, clock=clock, say=say)
            say("A sandbox on simulated time: no phone rings. It is Friday, 12:30 in New York.\n")
            agent = await client.agents.create(
                name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Remind {{name}} of the appointment."
            )
            if report is not None:
                say(f"The agent {agent.name}, with the voice {sandbox.voices[0].name}: {agent.id}\n")
                await show_call(stage, agent.id)
                say("\nA campaign of 200 rows")
            await show_campaign(stage, Path(folder), agent.id, report)


@contextmanager
def _told_below() -> Generator[None, None, None]:
    """Keep the dialer's warnings out of the log: what it warns of is shown, as events."""
    logger = logging.getLogger("trudy.dialer")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
