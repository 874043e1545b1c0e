"""What every API request goes through, whatever its path: limit, key, replay, the handler, faults, the answer.

Deciding is synchronous and holds the state's lock; only the delivery of the answer may wait.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from trudy.sandbox.faults.rules import BODILESS, NO_FAULT, Fault
from trudy.sandbox.http import problems
from trudy.sandbox.http.connection import ClientConnection, connection_of
from trudy.sandbox.http.contract import BASE_PATH, Json, Operation
from trudy.sandbox.http.idempotency import StoredAnswer
from trudy.sandbox.http.problems import Problem
from trudy.sandbox.http.records import Arrival
from trudy.sandbox.http.wire import http_date

if TYPE_CHECKING:
    from trudy.sandbox.sandbox import Sandbox

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_DRIP_PIECES = 8
_PIECE_SIZE = 64 * 1024
_logger = logging.getLogger("trudy.sandbox")


@frozen(kw_only=True)
class ApiRequest:
    """What a handler sees of a request: what the API document allows.

    Attributes:
        query: the documented members that were sent.
        body: the members of the body; an upload in a form is a `multipart.FormFile`.
    """

    sandbox: Sandbox
    connection: ClientConnection
    now: float
    params: Mapping[str, str]
    query: Mapping[str, Any]
    body: Json = field(repr=False)
    idempotency_key: str | None


@frozen(kw_only=True)
class HandlerReply:
    """What a handler answers.

    Attributes:
        is_flat: `data` is the whole body, without the envelope.
        fault: what goes wrong on the way back, where the request itself asked for it.
    """

    data: object
    status: int = 200
    is_flat: bool = False
    pagination: Mapping[str, Any] | None = None
    fault: Fault = NO_FAULT


Handler = Callable[[ApiRequest], HandlerReply]


@frozen(kw_only=True)
class Method:
    """What stands behind one method of one path.

    Attributes:
        params: parameters that stand in this path by name.
    """

    operation: Operation
    handle: Handler
    params: Mapping[str, str] = field(factory=dict[str, str])


@frozen(kw_only=True)
class HttpAnswer:
    """Bytes to deliver, and what goes wrong meanwhile."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(factory=dict[str, str])
    fault: Fault = NO_FAULT


class ApiEndpoint:
    """The ASGI application of one path."""

    def __init__(self, sandbox: Sandbox, methods: Mapping[str, Method]) -> None:
        self._sandbox = sandbox
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        body = await read_body(receive)
        await deliver(self._answer(scope, body, connection), connection, send)

    def _answer(self, scope: Scope, body: bytes, connection: ClientConnection) -> HttpAnswer:
        sandbox = self._sandbox
        request_id = str(uuid.uuid4())
        method: str = scope["method"]
        path: str = scope["path"].removeprefix(BASE_PATH)
        with sandbox.state.lock:
            now = sandbox.settle()
            window = sandbox.distortion.window(method, path, scope["query_string"])
            asked = scope if window is None else {**scope, "query_string": window.looked_up}
            try:
                answer = self._decide(asked, method, path, body, connection, now, request_id)
            except Problem as problem:
                answer = self._refusal(problem, now, request_id)
            except Exception:
                _logger.exception("The sandbox failed at %s %s", method, path)
                answer = self._refusal(problems.internal_error(), now, request_id)
            answer = sandbox.distortion.apply(method, path, answer, window, now=now)
            seen = sandbox.media_arrivals if connection.is_media else sandbox.arrivals
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
        sandbox = self._sandbox
        if connection.is_media:
            raise problems.unknown_path()
        if not sandbox.limiter.admit(now):
            raise rate_limited(sandbox, connection, now)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if not sandbox.accepts_credential(headers.get(b"authorization", b"").decode("latin-1")):
            raise problems.unauthorized()
        behind = self._methods.get(method)
        if behind is None:
            raise problems.method_not_allowed(sorted(self._methods)) if self._methods else problems.unknown_path()
        fault = sandbox.faults.take(method, path, connecting=None if connection.is_socket else False)
        told = now + fault.skew
        if not fault.has_effect:
            return self._faulty(fault, None, told, request_id)
        key = _text(headers.get(b"x-idempotency-key")) if behind.operation.by_key else None
        if key is not None:
            known_by = sandbox.distortion.key_for(key, scope["headers"])
            stored = sandbox.idempotency.find(known_by, method, path, body, now=now)
            if stored is not None:
                replay = HttpAnswer(
                    status=stored.status, body=stored.body, headers=self._headers(stored.request_id, told)
                )
                return self._faulty(fault, replay, told, request_id)
        try:
            return self._carry_out(behind, scope, body, key, fault, connection, now, request_id)
        except Problem as problem:
            if fault is NO_FAULT:
                raise
            return self._faulty(fault, self._refusal(problem, told, request_id), told, request_id)

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
        sandbox, told, headers = self._sandbox, now + fault.skew, dict[bytes, bytes](scope["headers"])
        reply = behind.handle(
            ApiRequest(
                sandbox=sandbox,
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
            fault = sandbox.distortion.fault_for(scope["method"], path)
        answer = HttpAnswer(
            status=reply.status,
            body=sandbox.wire.flat(reply.data)
            if reply.is_flat
            else sandbox.wire.success(reply.data, request_id=request_id, now=told, pagination=reply.pagination),
            headers=self._headers(request_id, told),
        )
        if key is not None and fault.status is None:
            known_from = now + fault.delay
            known_by = sandbox.distortion.key_for(key, scope["headers"])
            sandbox.idempotency.keep(
                known_by, scope["method"], path, body, StoredAnswer(reply.status, answer.body, request_id, known_from)
            )
        return self._faulty(fault, answer, told, request_id)

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
            body=self._sandbox.wire.error(problem, request_id=request_id, now=now),
            headers={**self._headers(request_id, now), **problem.headers},
        )

    def _headers(self, request_id: str, now: float) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "x-request-id": request_id,
            "date": http_date(now + self._sandbox.wire.skew),
        }


def rate_limited(sandbox: Sandbox, connection: ClientConnection, now: float) -> Problem:
    """The 429 of a full window; `reset_at` is in the time of the one who will wait for it."""
    limit = sandbox.limiter.limit or 0
    left = sandbox.limiter.ends_at(now) - now
    return problems.rate_limited(limit, sandbox.wire.time(now + connection.seconds_for_caller(left)))


async def read_body(receive: Receive) -> bytes:
    """All of a request's body."""
    message = await receive()
    pieces: list[bytes] = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await receive()
        pieces.append(message.get("body", b""))
    return b"".join(pieces)


async def deliver(answer: HttpAnswer, connection: ClientConnection, send: Send) -> None:
    """Send an answer, with whatever its fault does to it."""
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
