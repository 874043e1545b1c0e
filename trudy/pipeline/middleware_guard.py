"""Around each middleware: what must not happen twice, such as a call to a person, is sent on twice by none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trudy.errors import APIConnectionError, APIError, ConfigurationError
from trudy.request import RetryClass

if TYPE_CHECKING:
    from trudy.request import CallNext, Middleware, Request, Response


class SendOnce:
    """A middleware that may use `call_next` again only where this does no harm, or where nothing came of it."""

    def __init__(self, step: Middleware) -> None:
        self._step = step

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        is_open = True

        async def send_on(sent: Request) -> Response:
            nonlocal is_open
            if not is_open and _happens_each_time(sent):
                raise ConfigurationError(
                    f"middleware sent {sent.endpoint.name} on again, though the first may have been carried out",
                    details={"may_have_happened": True},
                )
            is_open = False
            left_before = sent.progress.attempts
            try:
                response = await call_next(sent)
            except BaseException as failure:
                is_open = sent.progress.attempts == left_before or _proves_that_nothing_happened(failure)
                raise
            is_open = 400 <= response.status < 500
            return response

        return await self._step(request, send_on)


def _happens_each_time(request: Request) -> bool:
    match request.endpoint.retry:
        case RetryClass.ONCE:
            return True
        case RetryClass.RECONCILE:
            return not request.repeat_unknown
        case _:
            return False


def _proves_that_nothing_happened(failure: BaseException) -> bool:
    if isinstance(failure, APIConnectionError):
        return not failure.request_sent
    return isinstance(failure, APIError) and 400 <= failure.status_code < 500
