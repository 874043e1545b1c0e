"""The retry middleware: a loop around a pure decision about how an attempt ended."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import frozen

from trudy._concurrency.loops import bounded
from trudy.errors import APIConnectionError, APITimeoutError, TrudyError
from trudy.hooks import RetryScheduled
from trudy.pipeline.decode import to_error, undecodable
from trudy.pipeline.outcome import AttemptOutcome, is_retryable, names_object, outcome_of
from trudy.pipeline.record import emit_attempt_ended
from trudy.pipeline.redirect import address_of
from trudy.pipeline.unknown_outcome import call_outcome_unknown
from trudy.request import Response, RetryClass

if TYPE_CHECKING:
    from trudy._answer_facts import AnswerFacts
    from trudy.clock import Clock
    from trudy.request import CallNext, Request


logger = logging.getLogger("trudy")
_CHANGES = ("PUT", "PATCH", "DELETE")
_LONGEST_WINDOW = 3600.0
"""Seconds. A `reset_at` further off is not believed, and backoff is used: a wait of hours for a wrong time would stop a
program, and no known window is as long."""

Ending: TypeAlias = Response | APIConnectionError
"""How an attempt ended: an answer, or none."""


@frozen
class SendAgain:
    """Send the same bytes again after so many seconds. Only a fault counts towards `max_retries`."""

    after: float
    reason: str
    is_fault: bool = True


@frozen
class Stop:
    """Do not send again: this ending is the operation's."""


@frozen
class Reconcile:
    """It may have happened: look for the call before anything else."""


STOP: Final = Stop()
RECONCILE: Final = Reconcile()
Decision: TypeAlias = SendAgain | Stop | Reconcile


def decide(
    request: Request,
    ending: Ending,
    *,
    failures: int,
    doubts: int,
    chance: float,
    renewed: bool,
    limited: bool,
    now: float,
) -> Decision:
    """What to do after an attempt.

    Args:
        failures: faults so far, this one included.
        doubts: attempts whose outcome is unknown, this one included.
        chance: the jitter, in [0, 1).
        renewed: whether this very attempt gave up a stale token.
        limited: whether a rate limiter makes the next attempt wait; without one the wait is decided here.
        now: Unix seconds.
    """
    endpoint, options = request.endpoint, request.options
    status = ending.status if isinstance(ending, Response) else None
    rings = endpoint.retry is RetryClass.RECONCILE
    match outcome_of(endpoint, ending):
        case AttemptOutcome.ANSWERED:
            return RECONCILE if _is_nameless_call(request, ending) else STOP
        case AttemptOutcome.REFUSED if isinstance(ending, Response) and status == 429:
            if limited:
                return SendAgain(0.0, "rate limit", is_fault=False)
            wait = window_wait(ending.facts, now) or full_jitter(failures, chance)
            return SendAgain(max(1.0, wait), "rate limit", is_fault=False)
        case AttemptOutcome.REFUSED if status == 401 and renewed:
            return SendAgain(0.0, "stale token", is_fault=False)
        case AttemptOutcome.REFUSED if status == 502 and rings and options.on_unknown == "reconcile":
            return RECONCILE  # the provider refused, but the server may have stored the call as failed
        case AttemptOutcome.REFUSED:
            return STOP
        case AttemptOutcome.UNKNOWN if rings and (options.on_unknown != "retry" or doubts > 1):
            return RECONCILE
        case AttemptOutcome.UNKNOWN if endpoint.retry is RetryClass.ONCE:
            return STOP
        case _:
            return _after_a_fault(request, ending, failures, chance, now)


def _after_a_fault(request: Request, ending: Ending, failures: int, chance: float, now: float) -> SendAgain | Stop:
    if failures > request.options.max_retries:
        return STOP
    wait = full_jitter(failures, chance)
    if not isinstance(ending, Response):
        return SendAgain(wait, ending.code)
    asked = ending.facts.retry_after(now)
    if asked is not None and asked > request.options.max_rate_limit_wait:
        return STOP
    return SendAgain(max(wait, asked or 0.0), f"HTTP {ending.status}")


def window_wait(facts: AnswerFacts, now: float) -> float | None:
    """Seconds until the window that a 429 names opens, for a client without a rate limiter; None if it names none."""
    if facts.reset_at is None:
        wait = facts.retry_after(now)
    else:
        server_now = facts.server_time or facts.date
        wait = facts.reset_at.timestamp() - (now if server_now is None else server_now.timestamp())
    return wait if wait is not None and 0 < wait <= _LONGEST_WINDOW else None


