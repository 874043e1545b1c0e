"""The retry middleware: a loop around a pure decision about how an attempt ended."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

from trudy._concurrency.timeout import bounded
from trudy.errors import APIConnectionError, APITimeoutError, TrudyError
from trudy.hooks import RetryScheduled
from trudy.pipeline.decode import is_answer, is_retryable, is_upstream_refusal, to_error, undecodable
from trudy.pipeline.record import emit_attempt_ended, seal
from trudy.pipeline.unknown_outcome import call_outcome_unknown
from trudy.request import Response, RetryClass

if TYPE_CHECKING:
    from trudy._answer_facts import AnswerFacts
    from trudy.clock import Clock
    from trudy.request import CallNext, Request


logger = logging.getLogger("trudy")
_LONGEST_WINDOW = 3600.0
"""Seconds; a `reset_at` further off than this is nonsense, and answered by backoff."""

Ending: TypeAlias = Response | APIConnectionError
"""How an attempt ended: an answer, or none."""


@frozen
class Retry:
    """Send the same bytes again after so many seconds. Only a fault counts against `max_retries`."""

    after: float
    reason: str
    is_fault: bool = True


@frozen
class Stop:
    """This ending stands."""


@frozen
class Reconcile:
    """It may have happened: look for its trace before anything else."""


STOP: Final = Stop()
RECONCILE: Final = Reconcile()
Decision: TypeAlias = Retry | Stop | Reconcile


def classify(request: Request, ending: Ending) -> Literal["answered", "not_sent", "refused", "unknown"]:
    """How an attempt ended, whatever may be done about it."""
    if isinstance(ending, APIConnectionError):
        return "unknown" if ending.request_sent else "not_sent"
    if ending.is_success:
        return "answered" if is_answer(request, ending) else "unknown"
    if 400 <= ending.status < 500 or (ending.status < 400 and request.method == "GET"):
        return "refused"
    return "unknown"


def decide(
    request: Request, ending: Ending, *, failures: int, chance: float, renewed: bool, limited: bool, now: float
) -> Decision:
    """What to do after an attempt.

    Args:
        failures: faults so far, this one included.
        chance: the jitter, in [0, 1).
        renewed: whether this very attempt gave up a stale token.
        limited: whether a rate limiter makes the next attempt wait; without one the wait is ours.
        now: Unix seconds.
    """
    kind = classify(request, ending)
    if isinstance(ending, Response):
        if kind == "answered":
            return STOP
        if ending.status == 429:
            if limited:
                return Retry(0.0, "rate limit", is_fault=False)
            wait = window_wait(ending.facts, now) or full_jitter(failures, chance)
            return Retry(max(1.0, wait), "rate limit", is_fault=False)
        if ending.status == 401 and renewed:
            return Retry(0.0, "stale token", is_fault=False)
        if kind == "refused" or (request.endpoint.retry is RetryClass.REPEAT and is_upstream_refusal(ending)):
            return STOP
    if kind == "unknown" and request.endpoint.retry is RetryClass.RECONCILE and not request.repeat_unknown:
        return RECONCILE
    if kind == "unknown" and request.endpoint.retry is RetryClass.ONCE:
        return STOP
    if failures > request.progress.max_retries:
        return STOP
    wait = full_jitter(failures, chance)
    if isinstance(ending, Response):
        asked = ending.facts.retry_after(now)
        if asked is not None and asked > request.progress.max_rate_limit_wait:
            return STOP
        return Retry(max(wait, asked or 0.0), f"HTTP {ending.status}")
    return Retry(wait, ending.code)


def window_wait(facts: AnswerFacts, now: float) -> float | None:
    """Seconds until the window that a 429 names opens; None where it names none that can be believed."""
    if facts.reset_at is None:
        wait = facts.retry_after(now)
    else:
        server_now = facts.server_time or facts.date
        wait = facts.reset_at.timestamp() - (now if server_now is None else server_now.timestamp())
    return wait if wait is not None and 0 < wait <= _LONGEST_WINDOW else None


class RetryStep:
    """Tries again until an ending stands, within the deadline of the call."""

    scope = "operation"

    def __init__(self, clock: Clock, *, limited: bool, chance: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._gated = limited
        self._chance = chance

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        seal(request)
        failures = 0
        unknown: Ending | None = None
        while True:
            was_renewed = request.progress.renewed
            try:
                ending = await self._attempt(request, call_next)
            except TrudyError as error:
                if unknown is None:
                    raise
                doubted = _doubted(request, unknown, error)
                if doubted is error:
                    raise
                raise doubted from doubted.__cause__
            kind = classify(request, ending)
            if kind == "answered":
                return _stand(request, ending)
            if unknown is not None and _is_gone(request, ending):
                return Response(status=204, headers={})
            if kind == "unknown":
                unknown = ending
            request.progress.in_doubt = unknown is not None
            failures += not (isinstance(ending, Response) and ending.status in (401, 429))
            decision = decide(
                request,
                ending,
                failures=max(1, failures),
                chance=self._chance(),
                renewed=request.progress.renewed and not was_renewed,
                limited=self._gated,
                now=self._clock.time(),
            )
            match decision:
                case Reconcile():
                    return await self._look(request, ending)
                case Retry() if await self._wait(request, decision):
                    continue
                case _ if unknown is not None and request.endpoint.sends_key:
                    raise _doubted(request, unknown, as_error(request, ending))
                case _:
                    return _stand(request, ending)

    async def _attempt(self, request: Request, call_next: CallNext) -> Ending:
        sent = request.progress.attempts
        try:
            remaining = request.progress.remaining(self._clock.monotonic())
            if remaining is None:
                return await call_next(request)
            answer = await bounded(self._clock, remaining, lambda: call_next(request))
        except APIConnectionError as error:
            return error
        if answer is not None:
            return answer
        cut_short = request.progress.attempts > sent
        if cut_short:
            await emit_attempt_ended(
                request, self._clock.time() - request.progress.sent_at, failure=APITimeoutError.default_code
            )
        return APITimeoutError("the deadline of the call ended before an answer came", request_sent=cut_short)

    async def _wait(self, request: Request, decision: Retry) -> bool:
        """Wait as decided; False, at once, where the deadline or the longest rate wait comes before its end."""
        progress = request.progress
        remaining = progress.remaining(self._clock.monotonic())
        if remaining is not None and decision.after >= remaining:
            return False
        if not decision.is_fault:
            if progress.rate_waited + decision.after > progress.max_rate_limit_wait:
                return False
            progress.rate_waited += decision.after
        if decision.after == 0:
            return True
        logger.info("%s %s: %s, next attempt in %.1f s", request.method, request.path, decision.reason, decision.after)
        if progress.emit is not None:
            await progress.emit(
                RetryScheduled(
                    operation=request.endpoint.name,
                    method=request.method,
                    path=request.path,
                    attempt=progress.attempts,
                    seconds=decision.after,
                    reason=decision.reason,
                )
            )
        await self._clock.sleep(decision.after)
        return True

    async def _look(self, request: Request, ending: Ending) -> Response:
        if request.reconcile is not None:
            return await request.reconcile(request, ending)
        raise call_outcome_unknown(request, as_error(request, ending), "it was not looked for")


def _doubted(request: Request, unknown: Ending, error: TrudyError) -> TrudyError:
    """The error of a create that an earlier attempt may have carried out."""
    if request.endpoint.retry is RetryClass.RECONCILE:
        return call_outcome_unknown(
            request, as_error(request, unknown), "sending it again with the same key did not settle it"
        )
    if request.endpoint.sends_key:
        error.details = MappingProxyType({**error.details, "may_have_happened": True})
    return error


def _is_gone(request: Request, ending: Ending) -> bool:
    return request.method == "DELETE" and isinstance(ending, Response) and ending.status == 404


def as_error(request: Request, ending: Ending) -> TrudyError:
    """The error that an ending is, or would be."""
    if isinstance(ending, Response):
        return undecodable(request, ending) if ending.is_success else to_error(request, ending)
    ending.retryable = bool(is_retryable(request, ending))
    return ending


def _stand(request: Request, ending: Ending) -> Response:
    if isinstance(ending, Response):
        return ending
    raise as_error(request, ending)


def full_jitter(failures: int, chance: float) -> float:
    """Seconds: exponential from 0.5 doubling to 8, times `chance` in [0, 1). `failures` counts from 1."""
    return float(min(8.0, 0.5 * 2 ** min(failures - 1, 10))) * chance
