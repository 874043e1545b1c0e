"""The innermost steps: what attempt middleware may not change, and the record of each request that leaves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from trudy._masking import one_line
from trudy.errors import APIConnectionError, ConfigurationError
from trudy.hooks import AttemptEnded

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.request import CallNext, Request, Response

logger = logging.getLogger("trudy")


class SealStep:
    """Refuses a keyed POST that middleware changed: to the server, other bytes are another call to place."""

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
    """Note what must not change from here on."""
    if request.idempotency_key is not None:
        request.progress.sealed = _seal_of(request)


class RecordStep:
    """Counts, times and logs each request that leaves: one line an attempt, no query, no body, no key."""

    scope = "attempt"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        progress = request.progress
        progress.attempts += 1
        progress.sent_at = self._clock.time()
        progress.in_doubt = True
        if progress.emit is None and not logger.isEnabledFor(logging.DEBUG):
            return await call_next(request)
        started = self._clock.monotonic()
        try:
            response = await call_next(request)
        except APIConnectionError as error:
            await self._record(request, None, error.code, self._clock.monotonic() - started)
            raise
        except BaseException:
            self._log(request, "cancelled", None, self._clock.monotonic() - started)
            raise
        await self._record(request, response, None, self._clock.monotonic() - started)
        return response

    async def _record(self, request: Request, response: Response | None, failure: str | None, seconds: float) -> None:
        server_id = None if response is None else response.facts.request_id
        status = None if response is None else response.status
        self._log(request, failure if response is None else status, server_id, seconds)
        await emit_attempt_ended(request, seconds, status=status, server_id=server_id, failure=failure)

    def _log(self, request: Request, ending: int | str | None, server_id: str | None, seconds: float) -> None:
        logger.debug(
            "%s %s %s in %.0f ms, attempt %d, request id %s",
            request.method,
            request.path,
            ending,
            seconds * 1000,
            request.progress.attempts,
            server_id and one_line(server_id),
        )


async def emit_attempt_ended(
    request: Request, seconds: float, *, status: int | None = None, server_id: str | None = None, failure: str | None
) -> None:
    """Tell the hooks how an attempt ended."""
    if request.progress.emit is not None:
        await request.progress.emit(
            AttemptEnded(
                operation=request.endpoint.name,
                method=request.method,
                path=request.path,
                attempt=request.progress.attempts,
                status=status,
                seconds=seconds,
                request_id=server_id,
                error=failure,
            )
        )


def _seal_of(request: Request) -> tuple[object, ...]:
    unsigned = tuple(pair for pair in request.headers if pair[0].lower() != "authorization")
    return request.method, request.url, unsigned, request.body
