"""What middleware may not do: repeat what must not happen twice, and change an attempt at a create."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trudy._hidden import Hidden
from trudy.errors import ConfigurationError
from trudy.pipeline.outcome import AttemptOutcome, outcome_of
from trudy.request import RetryClass

if TYPE_CHECKING:
    from trudy.request import CallNext, Middleware, Request, Response


_NOTHING_HAPPENED = (AttemptOutcome.NOT_SENT, AttemptOutcome.REFUSED)


class SendOnce:
    """Wraps a middleware, which may then use `call_next` again only where a repeat does no harm or nothing happened."""

    def __init__(self, step: Middleware) -> None:
        self._step = step

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        is_open = True

        async def send_on(sent: Request) -> Response:
            nonlocal is_open
            if not is_open and _must_not_repeat(sent):
                raise ConfigurationError(
                    f"middleware sent {sent.endpoint.name} on again, though the first may have been carried out",
                    details={"may_have_happened": True},
                )
            is_open = False
            left_before = sent.progress.attempts
            try:
                response = await call_next(sent)
            except BaseException as failure:
                outcome = outcome_of(sent.endpoint, failure)
                is_open = sent.progress.attempts == left_before or outcome in _NOTHING_HAPPENED
                raise
            is_open = outcome_of(sent.endpoint, response) in _NOTHING_HAPPENED
            return response

        return await self._step(request, send_on)


class SealStep:
    """Refuses a create that middleware changed: the server takes other bytes for another create."""

    scope = "attempt"

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        sealed = request.progress.sealed
        if sealed is not None and _seal_of(request) != sealed:
            raise ConfigurationError(
                f'middleware changed an attempt at {request.endpoint.name}; with scope "operation" it may change a'
                " request, once for all attempts"
            )
        return await call_next(request)


def seal(request: Request) -> None:
    """Note what an attempt at a create must look like when it leaves."""
    request.progress.sealed = _seal_of(request)


def _must_not_repeat(request: Request) -> bool:
    match request.endpoint.retry:
        case RetryClass.ONCE:
            return True
        case RetryClass.RECONCILE:
            return request.options.on_unknown != "retry"
        case _:
            return False


def _seal_of(request: Request) -> Hidden[tuple[object, ...]]:
    unsigned = tuple(pair for pair in request.headers if pair[0].lower() != "authorization")
    return Hidden((request.method, request.url, unsigned, request.body))
