"""`/_sandbox/`: lets a person, or a test in another language, look into a sandbox and control it.

| request | what it does |
|---|---|
| GET `/_sandbox/` | the inspector page; it loads without a token, and needs one to show anything |
| GET `/_sandbox/state` | the clock, and the newest requests, calls, batches, deliveries and faults |
| GET `/_sandbox/requests?limit=` | the newest requests with their bodies, numbers and secrets masked |
| POST `/_sandbox/clock` `{"advance": seconds, "speed": number}` | either or both |
| GET, POST, DELETE `/_sandbox/faults` | list, add one (as in a faults file), remove all |
| DELETE `/_sandbox/faults/{id}` | remove one |
| GET, POST `/_sandbox/webhooks` | list receivers; add `{"url": ..., "secret": ..., "events": [...], ...}` |

All but the page need `Authorization: Bearer` and the control token, `sandbox.control_token`.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

from attrs import frozen

from trudy.sandbox.clock import check_speed
from trudy.sandbox.faults.file import FaultFileError, add_rule
from trudy.sandbox.http import snapshot
from trudy.sandbox.http.api_endpoint import HttpAnswer, Receive, Scope, Send, deliver, read_body
from trudy.sandbox.http.connection import connection_of
from trudy.sandbox.http.wire import encode

if TYPE_CHECKING:
    from trudy.sandbox.world import World

PREFIX = "/_sandbox"

_HTML = {
    "content-type": "text/html; charset=utf-8",
    # The page loads nothing else, and no other site may embed it.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_JSON = {"content-type": "application/json", "cache-control": "no-store"}
_RECEIVER_MEMBERS = frozenset(
    {"secret", "events", "delay", "duplicates", "reorder", "reorder_by", "loss", "tries", "backoff"}
)


class ControlEndpoint:
    """The ASGI application of all paths below `/_sandbox`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        body = await read_body(receive)
        answer = _problem(404, "there is no such path") if connection.is_media else self._answer(scope, body)
        await deliver(answer, connection, send)

    def _answer(self, scope: Scope, body: bytes) -> HttpAnswer:
        method: str = scope["method"]
        path: str = scope["path"].removeprefix(PREFIX)
        if path in ("", "/"):
            return HttpAnswer(status=200, body=_page(), headers=_HTML) if method == "GET" else _wrong_method()
        if not self._is_allowed(scope):
            return _problem(401, "this needs the control token, printed at the start of the sandbox")
        name, _, rest = path.removeprefix("/").partition("/")
        behind = _ACTIONS.get(name)
        if behind is None or (rest and (name, method) != ("faults", "DELETE")):
            return _problem(404, "there is no such path")
        action = behind.get(method)
        if action is None:
            return _wrong_method()
        try:
            asked = _Asked(self._world, scope["query_string"], body, rest)
            return HttpAnswer(status=200, body=encode(action(asked)), headers=_JSON)
        except (FaultFileError, _RefusedError) as error:
            return _problem(400, str(error))
        except LookupError as error:
            return _problem(404, str(error.args[0]))

    def _is_allowed(self, scope: Scope) -> bool:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token, self._world.control_token.encode())


class _RefusedError(Exception):
    """The request is wrong; the message says why."""


@frozen
class _Asked:
    world: World
    query: bytes
    body: bytes
    rest: str

    def json(self) -> dict[str, Any]:
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise _RefusedError("the body must be JSON") from None
        if not isinstance(value, dict):
            raise _RefusedError("the body must be a JSON object")
        return cast("dict[str, Any]", value)

    def limit(self) -> int:
        text = parse_qs(self.query.decode("latin-1")).get("limit", ["100"])[0]
        if not text.isdecimal() or not 1 <= int(text) <= 1_000:
            raise _RefusedError("limit must be between 1 and 1000")
        return int(text)


def _state(asked: _Asked) -> Any:
    return snapshot.state(asked.world, limit=asked.limit())


def _requests(asked: _Asked) -> Any:
    return snapshot.requests(asked.world, limit=asked.limit())


def _set_clock(asked: _Asked) -> Any:
    members, clock = asked.json(), asked.world.clock
    if not members or not members.keys() <= {"advance", "speed"}:
        raise _RefusedError("the clock takes `advance`, in seconds, and `speed`")
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in members.values()):
        raise _RefusedError("advance and speed must be numbers")
    try:
        check_speed(members.get("speed", clock.speed))
        clock.advance(seconds=members.get("advance", 0))
        clock.speed = members.get("speed", clock.speed)
    except ValueError as error:
        raise _RefusedError(str(error)) from None
    return snapshot.clock(asked.world)


def _faults(asked: _Asked) -> Any:
    return snapshot.faults(asked.world)


def _add_fault(asked: _Asked) -> Any:
    return snapshot.fault(add_rule(asked.world.faults, asked.json()))


def _remove_faults(asked: _Asked) -> Any:
    faults = asked.world.faults
    if not asked.rest:
        faults.clear()
        return snapshot.faults(asked.world)
    rule = next((rule for rule in faults.rules if str(rule.id) == asked.rest), None)
    if rule is None:
        raise LookupError("there is no such fault")
    faults.remove(rule)
    return snapshot.fault(rule)


def _receivers(asked: _Asked) -> Any:
    return snapshot.receivers(asked.world)


def _add_receiver(asked: _Asked) -> Any:
    members = asked.json()
    url = members.pop("url", None)
    if not isinstance(url, str):
        raise _RefusedError("url is required")
    if unknown := members.keys() - _RECEIVER_MEMBERS:
        raise _RefusedError(f"there is no {min(unknown)!r}; there are url, {', '.join(sorted(_RECEIVER_MEMBERS))}")
    try:
        return snapshot.receiver(asked.world.webhooks.add(url, **members))
    except ValueError as error:
        raise _RefusedError(str(error)) from None


_ACTIONS: Mapping[str, Mapping[str, Callable[[_Asked], Any]]] = {
    "state": {"GET": _state},
    "requests": {"GET": _requests},
    "clock": {"GET": lambda asked: snapshot.clock(asked.world), "POST": _set_clock},
    "faults": {"GET": _faults, "POST": _add_fault, "DELETE": _remove_faults},
    "webhooks": {"GET": _receivers, "POST": _add_receiver},
}


def _problem(status: int, message: str) -> HttpAnswer:
    return HttpAnswer(status=status, body=encode({"error": {"message": message}}), headers=_JSON)


def _wrong_method() -> HttpAnswer:
    return _problem(405, "this path does not know that method")


@cache
def _page() -> bytes:
    return files("trudy.sandbox.http").joinpath("inspector.html").read_bytes()
