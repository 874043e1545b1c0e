"""The key by which two deliveries of one event are known to be the same."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, get_args

from trudy.webhooks.events import EventName
from trudy.webhooks.payload import Node, Payload, child, first_id, instant

_DOCUMENTED: Final = frozenset(get_args(EventName))
_LONGEST: Final = 200
"""A key is stored for days, in a table of the user's; an id has no business being longer."""


def dedupe_key(name: str, event_id: str | None, raw: Node, data: Node) -> str:
    """The event's name with the best identity there is.

    That is the event's own id; else one inside `data`; else that of the call, batch or voice; else the time, URL and
    number the event speaks of. A change of status also needs the status and the time, or the second change of a batch
    would pass for the first. And of what is not documented nobody knows how often it comes for one call: only a
    repetition with the same time and data passes for the same.
    """
    if event_id is not None:
        return _bounded(f"{name}:{event_id}")
    identity = first_id(data, "id", "eventId") or _object_id(data)
    if identity is None:
        identity = _digest(_circumstances(raw, data))
    elif name.endswith(".status.changed"):
        identity = f"{identity}:{_status(data)}:{_stamp(raw)}"
    elif name not in _DOCUMENTED:
        identity = f"{identity}:{_stamp(raw)}:{_digest(data)}"
    return _bounded(f"{name}:{identity}")


def _object_id(data: Node) -> str | None:
    payload = Payload(data)
    return (
        first_id(child(data, "call"), "callId", "call_id", "id")
        or first_id(data, "call_id", "callId")
        or payload.id_of("call")
        or payload.id_of("batch")
        or payload.id_of("voice")
    )


def _status(data: Node) -> str:
    for kind in ("batch", "call", "voice"):
        if (status := Payload(data).read(kind, _word, "status", "new_status")) is not None:
            return status
    return ""


def _word(value: object) -> str:
    return value if isinstance(value, str) else _canonical(value)


def _stamp(raw: Node) -> str:
    # The instant, as a sender may spell it otherwise when it sends again.
    moment = instant(raw.get("timestamp"))
    return _word(raw.get("timestamp", "")) if moment is None else moment.isoformat()


def _circumstances(raw: Node, data: Node) -> list[Any]:
    url, number = data.get("url"), data.get("phone_number", data.get("phoneNumber"))
    if url or number:
        return [_stamp(raw), url, number]
    # A time alone would take two events of one second for one: then all of the body counts, wherever it stands.
    return [_stamp(raw), {name: value for name, value in raw.items() if name != "timestamp"}]


def _bounded(key: str) -> str:
    # What is not printable includes what no database can store, such as half a surrogate pair.
    return key if len(key) <= _LONGEST and key.isprintable() else f"sha256:{_digest(key)}"


def _digest(value: object) -> str:
    """A digest, as what goes in may hold a phone number."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)
