"""The main job from start to end: make an agent, let it call a person, follow the call, read the transcript.

It uses a local Truedy in this process: no account, no key, and no phone rings.
"""

from __future__ import annotations

from trudy.sandbox import Sandbox

# Its clock stands still until `advance`, so that a call of half a minute takes no time here.
sandbox = Sandbox(speed=0)

with sandbox.client() as client:
    agent = client.agents.create(
        name="Ada",
        voice_id=sandbox.voices[0].id,
        system_prompt="You remind people of appointments. Be brief and kind.",
        greeting="Hello {{name}}, this is Ada. You have an appointment tomorrow at ten.",
    )
    print(f"agent made: {agent.name}, {agent.status}")

    call = client.calls.create(agent_id=agent.id, phone_number="+14155550100", variables={"name": "Sam"})
    print(f"call {call.status}")
    for seconds in (2, 5, 30):
        sandbox.advance(seconds=seconds)
        call = client.calls.get(call.id)
        print(f"call {call.status}")

    print(client.calls.get_transcript(call.id).text)
