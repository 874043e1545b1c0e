"""May it have happened? Judges how an attempt ended: for retry, errors, middleware, `add_contacts` and the dialer.

Pure, and the only place that judges a status. Each status is judged by itself: not all 4xx are refusals.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from trudy._answer_facts import as_mapping, upstream_status_in
from trudy._parse import find_id
from trudy.errors import APIConnectionError, APIError, ConfigurationError, InvalidArgumentError, TrudyError
from trudy.request import Response, RetryClass

if TYPE_CHECKING:
    from trudy.request import Endpoint


class AttemptOutcome(Enum):
    """How an attempt ended."""

    ANSWERED = "answered"
    """A 2xx that holds what was asked for: it happened."""
    NOT_SENT = "not sent"
    """Proof that no byte of the request was sent: it did not happen."""
    REFUSED = "refused"
    """The server says that it did not happen."""
    UNKNOWN = "unknown"
    """Anything else: it may have happened."""


REDIRECTS: Final = frozenset(range(300, 400))
"""Refusals, unless they are followed: the server did nothing but point elsewhere. 304, which nobody asks for, too."""
BROKEN_UPSTREAM: Final = frozenset((408, 425, 460, 499))
"""Gateways send these for a server behind them that took the request and then broke off."""
NOT_IMPLEMENTED: Final = 501


def outcome_of(endpoint: Endpoint, ending: Response | BaseException) -> AttemptOutcome:
    """How an attempt at an endpoint ended."""
    if isinstance(ending, BaseException):
        return outcome_of_error(ending)
    if ending.is_success:
        return AttemptOutcome.ANSWERED if is_answer(endpoint, ending) else AttemptOutcome.UNKNOWN
    return _outcome_of_status(ending.status, ending.facts.upstream_status)


def outcome_of_error(error: BaseException) -> AttemptOutcome:
    """How the attempt ended that an error is about; never `ANSWERED`."""
    if isinstance(error, TrudyError) and error.details.get("may_have_happened") is True:
        return AttemptOutcome.UNKNOWN
    if isinstance(error, APIConnectionError):
        return AttemptOutcome.UNKNOWN if error.request_sent else AttemptOutcome.NOT_SENT
    if isinstance(error, APIError):
        upstream = upstream_status_in(error.details) if error.code == "provider_error" else None
        return _outcome_of_status(error.status_code, upstream)
    return (
        AttemptOutcome.NOT_SENT
        if isinstance(error, ConfigurationError | InvalidArgumentError)
        else AttemptOutcome.UNKNOWN
    )


def is_retryable(endpoint: Endpoint, ending: Response | BaseException) -> bool:
    """Whether the same operation, made again, may succeed and does no harm."""
    match outcome_of(endpoint, ending):
        case AttemptOutcome.NOT_SENT:
            return True
        case AttemptOutcome.UNKNOWN:
            return endpoint.retry in (RetryClass.REPEAT, RetryClass.KEYED)
        case AttemptOutcome.REFUSED:
            return (ending.status if isinstance(ending, Response) else getattr(ending, "status_code", 0)) == 429
        case AttemptOutcome.ANSWERED:
            return False


def is_answer(endpoint: Endpoint, response: Response) -> bool:
    """Whether a 2xx holds what was asked for. To a create that is an object in `data`, or an id in a flat body."""
    if endpoint.any_answer:
        return True
    facts = response.facts
    if facts.is_error:
        return False
    if endpoint.sends_key:
        data = as_mapping(facts.data)
        return data is not None and (facts.has_envelope or names_object(endpoint, response))
    if response.body:
        return isinstance(facts.json, dict | list)
    return response.status == 204 or endpoint.method == "DELETE"


def names_object(endpoint: Endpoint, response: Response) -> bool:
    """Whether the answer to a create tells the id of what was made."""
    data = as_mapping(response.facts.data)
    return data is not None and endpoint.creates is not None and find_id(data, endpoint.creates) is not None


def _outcome_of_status(status: int, upstream: int | None) -> AttemptOutcome:
    if status in BROKEN_UPSTREAM:
        return AttemptOutcome.UNKNOWN
    if status in REDIRECTS or 400 <= status < 500 or status == NOT_IMPLEMENTED:
        return AttemptOutcome.REFUSED
    if status == 502 and upstream is not None and 400 <= upstream < 500 and upstream not in BROKEN_UPSTREAM:
        return AttemptOutcome.REFUSED
    return AttemptOutcome.UNKNOWN
