"""Let an agent call a person, in a plain script: `python quick_start.py VOICE_ID PHONE_NUMBER`.

The key is read from `TRUDY_API_KEY`.
"""

from __future__ import annotations

import sys
import time

import trudy


def main(voice_id: str, phone_number: str) -> int:
    """Make an agent, place a call, wait for its end, print the transcript."""
    with trudy.TrudyClient() as client:
        try:
            agent = client.agents.create(
                name="Ada", voice_id=voice_id, system_prompt="Ask how the visit was, and say thank you."
            )
            call = client.calls.create_and_wait(agent_id=agent.id, phone_number=phone_number, max_wait=900)
        except trudy.PaymentRequiredError as error:
            print(f"no call was placed: {error.reason}, see {error.redirect_url}")
            return 1
        except trudy.CallOutcomeUnknownError as error:
            print(f"the phone may have rung, look before calling again: {error}")
            return 1
        print(f"{call.status} after {call.duration_seconds or 0:.0f} s")
        if call.status == "completed":
            print(what_was_said(client, call.id))
    return 0


def what_was_said(client: trudy.TrudyClient, call_id: str) -> str:
    """The transcript; it is ready some seconds after the end of the call."""
    for _ in range(15):
        try:
            transcript = client.calls.get_transcript(call_id)
        except trudy.NotFoundError:
            transcript = None
        if transcript is not None and transcript.turns:
            return transcript.text
        time.sleep(2)
    return "no transcript yet"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
