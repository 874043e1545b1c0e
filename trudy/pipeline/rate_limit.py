"""The pipeline's step that waits at the rate limiter and tells it how each request fared."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from trudy._concurrency.wakeup import Wakeup
from trudy.errors import APIConnectionError, RateLimitError
from trudy.hooks import RateLimitWait
from trudy.rate_limit.limiter import Go, Late

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.rate_limit.limiter import Ticket, Wait, WindowLimiter
    from trudy.request import CallNext, Progress, Request, Response

logger = logging.getLogger("trudy")


class RateLimitStep:
    """Wraps each attempt. A 429 is returned to the retry step, whose next round finds its old place in the line."""

    scope = "attempt"

    def __init__(self, limiter: WindowLimiter, clock: Clock) -> None:
        self._limiter = limiter
        self._clock = clock
        self._places: WeakKeyDictionary[Progress, int] = WeakKeyDictionary()

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        """Send the request when its turn comes.

        Raises:
            RateLimitError: the turn would come after the deadline or after `max_rate_limit_wait`; nothing was sent.
        """
        limiter, clock, progress = self._limiter, self._clock, request.progress
        wakeup = Wakeup()
        now = clock.time()
        place = self._places.pop(progress, None) if self._places else None
        ticket = limiter.join(request.options.lane, wakeup.set, until=now + self._patience(request), place=place)
        attempts = progress.attempts
        proof = False
        try:
            verdict = limiter.poll(ticket, now)
            if not isinstance(verdict, Go):
                await self._wait(request, ticket, wakeup, verdict)
            left = clock.time()
            response = await call_next(request)
            self._report(progress, response, ticket, left)
            return response
        except APIConnectionError as error:
            proof = not error.request_sent
            raise
        finally:
            # Nothing leaves before the attempt is counted: a token callable may fail, a caller may cancel it.
            limiter.leave(ticket, clock.time(), sent=progress.attempts > attempts and not proof)

    async def _wait(self, request: Request, ticket: Ticket, wakeup: Wakeup, verdict: Wait | Late) -> None:
        limiter, clock, progress = self._limiter, self._clock, request.progress
        began = clock.monotonic()
        announced = False
        try:
            while True:
                now = clock.time()
                if isinstance(verdict, Late):
                    raise _too_late(verdict, now, self._patience(request))
                if not announced:
                    announced = True
                    await self._announce(request, verdict.until - now)
                await wakeup.wait(verdict.until - clock.time(), clock)
                wakeup.clear()
                polled = limiter.poll(ticket, clock.time())
                if isinstance(polled, Go):
                    return
                verdict = polled
        finally:
            progress.rate_waited += clock.monotonic() - began

    async def _announce(self, request: Request, seconds: float) -> None:
        logger.info("%s %s: rate limit, its turn comes in %.1f s", request.method, request.path, seconds)
        if request.emit is not None:
            await request.emit(
                RateLimitWait(
                    operation=request.endpoint.name, method=request.method, path=request.path, seconds=seconds
                )
            )

    def _report(self, progress: Progress, response: Response, ticket: Ticket, left: float) -> None:
        limiter = self._limiter
        now = self._clock.time()
        refused = response.status == 429
        if refused or limiter.wants_time(now):
            stamp = response.facts.stamp
            if stamp is not None:
                limiter.observe(stamp.time, now, round_trip=now - left, granularity=stamp.granularity)
        if refused:
            facts = response.facts
            self._places[progress] = ticket.place
            limiter.refused(
                ticket,
                now,
                limit=facts.limit,
                reset_at=None if facts.reset_at is None else facts.reset_at.timestamp(),
                server_now=None if facts.server_time is None else facts.server_time.timestamp(),
                retry_after=None if facts.reset_at is not None else facts.retry_after(now),
            )

    def _patience(self, request: Request) -> float:
        """Seconds this attempt may wait for its turn."""
        patience = max(0.0, request.options.max_rate_limit_wait - request.progress.rate_waited)
        remaining = request.options.remaining(self._clock.monotonic())
        return patience if remaining is None else min(patience, remaining)


def _too_late(late: Late, now: float, patience: float) -> RateLimitError:
    details: dict[str, object] = {}
    if late.limit is not None:
        details["limit"] = late.limit
    if late.reset_at is not None:
        details["reset_at"] = late.reset_at.isoformat()
    return RateLimitError(
        f"the rate limit lets this request go in {late.turn - now:.1f} s, and it may wait {max(patience, 0):.1f} s",
        details=details,
    )
