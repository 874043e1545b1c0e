"""Quirks of whole answers: changes a documented answer into one as real servers, or proxies before them, gave it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve

from trudy.sandbox.faults.rules import NO_FAULT, Fault
from trudy.sandbox.http.wire import AnswerFormat, encode
from trudy.sandbox.quirks import rows as distorted_rows
from trudy.sandbox.quirks.list_window import ListWindow, window_of
from trudy.sandbox.quirks.names import DELETES, PROXY_BODIES, RESET_TIMES, Turns

if TYPE_CHECKING:
    from trudy.sandbox.http.api_endpoint import HttpAnswer

SLOW_SECONDS = 20.0
"""How long creates take with the quirk `slow_creates`, on the sandbox's clock: longer than usual read timeouts."""
SLOW_CALL_SECONDS = 150.0
"""The same for `POST /calls`: a real server retries for up to 160 s."""

_HTML = b"<html>\r\n<head><title>Error</title></head>\r\n<body><center><h1>Error</h1></center></body>\r\n</html>\r\n"
_NOT_YET = {"Transcript not found": "transcript", "Recording not found": "recording_url"}
_KEYED = ("/agents", "/calls", "/batch-calls", "/tools")
_UNHASHED = (b"authorization", b"user-agent", b"x-idempotency-key")


