"""The recordings, on an origin of their own: silent audio, signed links that expire, a record of credentials sent."""

from __future__ import annotations

import hashlib
import hmac
import math
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from trudy.sandbox.domain import lifecycle
from trudy.sandbox.faults.rules import Fault
from trudy.sandbox.http.api_endpoint import HttpAnswer, Receive, Scope, Send, deliver, read_body
from trudy.sandbox.http.connection import ClientConnection, connection_of
from trudy.sandbox.http.records import Arrival

if TYPE_CHECKING:
    from trudy.sandbox.world import World

PATH = "/recordings/{name}"
LINK_SECONDS = 300.0
"""How long a link is good, on the sandbox's clock: short, so that tests notice a link that was stored."""

CONTENT_TYPE = "audio/mpeg"
FORMAT = "mp3"

SAMPLE_RATE = 16_000
SAMPLES_PER_FRAME = 576
FRAME_SIZE = 36

# MPEG-2 layer III, no checksum, 8 kbit/s at 16 kHz, one channel: 72 * 8000 / 16000 = 36 bytes a frame. Side information
# of zeros says that no frequency has any strength, which is silence, and leaves the rest of the frame unused.
_FRAME = bytes([0xFF, 0xF3, 0x18, 0xC0]).ljust(FRAME_SIZE, b"\x00")

_SUFFIX = ".mp3"
_DENIED = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code></Error>'


def audio(seconds: float) -> bytes:
    """An MP3 file of at least `seconds`, about 1 kB a second."""
    return _FRAME * max(1, math.ceil(seconds * SAMPLE_RATE / SAMPLES_PER_FRAME))


class SignedLinks:
    """Makes and checks the paths of recordings. A path is good for `LINK_SECONDS` of the sandbox's clock."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def sign(self, call_id: str, *, now: float) -> str:
        """A path to this call's recording, good for `LINK_SECONDS` from now."""
        expires = int(now + LINK_SECONDS)
        return f"/recordings/{call_id}{_SUFFIX}?expires={expires}&signature={self._signature(call_id, expires)}"

    def opens(self, call_id: str, query: str, *, now: float) -> bool:
        """Whether the query of a path to this call's recording was signed here and has not expired."""
        values = parse_qs(query)
        expires, signature = values.get("expires", [""])[0], values.get("signature", [""])[0]
        if not expires.isdecimal() or not signature.isascii() or now > int(expires):
            return False
        return hmac.compare_digest(signature, self._signature(call_id, int(expires)))

    def _signature(self, call_id: str, expires: int) -> str:
        return hmac.new(self._secret, f"{call_id}:{expires}".encode(), hashlib.sha256).hexdigest()


class MediaEndpoint:
    """The ASGI application behind a recording's link."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        body = await read_body(receive)
        await deliver(self._answer(scope, body, connection), connection, send)

    def _answer(self, scope: Scope, body: bytes, connection: ClientConnection) -> HttpAnswer:
        world = self._world
        with world.state.lock:
            now = world.settle()
            fault = world.faults.take(
                scope["method"], scope["path"], connecting=None if connection.is_socket else False
            )
            answer = _with_fault(self._decide(scope, connection, now), fault)
            world.media_arrivals.append(
                Arrival(
                    scope["method"],
                    scope["path"],
                    scope["query_string"],
                    tuple(scope["headers"]),
                    body,
                    now,
                    world.state.ids.new("request"),
                    None if fault.reset else answer.status,
                )
            )
        return answer

    def _decide(self, scope: Scope, connection: ClientConnection, now: float) -> HttpAnswer:
        call_id: str = scope["path_params"]["name"].removesuffix(_SUFFIX)
        query: bytes = scope["query_string"]
        call = self._world.state.calls.get(call_id)
        if not connection.is_media or scope["method"] != "GET" or call is None:
            return _denied(404)
        if not self._world.links.opens(call_id, query.decode("latin-1"), now=now):
            return _denied(403)
        sound = audio(lifecycle.talked_seconds(call.timeline))
        return HttpAnswer(status=200, body=sound, headers={"content-type": self._content_type()})

    def _content_type(self) -> str:
        return "application/octet-stream" if "recording_type" in self._world.wire.quirks else CONTENT_TYPE


def _with_fault(answer: HttpAnswer, fault: Fault) -> HttpAnswer:
    refused = _denied(fault.status) if fault.status is not None else answer
    body, headers = fault.spoil(refused.body, refused.headers)
    return HttpAnswer(status=refused.status, body=body, headers=headers, fault=fault)


def _denied(status: int) -> HttpAnswer:
    return HttpAnswer(status=status, body=_DENIED, headers={"content-type": "application/xml"})
