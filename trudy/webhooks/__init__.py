"""Receive Truedy's events: verify, parse, route. Needs no API key and no client.

    from trudy.webhooks import CallEnded, WebhookRouter, asgi_app

    router = WebhookRouter(secret="whsec_...")

    @router.on("call.ended")
    async def call_ended(event: CallEnded) -> None: ...

    app.mount("/webhooks/truedy", asgi_app(router))

`unwrap(body, headers, secret=...)` is the same without a router. Names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trudy.webhooks.adapters.aiohttp import aiohttp_handler, aiohttp_lifespan
    from trudy.webhooks.adapters.asgi import asgi_app
    from trudy.webhooks.adapters.aws_lambda import lambda_handler
    from trudy.webhooks.adapters.django import django_async_view, django_view
    from trudy.webhooks.adapters.fastapi import fastapi_event
    from trudy.webhooks.adapters.flask import flask_view
    from trudy.webhooks.adapters.wsgi import wsgi_app
    from trudy.webhooks.answer import Answer
    from trudy.webhooks.errors import (
        BadPayloadError,
        BadSignatureError,
        MissingHeaderError,
        StaleTimestampError,
        WebhookVerificationError,
    )
    from trudy.webhooks.events import (
        BatchCompleted,
        BatchStatusChanged,
        CallAnalyzed,
        CallBilled,
        CallCompleted,
        CallEnded,
        CallEvent,
        CallFailed,
        CallJoined,
        CallResult,
        CallStarted,
        EventName,
        UnknownEvent,
        VoiceTrainingCompleted,
        VoiceTrainingFailed,
        WebhookEvent,
    )
    from trudy.webhooks.replay.guard import MemoryReplayGuard, ReplayGuard, Verdict
    from trudy.webhooks.replay.redis import RedisReplayGuard
    from trudy.webhooks.replay.sqlite import SQLiteReplayGuard
    from trudy.webhooks.router import WebhookRouter
    from trudy.webhooks.signing import SignatureForm, sign
    from trudy.webhooks.unwrapping import unwrap

__all__ = [
    "Answer",
    "BadPayloadError",
    "BadSignatureError",
    "BatchCompleted",
    "BatchStatusChanged",
    "CallAnalyzed",
    "CallBilled",
    "CallCompleted",
    "CallEnded",
    "CallEvent",
    "CallFailed",
    "CallJoined",
    "CallResult",
    "CallStarted",
    "EventName",
    "MemoryReplayGuard",
    "MissingHeaderError",
    "RedisReplayGuard",
    "ReplayGuard",
    "SQLiteReplayGuard",
    "SignatureForm",
    "StaleTimestampError",
    "UnknownEvent",
    "Verdict",
    "VoiceTrainingCompleted",
    "VoiceTrainingFailed",
    "WebhookEvent",
    "WebhookRouter",
    "WebhookVerificationError",
    "aiohttp_handler",
    "aiohttp_lifespan",
    "asgi_app",
    "django_async_view",
    "django_view",
    "fastapi_event",
    "flask_view",
    "lambda_handler",
    "sign",
    "unwrap",
    "wsgi_app",
]

_FILES = {
    "adapters.aiohttp": ("aiohttp_handler", "aiohttp_lifespan"),
    "answer": ("Answer",),
    "adapters.asgi": ("asgi_app",),
    "adapters.aws_lambda": ("lambda_handler",),
    "adapters.django": ("django_async_view", "django_view"),
    "errors": (
        "BadPayloadError",
        "BadSignatureError",
        "MissingHeaderError",
        "StaleTimestampError",
        "WebhookVerificationError",
    ),
    "events": (
        "BatchCompleted",
        "BatchStatusChanged",
        "CallAnalyzed",
        "CallBilled",
        "CallCompleted",
        "CallEnded",
        "CallEvent",
        "CallFailed",
        "CallJoined",
        "CallResult",
        "CallStarted",
        "EventName",
        "UnknownEvent",
        "VoiceTrainingCompleted",
        "VoiceTrainingFailed",
        "WebhookEvent",
    ),
    "adapters.fastapi": ("fastapi_event",),
    "adapters.flask": ("flask_view",),
    "replay.guard": ("MemoryReplayGuard", "ReplayGuard", "Verdict"),
    "replay.redis": ("RedisReplayGuard",),
    "replay.sqlite": ("SQLiteReplayGuard",),
    "router": ("WebhookRouter",),
    "signing": ("SignatureForm", "sign"),
    "unwrapping": ("unwrap",),
    "adapters.wsgi": ("wsgi_app",),
}
_HOME = {name: file for file, names in _FILES.items() for name in names}


def __getattr__(name: str) -> object:
    file = _HOME.get(name)
    if file is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{file}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
