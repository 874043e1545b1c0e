"""Finds the endpoint that a method and a path belong to, so that `client.request` knows what a named method knows."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Final

from trudy import _checks
from trudy.errors import InvalidArgumentError
from trudy.request import Endpoint, RetryClass

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
    """The endpoint itself where a namespace has it; else one about which only its method is known."""
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
