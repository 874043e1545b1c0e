"""A part of an app: it reminds people of appointments by phone, and stores the summaries from Truedy's events.

`test_reminders.py` shows how to test such code without an account, without cost and without ringing a phone.
"""

from __future__ import annotations

from collections.abc import Mapping

import trudy
from trudy.webhooks import CallEnded, WebhookRouter


def remind(client: trudy.TrudyClient, agent_id: str, people: Mapping[str, str]) -> dict[str, str]:
    """Call each of `people` (names by number), and again if nobody answers. Returns the outcome for each number.

    Raises:
        PaymentRequiredError: the credit ran out.
    """
    outcomes: dict[str, str] = {}
    for number, name in people.items():
        for _ in range(2):
            outcomes[number] = call_one(client, agent_id, number, name)
            if outcomes[number] != "failed":
                break
    return outcomes


def call_one(client: trudy.TrudyClient, agent_id: str, number: str, name: str) -> str:
    try:
        call = client.calls.create_and_wait(agent_id=agent_id, phone_number=number, variables={"name": name})
    except trudy.ValidationError:
        return "bad number"
    except trudy.CallOutcomeUnknownError:
        return "unknown"  # the phone may have rung: do not call again before a person has checked
    return str(call.status)


class Diary:
    """Stores the summary of each call when it ends."""

    def __init__(self, secret: str) -> None:
        self.summaries: dict[str, str] = {}
        self.router = WebhookRouter(secret=secret)
        self.router.on("call.ended")(self.note)

    def note(self, event: CallEnded) -> None:
        if event.call_id is not None:
            self.summaries[event.call_id] = event.summary or ""
