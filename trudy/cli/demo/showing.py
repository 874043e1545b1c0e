"""The demo from its beginning to its end, on simulated time: an hour of calls takes some seconds."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import Final

from trudy._masking import mask_phone
from trudy.cli.demo.campaign import START, Say, Stage, show_campaign
from trudy.sandbox import JumpingClock, Sandbox

NUMBER: Final = "+16465550100"
"""A number kept for fiction; the sandbox lets its owner answer and talk."""


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
                await _show_call(stage, agent.id)
                say("\nA campaign of 200 rows")
            await show_campaign(stage, Path(folder), agent.id, report)


async def _show_call(stage: Stage, agent: str) -> None:
    """Place a call, follow it, and print its transcript."""
    client, clock, say = stage.client, stage.clock, stage.say
    begun = clock.time()
    call = await client.calls.create(agent_id=agent, phone_number=NUMBER, variables={"name": "Grace"})
    say(f"A call to {mask_phone(NUMBER)}")
    last = ""
    async for seen in client.calls.watch(call.id):
        if seen.status != last:
            last = seen.status
            say(f"  {clock.time() - begun:4.0f} s  {last}")
    transcript = await client.calls.wait_for_transcript(call.id)
    say("\nWhat was said")
    for turn in transcript.turns:
        say(fill(f"{turn.speaker or '?':8} {turn.text}", 78, initial_indent="  ", subsequent_indent=" " * 11))


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
