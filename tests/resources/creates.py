"""Creates under way in one process, and the list of calls in which they look."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
from attrs import evolve

from tests.fakes.answers import answer, request_for
from tests.fakes.clock import NOON
from trudy import (
    APITimeoutError,
)
from trudy._call_claims import Claims
from trudy.clock import Clock
from trudy.request import Request, Response, RetryClass
from trudy.resources._newest_calls import NewestCalls
from trudy.resources._reconcile import CallReconciler

NUMBER = "+14155550123"
SLOW = APITimeoutError("no answer")


def row(call_id: str, seconds: float = 1.0, **members: Any) -> dict[str, Any]:
    """A call made so many seconds after the attempt."""
    made = datetime.fromtimestamp(NOON, UTC) + timedelta(seconds=seconds)
    return {
        "id": call_id,
        "status": "queued",
        "direction": "outbound",
        "to": NUMBER,
        "agent_id": "agent",
        "created_at": made.isoformat(),
        **members,
    }


class Newest:
    """The list of calls, newest first, behind pages of three."""

    def __init__(self, clock: Clock, *rows: dict[str, Any], skew: float = 0.0) -> None:
        self.rows = list(rows)
        self.asked: list[int] = []
        self._clock = clock
        self._skew = skew
        self.rate_waited = 0.0
        self.on_request: Callable[[int], None] = lambda _: None

    async def __call__(self, offset: int) -> tuple[Response, float]:
        self.asked.append(offset)
        self.on_request(len(self.asked))
        await anyio.lowlevel.checkpoint()
        now = datetime.fromtimestamp(self._clock.time() + self._skew, UTC)
        page = self.rows[offset : offset + 3]
        body = {
            "data": page,
            "meta": {"request_id": "list", "ts": now.isoformat()},
            "pagination": {"has_more": offset + 3 < len(self.rows)},
        }
        return answer(200, body), self.rate_waited


class Case:
    """Creates under way in one process, whose requests left just now."""

    def __init__(self, clock: Clock, newest: Newest) -> None:
        self.clock = clock
        self.claims = Claims()
        self.newest = newest
        self.shared = NewestCalls(clock, self.claims)
        self.creates = 0

    def request(self, *, deadline: float | None = None, **body: Any) -> Request:
        self.creates += 1
        facts = {} if deadline is None else {"deadline": deadline}
        now = self.clock.monotonic()
        made = request_for("POST", RetryClass.RECONCILE, sent_at=now, attempts=1, **facts)
        sent = {"agent_id": "agent", "phone_number": NUMBER, **body}
        return evolve(made, idempotency_key=f"key-{self.creates}", body=json.dumps(sent).encode())

    def reconciler(self, timeout: float = 30) -> CallReconciler:
        return CallReconciler(
            clock=self.clock, claims=self.claims, newest=self.shared, timeout=timeout, fetch=lambda _: self.newest
        )

    async def look(self, failure: Any = SLOW, *, timeout: float = 30, **facts: Any) -> Response:
        """Lose the answer to a create that has just left, and look for its call."""
        reconciler, request = self.reconciler(timeout), self.request(**facts)
        with reconciler.registered(request):
            return await reconciler(request, failure)
