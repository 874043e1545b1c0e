"""Let an agent call several people at once, with asyncio: `python quick_start_async.py VOICE_ID PHONE_NUMBER...`.

The key is read from `TRUDY_API_KEY`.
"""

from __future__ import annotations

import asyncio
import sys

import trudy


async def main(voice_id: str, *phone_numbers: str) -> None:
    """Make an agent, place all calls, and print how each of them ended."""
    async with trudy.AsyncTrudyClient() as client:
        agent = await client.agents.create(
            name="Ada", voice_id=voice_id, system_prompt="Ask how the visit was, and say thank you."
        )
        outcomes = await asyncio.gather(*(call(client, agent.id, number) for number in phone_numbers))
    for number, outcome in zip(phone_numbers, outcomes, strict=True):
        print(f"{number}: {outcome}")


async def call(client: trudy.AsyncTrudyClient, agent_id: str, number: str) -> str:
    """Call one person. An error is returned as its code, so that it does not end the other calls."""
    try:
        placed = await client.calls.create_and_wait(agent_id=agent_id, phone_number=number)
    except trudy.TrudyError as error:
        return error.code
    return str(placed.status)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
