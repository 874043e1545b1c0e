"""Calls from a browser: where it joins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from trudy._parse import identifier, text
from trudy.models._fields import id_of, shown_link, wire
from trudy.models._wire import Model
from trudy.models.common import ResponseMeta


def _shown(url: str | None) -> str:
    return "None" if url is None else shown_link(url).rpartition("/")[0] + "/***'"


@frozen(kw_only=True)
class WebRTCCall(Model):
    """A call that waits for a browser to join. The one answer of the API without an envelope."""

    call_id: str = field(metadata=wire("callId", "call_id", "id", read=identifier))
    """Opaque (wire: `callId`)."""
    join_url: str = field(repr=_shown, metadata=wire("joinUrl", "join_url", read=text))
    """Where the browser joins, `wss://...` (wire: `joinUrl`). Works once, expires soon; whoever has it can join."""
    agent_name: str | None = field(default=None, metadata=wire("agentName", "agent_name"))
    """Wire: `agentName`."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class TestCall(Model):
    """A call to try an agent from a browser. Members inferred from an early server."""

    __test__ = False  # its name would make pytest take it for a class of tests

    call_id: str | None = field(default=None, metadata=id_of("call", "id"))
    """Opaque."""
    join_url: str | None = field(default=None, repr=_shown, metadata=wire("join_url", "joinUrl"))
    """Where the browser joins, `wss://...`. Works once, expires soon; whoever has it can join."""
    agent_id: str | None = field(default=None, metadata=id_of("agent"))
    created_at: datetime | None = None
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""
