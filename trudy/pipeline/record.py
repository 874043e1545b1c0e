"""The innermost step: asks `before_send`, then counts, times and logs the request that is sent."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from trudy._masking import mask_text, one_line
from trudy.errors import APIConnectionError, InvalidArgumentError, TrudyError
from trudy.hooks import AttemptEnded

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.request import CallNext, Request, Response

logger = logging.getLogger("trudy")


class RecordStep:
    """Asks `before_send`, then counts, times and logs each request sent: a line without query, body and key."""

    scope = "attempt"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        progress = request.progress
        before_send = request.options.before_send
        if before_send is not None:
            progress.refused = True
            agreed: object = before_send()
            if isinstance(agreed, Awaitable):
                await agreed
            elif agreed is not None:  # a function that returns False means to refuse: it must not be taken for consent
                raise InvalidArgumentError(
                    f"before_send refuses by raising, and returns nothing or an awaitable, not {type(agreed).__name__}",
                    argument="before_send",
                )
            progress.refused = False
        progress.attempts += 1
        progress.sent_at = self._clock.monotonic()
        if request.emit is None and not logger.isEnabledFor(logging.DEBUG):
            return await call_next(request)
        started = self._clock.monotonic()
        try:
            response = await call_next(request)
        except APIConnectionError as error:
            await self._record(request, None, error.code, self._clock.monotonic() - started)
            raise
        except BaseException as error:
            now = self._clock.monotonic()
            remaining = request.options.remaining(now)
            if remaining is not None and remaining <= 0:
                self._log(request, "cancelled", None, now - started)  # the deadline ended it, which `RetryStep` tells
            else:
                await self._record(request, None, _code_of(error), now - started)
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


def _code_of(error: BaseException) -> str:
    if not isinstance(error, Exception):
        return "cancelled"
    return error.code if isinstance(error, TrudyError) else type(error).__name__


async def emit_attempt_ended(
    request: Request, seconds: float, *, status: int | None = None, server_id: str | None = None, failure: str | None
) -> None:
    """Tell the hooks how an attempt ended."""
    if request.emit is not None:
        await request.emit(
            AttemptEnded(
                operation=request.endpoint.name,
                method=request.method,
                path=request.path,
                url=one_line(mask_text(unquote(request.url.partition("?")[0]))),
                attempt=request.progress.attempts,
                status=status,
                seconds=seconds,
                request_id=server_id,
                error=failure,
            )
        )
