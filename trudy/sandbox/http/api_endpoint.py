"""The steps of every API request: limit, key, replay, handler, faults, answer.

The answer is decided synchronously, with the state's lock held; only its delivery may wait.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from trudy.sandbox.faults.rules import BODILESS, NO_FAULT, Fault
from trudy.sandbox.http import problems
from trudy.sandbox.http.connection import ClientConnection, connection_of
from trudy.sandbox.http.contract import BASE_PATH
from trudy.sandbox.http.handler import ApiRequest, Method, rate_limited
from trudy.sandbox.http.idempotency import StoredAnswer
from trudy.sandbox.http.problems import Problem
from trudy.sandbox.http.records import Arrival
from trudy.sandbox.http.wire import http_date

if TYPE_CHECKING:
    from trudy.sandbox.world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_DRIP_PIECES = 8
"""Pieces of a body that drips: several waits, so that a read timeout for each piece does not end it."""
_PIECE_SIZE = 64 * 1024
"""Bytes of a piece of any other body, as large as servers usually send."""
_logger = logging.getLogger("trudy.sandbox")


@frozen(kw_only=True)
class HttpAnswer:
    """An answer to deliver, and the fault of its delivery."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(factory=dict[str, str])
    fault: Fault = NO_FAULT


class ApiEndpoint:
    """The ASGI application of one path."""

    def __init__(self, world: World, methods: Mapping[str, Method]) -> None:
        self._world = world
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        body = await read_body(receive)
        await deliver(self._answer(scope, body, connection), connection, send)

    def _answer(self, scope: Scope, body: bytes, connection: ClientConnection) -> HttpAnswer:
        world = self._world
        request_id = world.state.ids.new("request")
        method: str = scope["method"]
        path: str = scope["path"].removeprefix(BASE_PATH)
        with world.state.lock:
            now = world.settle()
            window = world.distortion.window(method, path, scope["query_string"])
            asked = scope if window is None else {**scope, "query_string": window.looked_up}
            try:
                answer = self._decide(asked, method, path, body, connection, now, request_id)
            except Problem as problem:
                answer = self._refusal(problem, now, request_id)
            except Exception:
                _logger.exception("The sandbox failed at %s %s", method, path)
                answer = self._refusal(problems.internal_error(), now, request_id)
            answer = world.distortion.apply(method, path, answer, window, now=now)
            seen = world.media_arrivals if connection.is_media else world.arrivals
            seen.append(
                Arrival(
                    method,
                    path,
                    scope["query_string"],
                    tuple(scope["headers"]),
                    body,
                    now,
                    request_id,
                    None if answer.fault.reset else answer.status,
                )
            )
        return answer

    def _decide(
        self,
        scope: Scope,
        method: str,
        path: str,
        body: bytes,
        connection: ClientConnection,
        now: float,
        request_id: str,
    ) -> HttpAnswer:
        world = self._world
        if connection.is_media:
            raise problems.unknown_path()
        if not world.limiter.admit(now):
            raise rate_limited(world, connection, now)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if not world.accepts_credential(headers.get(b"authorization", b"").decode("latin-1")):
            raise problems.unauthorized()
        behind = self._methods.get(method)
        if behind is None:
            raise problems.method_not_allowed(sorted(self._methods)) if self._methods else problems.unknown_path()
        fault = world.faults.take(method, path, connecting=None if connection.is_socket else False)
        shown_now = now + fault.skew
        if fault.effect_after:
            world.do_later(now + fault.effect_after, partial(self._carry_out_late, behind, scope, body, connection))
        if not fault.has_effect:
            return self._faulty(fault, None, shown_now, request_id)
        key = _text(headers.get(b"x-idempotency-key")) if behind.operation.by_key else None
        if key is not None:
            known_by = world.distortion.key_for(key, scope["headers"])
            stored = world.idempotency.find(known_by, method, path, body, now=now)
            if stored is not None:
                replay = HttpAnswer(
                    status=stored.status, body=stored.body, headers=self._headers(stored.request_id, shown_now)
                )
                return self._faulty(fault, replay, shown_now, request_id)
        try:
            return self._carry_out(behind, scope, body, key, fault, connection, now, request_id)
        except Problem as problem:
            if fault is NO_FAULT:
                raise
            return self._faulty(fault, self._refusal(problem, shown_now, request_id), shown_now, request_id)

    def _carry_out_late(
        self, behind: Method, scope: Scope, body: bytes, connection: ClientConnection, now: float
    ) -> None:
        """Carry out a request whose answer was lost before."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        key = _text(headers.get(b"x-idempotency-key")) if behind.operation.by_key else None
        request_id = self._world.state.ids.new("request")
        with suppress(Problem):  # no one waits for the answer any more
            self._carry_out(behind, scope, body, key, NO_FAULT, connection, now, request_id)

    def _carry_out(
        self,
        behind: Method,
        scope: Scope,
        body: bytes,
        key: str | None,
        fault: Fault,
        connection: ClientConnection,
        now: float,
        request_id: str,
    ) -> HttpAnswer:
        world, shown_now, headers = self._world, now + fault.skew, dict[bytes, bytes](scope["headers"])
        reply = behind.handle(
            ApiRequest(
                world=world,
                connection=connection,
                now=now,
                params={**scope.get("path_params", {}), **behind.params},
                query=behind.operation.read_query(scope["query_string"]),
                body=behind.operation.read_body(_text(headers.get(b"content-type")) or "", body),
                idempotency_key=key,
            )
        )
        path: str = scope["path"].removeprefix(BASE_PATH)
        if fault is NO_FAULT:
            fault = reply.fault
        if fault is NO_FAULT:
            fault = world.distortion.fault_for(scope["method"], path)
        answer = HttpAnswer(
            status=reply.status,
            body=world.wire.flat(reply.data)
            if reply.is_flat
            else world.wire.success(reply.data, request_id=request_id, now=shown_now, pagination=reply.pagination),
            headers=self._headers(request_id, shown_now),
        )
        if key is not None and fault.status is None:
            known_from = now + fault.delay
            known_by = world.distortion.key_for(key, scope["headers"])
            world.idempotency.keep(
                known_by, scope["method"], path, body, StoredAnswer(reply.status, answer.body, request_id, known_from)
            )
        return self._faulty(fault, answer, shown_now, request_id)

    def _faulty(self, fault: Fault, answer: HttpAnswer | None, now: float, request_id: str) -> HttpAnswer:
        problem = fault.problem()
        if problem is not None:
            answer = self._refusal(problem, now, request_id)
            if problem.status in BODILESS:
                answer = evolve(answer, body=b"")
        if answer is None:
            answer = HttpAnswer(status=0, body=b"")
        if fault is NO_FAULT:
            return answer
        body, headers = fault.spoil(answer.body, answer.headers)
        return HttpAnswer(status=answer.status, body=body, headers=headers, fault=fault)

    def _refusal(self, problem: Problem, now: float, request_id: str) -> HttpAnswer:
        return HttpAnswer(
            status=problem.status,
            body=self._world.wire.error(problem, request_id=request_id, now=now),
            headers={**self._headers(request_id, now), **problem.headers},
        )

    def _headers(self, request_id: str, now: float) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "x-request-id": request_id,
            "date": http_date(now),
        }


async def read_body(receive: Receive) -> bytes:
    """Read the whole body of a request."""
    message = await receive()
    pieces: list[bytes] = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await receive()
        pieces.append(message.get("body", b""))
    return b"".join(pieces)


async def deliver(answer: HttpAnswer, connection: ClientConnection, send: Send) -> None:
    """Send an answer, with its fault."""
    fault = answer.fault
    if fault.delay and not await connection.pause(fault.delay):
        return
    if fault.reset is not None:
        await connection.drop()
        return
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.status not in BODILESS:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if fault.truncate:
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
        await connection.drop()
        return
    pieces = _pieces(answer.body, _DRIP_PIECES if fault.drip else len(answer.body) // _PIECE_SIZE + 1)
    for piece in pieces[:-1]:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        if fault.drip and not await connection.pause(fault.drip):
            return
    await send({"type": "http.response.body", "body": pieces[-1]})


def _pieces(body: bytes, count: int) -> list[bytes]:
    """The body in about `count` pieces; at least one, which may be empty."""
    size = max(1, -(-len(body) // max(1, count)))
    return [body[start : start + size] for start in range(0, len(body), size)] or [b""]


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value else None
