"""What the sender is told: the statuses of the documentation, and nothing about why in detail."""

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
    """Why it was refused, in one word; empty where it was not."""

    @property
    def is_accepted(self) -> bool:
        """Whether the sender will take the event as delivered."""
        return 200 <= self.status < 300


BODILESS: Final = frozenset({204, 205, 304})
"""Statuses that HTTP allows no body."""


def problem(status: int, code: str, **headers: str) -> Answer:
    """A refusal, with its reason in one word where the status allows a body."""
    if status in BODILESS:
        return Answer(status=status, headers=headers, code=code)
    body = json.dumps({"error": {"code": code}}).encode()
    return Answer(status=status, headers={"content-type": "application/json", **headers}, body=body, code=code)


ACCEPTED: Final = Answer(status=204)
BUSY: Final = problem(503, "busy", **{"retry-after": "5"})
"""Another delivery of the event is being handled, and may fail."""
WRONG_METHOD: Final = problem(405, "method_not_allowed", allow="POST")


def refusal(error: WebhookVerificationError) -> Answer:
    """400 for an authentic body that is no event and for one that is too large, 401 for everything else."""
    return problem(400 if isinstance(error, BadPayloadError) else 401, error.code)