class RetryStep:
    """Sends again as `decide` says, within the deadline of the operation."""

    scope = "operation"

    def __init__(self, clock: Clock, *, limited: bool, chance: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._limited = limited
        self._chance = chance

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        progress = request.progress
        failures, doubts, waited = 0, 0, 0.0
        doubtful: Ending | None = None
        while True:
            was_renewed = progress.renewed
            try:
                ending = await self._attempt(request, call_next)
            except Exception as error:
                if doubtful is None:
                    raise
                doubted = _doubted(request, doubtful, error)
                if doubted is error:
                    raise
                raise doubted from doubted.__cause__
            outcome = outcome_of(request.endpoint, ending)
            if (
                outcome is AttemptOutcome.ANSWERED
                and isinstance(ending, Response)
                and not _is_nameless_call(request, ending)
            ):
                return ending
            if doubtful is not None and _is_gone(request, ending):
                return Response(status=204, headers={})
            if outcome is AttemptOutcome.UNKNOWN:
                doubtful = ending
                doubts += 1
            elif outcome is not AttemptOutcome.ANSWERED and doubtful is None:
                progress.settled = progress.attempts
            failures += not (isinstance(ending, Response) and ending.status in (401, 429))
            decision = decide(
                request,
                ending,
                failures=max(1, failures),
                doubts=doubts,
                chance=self._chance(),
                renewed=progress.renewed and not was_renewed,
                limited=self._limited,
                now=self._clock.time(),
            )
            match decision:
                case Reconcile():
                    return await _reconcile(request, ending)
                case SendAgain() if await self._wait(request, decision, waited):
                    waited += 0.0 if decision.is_fault else decision.after
                case _ if doubtful is not None and _would_hide_a_doubt(request, outcome):
                    doubted = _doubted(request, doubtful, as_error(request, ending))
                    raise doubted from doubted.__cause__
                case _ if isinstance(ending, Response) and not ending.is_success:
                    return ending
                case _:
                    raise as_error(request, ending)

    async def _attempt(self, request: Request, call_next: CallNext) -> Ending:
        progress = request.progress
        sent = progress.attempts
        try:
            remaining = request.options.remaining(self._clock.monotonic())
            if remaining is None:
                return await call_next(request)
            answer = await bounded(self._clock, remaining, lambda: call_next(request))
        except APIConnectionError as error:
            if progress.refused:
                raise  # raised by `before_send`: it says nothing about this request
            return error
        if answer is not None:
            return answer
        cut_short = progress.attempts > sent
        if cut_short:
            await emit_attempt_ended(
                request, self._clock.monotonic() - progress.sent_at, failure=APITimeoutError.default_code
            )
        return APITimeoutError("the deadline ended before an answer came", request_sent=cut_short)

    async def _wait(self, request: Request, decision: SendAgain, waited: float) -> bool:
        """Wait as decided. False, at once, if the wait would pass the deadline or `max_rate_limit_wait`.

        `waited` are the seconds waited for rate windows so far.
        """
        remaining = request.options.remaining(self._clock.monotonic())
        if remaining is not None and decision.after >= remaining:
            return False
        if not decision.is_fault and waited + decision.after > request.options.max_rate_limit_wait:
            return False
        if decision.after == 0:
            return True
        logger.info("%s %s: %s, next attempt in %.1f s", request.method, request.path, decision.reason, decision.after)
        if request.emit is not None:
            await request.emit(
                RetryScheduled(
                    operation=request.endpoint.name,
                    method=request.method,
                    path=request.path,
                    attempt=request.progress.attempts,
                    seconds=decision.after,
                    reason=decision.reason,
                )
            )
        await self._clock.sleep(decision.after)
        return True


async def _reconcile(request: Request, ending: Ending) -> Response:
    if request.options.on_unknown == "reconcile" and request.reconcile is not None:
        return await request.reconcile(request, ending)
    raise call_outcome_unknown(request, as_error(request, ending), _what_was_done(request))


def _doubted(request: Request, doubtful: Ending, error: Exception) -> Exception:
    """The error of an operation of which an earlier attempt may have been carried out: it says so."""
    if request.progress.refused:
        error.add_note(
            f"an earlier attempt at {request.endpoint.name} was sent and not answered; it may have been carried out"
        )
    elif isinstance(error, TrudyError):
        if request.endpoint.retry is RetryClass.RECONCILE:
            return call_outcome_unknown(request, as_error(request, doubtful), _what_was_done(request))
        if request.endpoint.sends_key or request.method in _CHANGES:
            error.details = MappingProxyType({**error.details, "may_have_happened": True})
    return error


def _what_was_done(request: Request) -> str:
    if request.progress.attempts > 1 and request.options.on_unknown == "retry":
        return "sending it again with the same key did not settle it"
    return "it was not looked for"


def _would_hide_a_doubt(request: Request, outcome: AttemptOutcome) -> bool:
    """Whether an error for this ending alone would let the caller believe that no earlier attempt changed anything."""
    return request.endpoint.sends_key or (request.method in _CHANGES and outcome is not AttemptOutcome.UNKNOWN)


def _is_nameless_call(request: Request, ending: Ending) -> bool:
    """Whether a call was placed and the answer does not hold its id."""
    is_call = request.endpoint.retry is RetryClass.RECONCILE
    return is_call and isinstance(ending, Response) and not names_object(request.endpoint, ending)


def _is_gone(request: Request, ending: Ending) -> bool:
    return request.method == "DELETE" and isinstance(ending, Response) and ending.status == 404


def as_error(request: Request, ending: Ending) -> TrudyError:
    """The error that an ending is, or would be."""
    if isinstance(ending, Response):
        return undecodable(request, ending) if ending.is_success else to_error(request, ending)
    ending.retryable = is_retryable(request.endpoint, ending)
    ending.address = ending.address or address_of(request.url)
    ending.attempts = ending.attempts or request.progress.attempts
    return ending


def full_jitter(failures: int, chance: float) -> float:
    """Seconds: exponential from 0.5 doubling to 8, times `chance` in [0, 1). `failures` counts from 1."""
    return float(min(8.0, 0.5 * 2 ** min(failures - 1, 10))) * chance
