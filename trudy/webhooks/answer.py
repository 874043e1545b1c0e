"""The HTTP answers to the sender: the documented statuses, and the reason in one word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from trudy.webhooks.verify import BadPayloadError, WebhookVerificationError


@frozen(kw_only=True)
class Answer:
    """An HTTP answer, for an adapter to send."""

    status: int
    headers: Mapping[str, str] = field(factory=dict[str, str], hash=False)
    body: bytes = b""
    code: str = ""
    """Why it was refused, in one word; empty if it was accepted."""

    @property
    def is_accepted(self) -> bool:
        """Whether the sender counts the event as delivered."""
        return 200 <= self.status < 300


BODILESS: Final = frozenset({204, 205, 304})
"""Statuses that have no body in HTTP."""


def problem(status: int, code: str, **headers: str) -> Answer:
    """An answer with the reason in one word, if the status allows a body."""
    if status in BODILESS:
        return Answer(status=status, headers=headers, code=code)
    body = json.dumps({"error": {"code": code}}).encode()
    return Answer(status=status, headers={"content-type": "application/json", **headers}, body=body, code=code)


ACCEPTED: Final = Answer(status=204)
BUSY: Final = problem(503, "busy", **{"retry-after": "5"})
"""Another delivery of the event is being handled. As that may still fail, the sender is asked to send again."""
WRONG_METHOD: Final = problem(405, "method_not_allowed", allow="POST")


def refusal(error: WebhookVerificationError) -> Answer:
    """400 for a body that is too large, or authentic but no event; 401 for every other refusal."""
    return problem(400 if isinstance(error, BadPayloadError) else 401, error.code)
