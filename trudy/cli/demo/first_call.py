"""One call on the sandbox: placed, followed to its end, and what was said in it."""

from __future__ import annotations

from textwrap import fill

from trudy._masking import mask_phone
from trudy.cli.demo.campaign import Stage

NUMBER = "+16465550100"
"""A number kept for fiction; the sandbox lets its owner answer and talk."""


async def show_call(stage: Stage, agent: str) -> None:
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
