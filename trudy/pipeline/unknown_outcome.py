"""A `POST /calls` that was sent and got no answer: the call may have been placed, so it is not sent again blindly.

After such an attempt `pipeline/retry.py` has `resources/_reconcile.py` look for the call. If exactly one fits, it is
returned. Otherwise the caller gets the error made here, with the idempotency key and the calls it may be. Where nobody
gets an error, because the task was cancelled, a warning is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from trudy._answer_facts import as_mapping
from trudy._call_matching import SERVER_MAY_TAKE
from trudy._masking import one_line
from trudy._parse import find_id
from trudy._unreported_calls import unreported
from trudy.errors import CallOutcomeUnknownError, TrudyError
from trudy.request import RetryClass

if TYPE_CHECKING:
    from trudy.models import Call
    from trudy.request import Request

logger = logging.getLogger("trudy")


def call_outcome_unknown(
    request: Request,
    cause: TrudyError,
    what: str,
    *,
    candidates: Sequence[Call] = (),
    details: Mapping[str, object] | None = None,
) -> CallOutcomeUnknownError:
    """The error that warns against dialing again. `cause`: why there was no answer; `what`: what was done about it."""
    error = CallOutcomeUnknownError(
        f"the request was sent and no answer came ({cause.code}); {what}. The server may still place the call for up to"
        f" {SERVER_MAY_TAKE:.0f} s: do not repeat it blindly",
        candidates=candidates,
        details=details,
        idempotency_key=request.idempotency_key,
        request_id=cause.request_id,
    )
    error.__cause__ = cause
    return error


def may_be_placed(request: Request) -> bool:
    """Whether a person's phone may ring for a request whose answer the caller does not have."""
    return request.endpoint.retry is RetryClass.RECONCILE and request.progress.in_doubt


class UnreportedCall:
    """A `POST /calls` under way."""

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        self._request: Request | None = request
        held = unreported.get()
        if held is not None:
            held.append(self.warn)

    def warn(self) -> None:
        """Log the call, once: its caller was cancelled, or a fault lost the answer, and the phone may ring anyway."""
        request, self._request = self._request, None
        if request is None or not may_be_placed(request):
            return
        answer = request.progress.answer
        data = None if answer is None else as_mapping(answer.facts.data)
        placed = find_id(data or {}, "call")
        if placed is None:
            logger.warning(
                "%s ended without an answer after it was sent; the call may be placed (idempotency key %s)",
                request.endpoint.name,
                request.idempotency_key,
            )
        else:
            logger.warning(
                "%s was answered, but its caller was interrupted and did not get the answer; the call is placed"
                " (id %s, idempotency key %s)",
                request.endpoint.name,
                one_line(placed),
                request.idempotency_key,
            )
