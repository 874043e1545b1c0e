"""The key that all deliveries of one event share."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, get_args

from trudy.webhooks.events import EventName
from trudy.webhooks.payload import Node, Payload, child, first_id, instant

_DOCUMENTED: Final = frozenset(get_args(EventName))
_MAX_LENGTH: Final = 200
"""Characters of the longest key that is kept as it is. Ids are shorter; a stranger's longer one would fill the user's
table, where keys stay for days, so its digest is stored."""


def dedupe_key(name: str, event_id: str | None, raw: Node, data: Node) -> str:
    """The event's name and the best identity it has.

    The first of these that is there: the event's own id; an id in `data`; the id of the call, batch or voice; a digest
    of the time with the URL and phone number, or with the whole body. Two kinds of events need more than the id of
    their object. A batch changes its status often: the new status and the time are added. An undocumented event may be
    sent many times for one call: the time and a digest of `data` are added.
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
    # The instant and not its text, as a sender may spell it in another way when it sends again.
    moment = instant(raw.get("timestamp"))
    return _word(raw.get("timestamp", "")) if moment is None else moment.isoformat()


def _circumstances(raw: Node, data: Node) -> list[Any]:
    url, number = data.get("url"), data.get("phone_number", data.get("phoneNumber"))
    if url or number:
        return [_stamp(raw), url, number]
    # With the time alone, two events of one second would be taken for one: so the whole body counts.
    return [_stamp(raw), {name: value for name, value in raw.items() if name != "timestamp"}]


def _bounded(key: str) -> str:
    # Some unprintable text, such as half a surrogate pair, cannot be stored by a database.
    return key if len(key) <= _MAX_LENGTH and key.isprintable() else f"sha256:{_digest(key)}"


def _digest(value: object) -> str:
    """A digest, because the value may hold a phone number."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)
