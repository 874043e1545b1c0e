"""Quirks of the objects in answers: other ids, other words, other shapes, more members and fewer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from trudy.sandbox.quirks.names import TURN_FORMS, Turns

Json = dict[str, Any]

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
PREFIXES: Mapping[str, str] = {
    "agents": "agt",
    "calls": "call",
    "batch-calls": "batch",
    "contacts": "cnt",
    "folders": "folder",
    "tools": "tool",
    "knowledge-bases": "kb",
    "sources": "src",
    "voices": "voice",
    "telephony": "num",
}
"""The prefixes of ids, by the last word of the path that names a resource."""

_UUID = re.compile(UUID)
_MEMBERS: Mapping[str, str] = {
    "agent_id": "agt",
    "call_id": "call",
    "batch_id": "batch",
    "batch_call_id": "batch",
    "campaign_id": "batch",
    "contact_id": "cnt",
    "folder_id": "folder",
    "contact_folder_id": "folder",
    "tools": "tool",
    "kb_id": "kb",
    "knowledge_bases": "kb",
    "knowledge_base_ids": "kb",
    "source_id": "src",
    "voice_id": "voice",
    "number_id": "num",
    "phone_number_ids": "num",
    "agentId": "agt",
    "callId": "call",
    "batchId": "batch",
}
_NUMBERS = frozenset({"inbound_phone_numbers", "outbound_phone_numbers", "inbound", "outbound"})
_LISTS_OF_OWN = frozenset({"deleted_ids", "failed_ids"})
_EMPTIES: tuple[Any, ...] = (None, {}, [])
_ROLES: Mapping[str, str] = {"contact": "user", "agent": "agent"}
_PROVIDER_ROLES: Mapping[str, str] = {"contact": "MESSAGE_ROLE_USER", "agent": "MESSAGE_ROLE_AGENT"}
_LATE = ("ended_at", "completed_at", "duration_seconds", "end_reason", "recording_url", "transcript_url", "summary")


class RowQuirks:
    """Applies quirks to the `data` of successful answers. Not thread-safe by itself."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._turns = Turns(names)
        self._ordinals: dict[str, int] = {}

    def distorted(self, path: str, data: Any) -> Any:
        """The data of an answer with all quirks applied."""
        kind = _kind(path)
        if path.endswith("/transcript"):
            data = self._with_turns(data)
        steps: list[Callable[[Json], Json]] = []
        if kind == "calls":
            steps.append(self._call)
        if kind == "batch-calls" and "guide_status_words" in self._names:
            steps.append(_running)
        if "unknown_members" in self._names:
            steps.append(_with_more)
        if "empty_forms" in self._names:
            steps.append(self._with_other_empties)
        for step in steps:
            data = _each(data, step)
        return with_prefixes(data, PREFIXES.get(kind)) if "prefixed_ids" in self._names else data

    def _call(self, row: Json) -> Json:
        if "status" not in row or "id" not in row:
            return row
        ordinal = self._ordinals.setdefault(row["id"], len(self._ordinals))
        if "accepted_but_failed" in self._names and ordinal % 3 == 2:
            row = row | {"status": "failed", "end_reason": "not_placed"}
        elif "stuck_calls" in self._names and ordinal % 2 == 1:
            stuck = "queued" if ordinal % 4 == 1 else "in_progress"
            row = row | {"status": stuck} | {name: None for name in _LATE if name in row}
        if "dashboard_status_words" in self._names:
            row = row | {"status": _dashboard_word(row)}
        if "guide_status_words" in self._names:
            row = row | {"status": _guide_word(row)}
        if "calls_without_variables" in self._names:
            row = {name: value for name, value in row.items() if name != "variables"}
        if "provider_call_id" in self._names:
            row = row | {"ultravox_call_id": provider_id("call", row["id"])}
        if "early_number_names" in self._names:
            row = {name: value for name, value in row.items() if name not in ("to", "from", "to_number", "from_number")}
        return row

    def _with_turns(self, data: Json) -> Json:
        turns: list[Json] | None = data.get("transcript")
        form = self._turns.pick(TURN_FORMS)
        if turns is None or form is None:
            return data
        if form == "transcript_text":
            return data | {"transcript": [turn["text"] for turn in turns]}
        if form == "transcript_roles":
            return data | {"transcript": [_with_role(turn, _ROLES) for turn in turns]}
        shown = [_with_role(turn, _PROVIDER_ROLES) for turn in turns]
        # Two turns of a tool: they have a role, but no text.
        tools = [{"role": f"MESSAGE_ROLE_TOOL_{what}", "timespan": shown[0]["timespan"]} for what in ("CALL", "RESULT")]
        return data | {"transcript": [shown[0], *tools, *shown[1:]]}

    def _with_other_empties(self, row: Json) -> Json:
        turn = self._turns.count("empty_forms")
        return {
            name: _EMPTIES[(turn + place) % 3] if value in _EMPTIES else value
            for place, (name, value) in enumerate(row.items())
        }


def provider_id(kind: str, own: str) -> str:
    """The voice provider's id for the object that has the id `own` in the API."""
    return f"uv_{kind}_{own.replace('-', '')[:12]}"


def _with_role(turn: Json, roles: Mapping[str, str]) -> Json:
    start = float(turn["timestamp"])
    timespan = {"start": f"{start}s", "end": f"{start + 1}s"}
    return {"role": roles[turn["speaker"]], "text": turn["text"], "timespan": timespan}


def _each(data: Any, step: Callable[[Json], Json]) -> Any:
    if not isinstance(data, list):
        return step(data)
    rows: list[Json] = data  # pyright: ignore[reportUnknownVariableType]
    return [step(row) for row in rows]


def with_prefixes(value: Any, own: str | None) -> Any:
    """The value with a prefix before each id in it; `own` is the prefix of members named `id`."""
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return [with_prefixes(item, own) for item in items]
    if not isinstance(value, dict):
        return value
    members: Json = value  # pyright: ignore[reportUnknownVariableType]
    found: Json = {}
    for name, member in members.items():
        prefix = own if name == "id" or name in _LISTS_OF_OWN else _MEMBERS.get(name)
        if prefix is not None and isinstance(member, str):
            found[name] = _prefixed(prefix, member)
        elif prefix is not None and isinstance(member, list):
            ids: list[Any] = member  # pyright: ignore[reportUnknownVariableType]
            found[name] = [_prefixed(prefix, one) for one in ids]
        else:
            found[name] = with_prefixes(
                member, "num" if name in _NUMBERS else own if name in ("data", "call") else None
            )
    return found


def _prefixed(prefix: str, value: Any) -> Any:
    return f"{prefix}_{value}" if isinstance(value, str) and _UUID.fullmatch(value) else value


def _kind(path: str) -> str:
    return next((word for word in reversed(path.split("/")) if word in PREFIXES), "")


def _running(row: Json) -> Json:
    return row | {"status": "running"} if row.get("status") == "active" else row


def _with_more(row: Json) -> Json:
    return row | {"organization_id": "org_1", "_row": {"version": 3, "tags": [], "owner": None}, "x-new": [1, {"a": 2}]}


def _guide_word(row: Json) -> str:
    if row.get("end_reason") == "cancelled":
        return "cancelled"
    words: dict[str, str] = {"in_progress": "in-progress", "completed": "ended"}
    word: str = row["status"]
    return words.get(word, word)


def _dashboard_word(row: Json) -> str:
    if row["status"] in ("failed", "completed") and row.get("end_reason") in ("no_answer", "busy", "voicemail"):
        return str(row["end_reason"])
    return str(row["status"])
