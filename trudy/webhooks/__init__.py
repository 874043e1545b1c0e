"""Receive Truedy's events: verify, parse, route. Needs no API key and no client.

    from trudy.webhooks import CallResult, WebhookRouter, asgi_app

    router = WebhookRouter()

    @router.on_call_over
    async def over(event: CallResult) -> None: ...

    app.mount("/webhooks/truedy", asgi_app(router))

`unwrap(body, headers)` is the same without a router. A delivery's way through the files:

    adapters/            a file a framework: the body, the method and the headers of a request
    router.py            `WebhookRouter`: its handlers, its settings, and what it does with a request
    unwrapping.py        `unwrap`: bytes and headers in, an event out
      signing.py         the secrets, and how a body is signed
      verify.py          checks size, timestamp and signature; the errors
      strict_json.py     reads JSON of limited depth from an unknown sender
      parse.py           builds the typed event from the JSON
      payload.py         finds members in the JSON: nested or flat, camelCase or snake_case
      dedupe.py          the key that all deliveries of one event share
    events.py            the classes of events, and their names
    subscriptions.py     wakes those who wait for a call or batch
    delivery.py          the steps of a delivery: claim the key, run the handlers, commit or release
    replay/              remembers which events were handled, one file for each store
    run_steps.py         runs these steps in a thread or on an event loop
    answer.py            the HTTP answers to the sender

    sample_events.py     bodies of events as a server writes them, for tests
    receiver_url.py      the URL of a receiver to which commands post events
    check.py, __main__.py    `python -m trudy.webhooks check URL`: sends good and bad deliveries to a receiver

Names are loaded when first used.

.. include:: README.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trudy.webhooks.adapters.aiohttp import aiohttp_handler as aiohttp_handler
    from trudy.webhooks.adapters.asgi import asgi_app as asgi_app
    from trudy.webhooks.adapters.aws_lambda import lambda_handler as lambda_handler
    from trudy.webhooks.adapters.django import django_async_view as django_async_view
    from trudy.webhooks.adapters.django import django_view as django_view
    from trudy.webhooks.adapters.fastapi import fastapi_event as fastapi_event
    from trudy.webhooks.adapters.flask import flask_view as flask_view
    from trudy.webhooks.adapters.wsgi import wsgi_app as wsgi_app
    from trudy.webhooks.answer import Answer as Answer
    from trudy.webhooks.events import BatchCompleted as BatchCompleted
    from trudy.webhooks.events import BatchStatusChanged as BatchStatusChanged
    from trudy.webhooks.events import CallAnalyzed as CallAnalyzed
    from trudy.webhooks.events import CallBilled as CallBilled
    from trudy.webhooks.events import CallCompleted as CallCompleted
    from trudy.webhooks.events import CallEnded as CallEnded
    from trudy.webhooks.events import CallEvent as CallEvent
    from trudy.webhooks.events import CallFailed as CallFailed
    from trudy.webhooks.events import CallJoined as CallJoined
    from trudy.webhooks.events import CallResult as CallResult
    from trudy.webhooks.events import CallStarted as CallStarted
    from trudy.webhooks.events import EventName as EventName
    from trudy.webhooks.events import UnknownEvent as UnknownEvent
    from trudy.webhooks.events import VoiceTrainingCompleted as VoiceTrainingCompleted
    from trudy.webhooks.events import VoiceTrainingFailed as VoiceTrainingFailed
    from trudy.webhooks.events import WebhookEvent as WebhookEvent
    from trudy.webhooks.replay.guard import ReplayGuard as ReplayGuard
    from trudy.webhooks.replay.guard import Verdict as Verdict
    from trudy.webhooks.replay.memory import MemoryReplayGuard as MemoryReplayGuard
    from trudy.webhooks.replay.redis import RedisReplayGuard as RedisReplayGuard
    from trudy.webhooks.replay.sqlite import SQLiteReplayGuard as SQLiteReplayGuard
    from trudy.webhooks.router import WebhookRouter as WebhookRouter
    from trudy.webhooks.signing import SignatureForm as SignatureForm
    from trudy.webhooks.signing import sign as sign
    from trudy.webhooks.unwrapping import unwrap as unwrap
    from trudy.webhooks.verify import BadPayloadError as BadPayloadError
    from trudy.webhooks.verify import BadSignatureError as BadSignatureError
    from trudy.webhooks.verify import MissingHeaderError as MissingHeaderError
    from trudy.webhooks.verify import StaleTimestampError as StaleTimestampError
    from trudy.webhooks.verify import WebhookVerificationError as WebhookVerificationError
else:
    from trudy._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(__name__)
