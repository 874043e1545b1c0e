"""The Python SDK for Truedy: AI voice agents that call real people.

    import trudy

    with trudy.TrudyClient() as client:
        call = client.calls.create(agent_id="...", phone_number="+14155550123")

Names are loaded when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from trudy._version import __version__

if TYPE_CHECKING:
    from trudy import models as models
    from trudy import testing as testing
    from trudy import webhooks as webhooks
    from trudy.client import AsyncTrudyClient
    from trudy.clock import Clock
    from trudy.errors import (
        APIConnectionError,
        APIError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        CallOutcomeUnknownError,
        ConfigurationError,
        ConflictError,
        InvalidArgumentError,
        NotFoundError,
        PaymentRequiredError,
        PermissionDeniedError,
        ProviderError,
        RateLimitError,
        ResponseDecodeError,
        ServerError,
        TrudyError,
        ValidationError,
        WaitTimeoutError,
    )
    from trudy.hooks import (
        AttemptEnded,
        Event,
        Hook,
        RateLimitWait,
        RequestEnded,
        RequestStarted,
        RetryScheduled,
    )
    from trudy.models import CallSettings, CallStatus
    from trudy.options import NOT_GIVEN, NotGiven, RateLimit, RequestOptions, Timeout
    from trudy.pagination import AsyncPage, AsyncPager, Page
    from trudy.rate_limit.limiter import RateLimitStatus
    from trudy.raw import RawResponse
    from trudy.request import CallNext, Middleware, Request, Response
    from trudy.sync.client import TrudyClient

_HOME = {
    "AsyncTrudyClient": "trudy.client",
    "Clock": "trudy.clock",
    "APIConnectionError": "trudy.errors",
    "APIError": "trudy.errors",
    "APITimeoutError": "trudy.errors",
    "AuthenticationError": "trudy.errors",
    "BadRequestError": "trudy.errors",
    "CallOutcomeUnknownError": "trudy.errors",
    "ConfigurationError": "trudy.errors",
    "ConflictError": "trudy.errors",
    "InvalidArgumentError": "trudy.errors",
    "NotFoundError": "trudy.errors",
    "PaymentRequiredError": "trudy.errors",
    "PermissionDeniedError": "trudy.errors",
    "ProviderError": "trudy.errors",
    "RateLimitError": "trudy.errors",
    "ResponseDecodeError": "trudy.errors",
    "ServerError": "trudy.errors",
    "TrudyError": "trudy.errors",
    "ValidationError": "trudy.errors",
    "WaitTimeoutError": "trudy.errors",
    "CallSettings": "trudy.models",
    "CallStatus": "trudy.models",
    "NOT_GIVEN": "trudy.options",
    "NotGiven": "trudy.options",
    "RateLimit": "trudy.options",
    "RequestOptions": "trudy.options",
    "Timeout": "trudy.options",
    "AsyncPage": "trudy.pagination",
    "AsyncPager": "trudy.pagination",
    "Page": "trudy.pagination",
    "RateLimitStatus": "trudy.rate_limit.limiter",
    "AttemptEnded": "trudy.hooks",
    "Event": "trudy.hooks",
    "Hook": "trudy.hooks",
    "RateLimitWait": "trudy.hooks",
    "RequestEnded": "trudy.hooks",
    "RequestStarted": "trudy.hooks",
    "RetryScheduled": "trudy.hooks",
    "CallNext": "trudy.request",
    "Middleware": "trudy.request",
    "Request": "trudy.request",
    "Response": "trudy.request",
    "RawResponse": "trudy.raw",
    "TrudyClient": "trudy.sync.client",
}
_MODULES = frozenset(("models", "sandbox", "testing", "webhooks"))

__all__ = [
    "NOT_GIVEN",
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AsyncPage",
    "AsyncPager",
    "AsyncTrudyClient",
    "AttemptEnded",
    "AuthenticationError",
    "BadRequestError",
    "CallNext",
    "CallOutcomeUnknownError",
    "CallSettings",
    "CallStatus",
    "Clock",
    "ConfigurationError",
    "ConflictError",
    "Event",
    "Hook",
    "InvalidArgumentError",
    "Middleware",
    "NotFoundError",
    "NotGiven",
    "Page",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "ProviderError",
    "RateLimit",
    "RateLimitError",
    "RateLimitStatus",
    "RateLimitWait",
    "RawResponse",
    "Request",
    "RequestEnded",
    "RequestOptions",
    "RequestStarted",
    "Response",
    "ResponseDecodeError",
    "RetryScheduled",
    "ServerError",
    "Timeout",
    "TrudyClient",
    "TrudyError",
    "ValidationError",
    "WaitTimeoutError",
    "__version__",
    "models",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is not None:
        value: object = getattr(import_module(home), name)
    elif name in _MODULES:
        value = import_module(f"trudy.{name}")
    else:
        raise AttributeError(f"module 'trudy' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})
