"""The Python SDK for Truedy: AI voice agents that call real people.

    import trudy

    with trudy.TrudyClient() as client:
        call = client.calls.create(agent_id="...", phone_number="+14155550123")

Names are loaded when first used, so that importing the package costs next to nothing.

.. include:: ../README.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trudy import models as models
    from trudy import sandbox as sandbox
    from trudy import testing as testing
    from trudy import webhooks as webhooks
    from trudy._version import __version__ as __version__
    from trudy.client import AsyncTrudyClient as AsyncTrudyClient
    from trudy.clock import Clock as Clock
    from trudy.errors import APIConnectionError as APIConnectionError
    from trudy.errors import APIError as APIError
    from trudy.errors import APITimeoutError as APITimeoutError
    from trudy.errors import AuthenticationError as AuthenticationError
    from trudy.errors import BadRequestError as BadRequestError
    from trudy.errors import CallOutcomeUnknownError as CallOutcomeUnknownError
    from trudy.errors import ConfigurationError as ConfigurationError
    from trudy.errors import ConflictError as ConflictError
    from trudy.errors import InvalidArgumentError as InvalidArgumentError
    from trudy.errors import NotFoundError as NotFoundError
    from trudy.errors import PaymentRequiredError as PaymentRequiredError
    from trudy.errors import PermissionDeniedError as PermissionDeniedError
    from trudy.errors import ProviderError as ProviderError
    from trudy.errors import RateLimitError as RateLimitError
    from trudy.errors import ResponseDecodeError as ResponseDecodeError
    from trudy.errors import ServerError as ServerError
    from trudy.errors import TrudyError as TrudyError
    from trudy.errors import ValidationError as ValidationError
    from trudy.errors import WaitTimeoutError as WaitTimeoutError
    from trudy.hooks import AttemptEnded as AttemptEnded
    from trudy.hooks import Event as Event
    from trudy.hooks import Hook as Hook
    from trudy.hooks import RateLimitWait as RateLimitWait
    from trudy.hooks import RequestEnded as RequestEnded
    from trudy.hooks import RequestStarted as RequestStarted
    from trudy.hooks import RetryScheduled as RetryScheduled
    from trudy.models import CallSettings as CallSettings
    from trudy.models import CallStatus as CallStatus
    from trudy.options import NOT_GIVEN as NOT_GIVEN
    from trudy.options import NotGiven as NotGiven
    from trudy.options import RateLimit as RateLimit
    from trudy.options import RequestOptions as RequestOptions
    from trudy.options import Timeout as Timeout
    from trudy.pagination import AsyncPage as AsyncPage
    from trudy.pagination import AsyncPager as AsyncPager
    from trudy.pagination import Page as Page
    from trudy.rate_limit.limiter import RateLimitStatus as RateLimitStatus
    from trudy.rate_limit.protocol import Permit as Permit
    from trudy.rate_limit.protocol import RateLimiter as RateLimiter
    from trudy.rate_limit.protocol import RateLimitFacts as RateLimitFacts
    from trudy.rate_limit.server_clock import ServerClock as ServerClock
    from trudy.raw import RawResponse as RawResponse
    from trudy.request import CallNext as CallNext
    from trudy.request import Middleware as Middleware
    from trudy.request import Request as Request
    from trudy.request import Response as Response
    from trudy.sync.client import TrudyClient as TrudyClient
else:
    from trudy._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(__name__)
