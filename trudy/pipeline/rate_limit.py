"""The step that waits for the rate limiter's permit, reports what each request met, and learns the server's time."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from trudy.errors import APIConnectionError
from trudy.hooks import RateLimitWait
from trudy.rate_limit.protocol import RateLimitFacts
from trudy.transport.exceptions import is_from_signal_handler

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.rate_limit.protocol import Permit, RateLimiter
    from trudy.rate_limit.server_clock import ClockEstimate
    from trudy.request import CallNext, Progress, Request, Response

logger = logging.getLogger("trudy")

_TAKEN: Final = RateLimitFacts(refused=False)
_MOVED: Final = 5.0
"""Seconds by which the wall clock may move against the monotonic one, as it does when a machine was asleep, until an
answer is read for the server's time out of turn. Less would read every answer while a clock is set by and by."""
_SETTLING: Final = 5.0
"""Seconds a limiter may take to note what a request met. More would hold up an answer that is there; less would let a
limiter in a database miss refusals."""


class RateLimitStep:
    """Wraps each attempt. A 429 goes back to the retry step, whose next attempt hands the refused permit in here again.

    Without a limiter it only learns the server's time.
    """

    scope = "attempt"

    def __init__(self, limiter: RateLimiter | None, server_clock: ClockEstimate, clock: Clock) -> None:
        self._limiter = limiter
        self._server_clock = server_clock
        self._wall_ahead = clock.time() - clock.monotonic()
        self._clock = clock
        self._is_failing = False
        self._refused: WeakKeyDictionary[Progress, Permit] = WeakKeyDictionary()

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        """Send the request when its turn comes.

        Raises:
            RateLimitError: the turn would come after the deadline or after `max_rate_limit_wait`; nothing was sent.
        """
        progress, limiter = request.progress, self._limiter
        permit = None if limiter is None else await self._admitted(limiter, request)
        attempts = progress.attempts
        facts: RateLimitFacts | None = None
        proof = False
        try:
            left = self._clock.monotonic()
            response = await call_next(request)
            facts = self._learn(response, left)
        except APIConnectionError as error:
            proof = not error.request_sent
            raise
        finally:
            if permit is not None:
                # Nothing is sent before the attempt is counted: the callable for a token may fail or be cancelled.
                await self._finish(permit, facts, was_sent=progress.attempts > attempts and not proof)
        if permit is not None and response.status == 429:
            self._refused[progress] = permit
        return response

    async def _admitted(self, limiter: RateLimiter, request: Request) -> Permit:
        progress, began = request.progress, self._clock.monotonic()
        patience = max(0.0, request.options.max_rate_limit_wait - progress.rate_waited)
        remaining = request.options.remaining(began)
        until = began + (patience if remaining is None else min(patience, remaining))
        refused = self._refused.pop(progress, None) if self._refused else None
        try:
            announce = partial(_announce, request)
            return await limiter.admit(request.options.lane, until, refused=refused, on_wait=announce)
        finally:
            progress.rate_waited += self._clock.monotonic() - began

    async def _finish(self, permit: Permit, facts: RateLimitFacts | None, *, was_sent: bool) -> None:
        """Tell the limiter. Its fault must not lose the answer to POST /calls: it is logged, once until one works."""
        import anyio

        with anyio.move_on_after(_SETTLING, shield=True) as bound:
            try:
                await (permit.settle(facts) if was_sent else permit.release())
            except Exception as fault:
                if is_from_signal_handler(fault):
                    raise
                self._log_fault("the rate limiter failed to note what a request met", fault)
            else:
                self._is_failing = False
        if bound.cancelled_caught:
            self._log_fault(f"the rate limiter did not note in {_SETTLING:g} s what a request met", None)

    def _log_fault(self, what: str, fault: Exception | None) -> None:
        level = logging.DEBUG if self._is_failing else logging.ERROR
        self._is_failing = True
        logger.log(level, what, exc_info=fault)

    def _learn(self, response: Response, left: float) -> RateLimitFacts:
        now, refused = self._clock.monotonic(), response.status == 429
        ahead = self._clock.time() - now
        was_moved = abs(ahead - self._wall_ahead) > _MOVED
        if not refused and not was_moved and now <= self._server_clock.quiet_until:
            return _TAKEN
        self._wall_ahead = ahead
        facts = response.facts
        stamp = facts.stamp
        if stamp is not None:
            self._server_clock.observe(stamp.time, now, round_trip=now - left, granularity=stamp.granularity)
        if not refused:
            return _TAKEN
        return RateLimitFacts(
            refused=True,
            limit=facts.limit,
            reset_at=facts.reset_at,
            server_time=None if stamp is None else datetime.fromtimestamp(stamp.time, UTC),
            retry_after=facts.retry_after(self._clock.time()),
        )


async def _announce(request: Request, seconds: float) -> None:
    if logger.isEnabledFor(logging.INFO):  # masking the path would take time for nothing
        logger.info("%s %s: rate limit, its turn comes in %.1f s", request.method, request.path, seconds)
    if request.emit is not None:
        await request.emit(
            RateLimitWait(operation=request.endpoint.name, method=request.method, path=request.path, seconds=seconds)
        )