class Distortion:
    """Applies the quirks of one sandbox to its answers. Hold the state's lock."""

    def __init__(self, wire: AnswerFormat) -> None:
        self._names = wire.quirks
        self._turns = Turns(wire.quirks)
        self._rows = distorted_rows.RowQuirks(wire.quirks)
        self._created: set[str] = set()

    def key_for(self, key: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The text under which an idempotency key is stored."""
        if "key_over_headers" not in self._names:
            return key
        hashed = repr(sorted((name, value) for name, value in headers if name not in _UNHASHED))
        return f"{key}:{hashlib.sha256(hashed.encode()).hexdigest()}"

    def fault_for(self, method: str, path: str) -> Fault:
        """The fault of the answer to a request that was carried out."""
        if method != "POST" or path not in _KEYED:
            return NO_FAULT
        slow = (SLOW_CALL_SECONDS if path == "/calls" else SLOW_SECONDS) if "slow_creates" in self._names else 0.0
        is_hidden = "create_500_after" in self._names and self._turns.count("create_500_after") % 2 == 0
        if is_hidden:
            return Fault(status=500, effect=True, message="Something went wrong on our side", delay=slow)
        return Fault(delay=slow) if slow else NO_FAULT

    def window(self, method: str, path: str, query: bytes) -> ListWindow | None:
        """The changed window of a list; None if it is not changed."""
        return window_of(self._names, method, path, query) if self._names else None

    def apply(self, method: str, path: str, answer: HttpAnswer, window: ListWindow | None, *, now: float) -> HttpAnswer:
        """The answer with all quirks applied."""
        if not self._names or answer.fault.body is not None or not answer.status:
            return answer
        if answer.status == 404 and "null_until_ready" in self._names:
            answer = _null(path, answer)
        if answer.status < 300:
            return self._success(method, path, answer, window)
        answer = self._error(method, answer, now)
        return self._behind_proxy(answer)

    def _success(self, method: str, path: str, answer: HttpAnswer, window: ListWindow | None) -> HttpAnswer:
        if method == "DELETE":
            answer = self._deleted(path, answer)
        elif method == "POST" and answer.status == 201 and "creates_answer_200" in self._names:
            request_id = answer.headers.get("x-request-id", "")
            if request_id not in self._created:
                self._created.add(request_id)
                answer = evolve(answer, status=200)
        document = _parsed(answer.body)
        if document is None or "data" not in document:
            return answer
        if "meta_timestamp" in self._names and "ts" in document["meta"]:
            document["meta"]["timestamp"] = document["meta"].pop("ts")
        if "unknown_members" in self._names:
            document["meta"]["served_by"] = {"node": 3, "tags": [None]}
        if window is not None:
            window.shown(document)
        pagination: dict[str, Any] | None = document.get("pagination")
        if pagination is not None and "has_more_for_ever" in self._names and "has_more" in pagination:
            pagination["has_more"] = True
        document["data"] = self._rows.distorted(path, document["data"])
        return evolve(answer, body=encode(document))

    def _deleted(self, path: str, answer: HttpAnswer) -> HttpAnswer:
        match self._turns.pick(DELETES):
            case "delete_no_content":
                return evolve(answer, status=204, body=b"")
            case "delete_success":
                return evolve(answer, body=encode({"success": True}))
            case "delete_contact_id":
                data = {"contact_id": path.rpartition("/")[2], "deleted": True}
                return _with_body(answer, lambda document: document | {"data": data})
            case _:
                return answer

    def _error(self, method: str, answer: HttpAnswer, now: float) -> HttpAnswer:
        document = _parsed(answer.body) or {}
        error: dict[str, Any] | None = document.get("error")
        if error is None:
            return answer
        details: dict[str, Any] = error.get("details") or {}
        if "reset_at" in details and (form := self._turns.pick(RESET_TIMES)):
            _spell_reset_at(details, form, now)
        if answer.status == 502 and error.get("code") == "provider_error" and "provider_details" in self._names:
            error["details"] = {"provider": "voice", "httpStatus": 503, "retry_after": 1} | details
        if answer.status == 500 and method == "GET" and "hidden_server_faults" in self._names:
            error["code"] = "validation_error"
            answer = evolve(answer, status=422)
        if "wrapped_errors" in self._names:
            document = {"detail": {"error": error}}
        return evolve(answer, body=encode(document))

    def _behind_proxy(self, answer: HttpAnswer) -> HttpAnswer:
        headers = dict(answer.headers)
        if answer.status >= 500 and "no_request_id" in self._names:
            headers.pop("x-request-id", None)
        body = answer.body
        if answer.status == 413 or answer.status >= 500:
            match self._turns.pick(PROXY_BODIES):
                case "octet_stream_errors":
                    headers["content-type"] = "application/octet-stream"
                case "html_errors":
                    headers["content-type"], body = "text/html", _HTML
                case "empty_errors":
                    body = b""
                case _:
                    pass
        return evolve(answer, headers=headers, body=body)


def _null(path: str, answer: HttpAnswer) -> HttpAnswer:
    document = _parsed(answer.body) or {}
    what = _NOT_YET.get(document.get("error", {}).get("message"))
    if what is None:
        return answer
    data = {"call_id": path.split("/")[2], what: None}
    return evolve(answer, status=200, body=encode({"data": data, "meta": document.get("meta", {})}))


def _spell_reset_at(details: dict[str, Any], form: str, now: float) -> None:
    known: str = details["reset_at"]
    moment = datetime.fromisoformat(known)
    utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    present = datetime.fromtimestamp(now, UTC)
    match form:
        case "sliding_reset_at":
            details["reset_at"] = _zulu(present + timedelta(seconds=60))
        case "naive_reset_at":
            details["reset_at"] = utc.replace(tzinfo=None).isoformat()
        case "offset_reset_at":
            details["reset_at"] = utc.isoformat()
        case "past_reset_at":
            details["reset_at"] = _zulu(present - timedelta(hours=1))
        case "far_reset_at":
            details["reset_at"] = "9999-12-31T23:59:59.999999Z"
        case _:
            del details["reset_at"]


def _zulu(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return cast("dict[str, Any]", document) if isinstance(document, dict) else None


def _with_body(answer: HttpAnswer, change: Callable[[dict[str, Any]], dict[str, Any]]) -> HttpAnswer:
    document = _parsed(answer.body)
    return answer if document is None else evolve(answer, body=encode(change(document)))
