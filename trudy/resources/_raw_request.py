"""`client.request`: finds the endpoint of a path, so that the request is treated like that of the named method."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from trudy import _checks
from trudy._answer_facts import as_mapping
from trudy._parse import find_id
from trudy.errors import InvalidArgumentError
from trudy.request import Endpoint, RetryClass

if TYPE_CHECKING:
    from trudy._settings import Settings
    from trudy.pipeline.core import Core
    from trudy.request import Request, Response
    from trudy.resources._reconcile import CallReconciler

MODULES: Final = (
    "agents",
    "calls",
    "webrtc",
    "batch_calls",
    "contacts",
    "tools",
    "knowledge_bases",
    "voices",
    "telephony",
)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@cache
def endpoints() -> tuple[Endpoint, ...]:
    """Every endpoint that a namespace has."""
    modules = [import_module(f"trudy.resources.{name}") for name in MODULES]
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Endpoint))


def endpoint_of(method: str, path: str) -> Endpoint:
    """The endpoint of a namespace, if one has this method and path; else one with the defaults of its method."""
    _checks.non_empty(method, "method")
    _checks.non_empty(path, "path")
    method = method.upper()
    if method not in _METHODS:
        raise InvalidArgumentError(f"method must be one of {', '.join(_METHODS)}", argument="method")
    if not path.startswith("/") or path.startswith("//") or not path.isascii() or re.search(r"[?#\s\\]", path):
        raise InvalidArgumentError("path must start with one slash and have no query; use query=", argument="path")
    if {".", ".."} & set(path.split("/")):
        raise InvalidArgumentError("path must not have dot segments", argument="path")
    trimmed = path.rstrip("/")
    for endpoint in endpoints():
        if endpoint.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", endpoint.path), trimmed):
            return endpoint
    return Endpoint(
        name="request",
        method=method,
        path=path,
        retry=RetryClass.ONCE if method == "POST" else RetryClass.REPEAT,
        any_answer=True,
    )


def reconciler_of(core: Core, settings: Settings, endpoint: Endpoint) -> CallReconciler | None:
    """What knows the calls under way, for a `POST /calls`; None for all other requests. It looks for no call here."""
    if endpoint.retry is not RetryClass.RECONCILE:
        return None
    from trudy.resources._reconcile import reconciler_for
    from trudy.resources.calls import LIST

    return reconciler_for(core, settings, LIST, timeout=0.0)


async def send_raw(core: Core, request: Request, reconciler: CallReconciler | None) -> Response:
    """Send it. A `POST /calls` is registered while it is under way, so that no other create takes its call."""
    if reconciler is None:
        return await core.send(request)
    with reconciler.registered(request) as settle:
        response = await core.send(request)
        call_id = find_id(as_mapping(response.facts.data) or {}, "call")
        if call_id is not None:
            settle(call_id)
    return response
