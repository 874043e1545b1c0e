"""What the API accepts, member by member; the first fault found is the 422 that goes out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from trudy.sandbox import problems

Json = dict[str, Any]
Check = Callable[[Any], "str | None"]
"""Gives the reason why a value is refused, or None."""

_E164 = re.compile(r"\+[1-9]\d{1,14}")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
_MEDIA = ("MESSAGE_MEDIUM_VOICE", "MESSAGE_MEDIUM_TEXT", "MESSAGE_MEDIUM_UNSPECIFIED")


@frozen
class Member:
    """One member of a request body."""

    check: Check
    nullable: bool = True
    required: bool = False


def check_body(body: Json, members: Mapping[str, Member], *, partial: bool = False, prefix: str = "") -> None:
    """Raise the 422 of the first faulty member; `partial` for updates, where nothing is required."""
    for name, member in members.items():
        if name not in body:
            if member.required and not partial:
                raise problems.invalid(prefix + name, "is required", value=body)
            continue
        value = body[name]
        if value is None:
            if not member.nullable:
                raise problems.invalid(prefix + name, "must not be null")
        elif (reason := member.check(value)) is not None:
            raise problems.invalid(prefix + name, reason, value=value)


def parse_object(body: bytes) -> Json:
    """The JSON object in a request body."""
    try:
        value = json.loads(body)
    except ValueError:
        raise problems.bad_request("The body is not valid JSON") from None
    if not isinstance(value, dict):
        raise problems.invalid("body", "must be an object", value=value)
    return value  # pyright: ignore[reportUnknownVariableType]  # JSON objects have text keys


def parse_page(query: Mapping[str, str]) -> tuple[int, int]:
    """`limit` and `offset` of a list request."""
    limit = _query_integer(query, "limit", 50)
    if not 1 <= limit <= 100:
        raise problems.invalid("limit", "must be between 1 and 100", value=limit, where="query")
    offset = _query_integer(query, "offset", 0)
    if offset < 0:
        raise problems.invalid("offset", "must be 0 or more", value=offset, where="query")
    return limit, offset


def parse_time(query: Mapping[str, str], name: str) -> float | None:
    """Unix seconds of an ISO 8601 query value; one without a zone is UTC."""
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise problems.invalid(name, "must be an ISO 8601 time", value=text, where="query") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def parse_seconds(text: str) -> float:
    """The number in a duration such as `30s`, already checked."""
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise ValueError("not a duration")
    return float(match[1])


def _query_integer(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise problems.invalid(name, "must be an integer", value=text, where="query") from None


def text(least: int = 0, most: int | None = None) -> Check:
    """A text of `least` to `most` characters."""

    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if len(value) < least:
            return "must not be empty" if least == 1 else f"must have at least {least} characters"
        return None if most is None or len(value) <= most else f"must have at most {most} characters"

    return check


def ids(most: int | None = None, least: int = 0) -> Check:
    """A list of ids."""

    def check(value: object) -> str | None:
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):  # pyright: ignore[reportUnknownVariableType]
            return "must be a list of ids"
        count = len(value)  # pyright: ignore[reportUnknownArgumentType]
        if count < least:
            return f"must have at least {least} item"
        return None if most is None or count <= most else f"must have at most {most} item"

    return check


def matches(pattern: re.Pattern[str], reason: str) -> Check:
    """A text of a fixed form."""
    return lambda value: None if isinstance(value, str) and pattern.fullmatch(value) else reason


def one_of(*words: str) -> Check:
    """One word of a closed set."""
    return lambda value: None if value in words else f"must be one of {', '.join(words)}"


def _is_boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be a boolean"


def _is_object(value: object) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def _is_object_list(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):  # pyright: ignore[reportUnknownVariableType]
        return None
    return "must be a list of objects"


def _is_temperature(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "must be a number"
    return None if 0 <= value <= 1 else "must be between 0 and 1"


_duration = matches(_SECONDS, "must be a duration such as 30s")
_phone = matches(_E164, "must be in E.164 form, such as +14155550100")

AGENT: Mapping[str, Member] = {
    "name": Member(text(1, 255), nullable=False, required=True),
    "voice_id": Member(text(1), nullable=False, required=True),
    "system_prompt": Member(text(1), nullable=False, required=True),
    "description": Member(text(0, 1000)),
    "greeting": Member(text()),
    "model": Member(text(1), nullable=False),
    "tools": Member(ids()),
    "knowledge_bases": Member(ids(most=1)),
    "temperature": Member(_is_temperature),
    "recording_enabled": Member(_is_boolean),
    "language_hint": Member(text(1)),
    "join_timeout": Member(_duration),
    "max_duration": Member(_duration),
    "template_id": Member(text()),
    "call_template_name": Member(text()),
    "greeting_settings": Member(_is_object),
    "inactivity_messages": Member(_is_object_list),
    "time_exceeded_message": Member(text()),
    "initial_output_medium": Member(one_of(*_MEDIA)),
    "vad_settings": Member(_is_object),
}
"""POST /agents."""

AGENT_UPDATE: Mapping[str, Member] = {name: Member(member.check) for name, member in AGENT.items()}
"""PUT and PATCH /agents/{id}: everything optional and nullable."""

CALL: Mapping[str, Member] = {
    "agent_id": Member(text(1), nullable=False, required=True),
    "phone_number": Member(_phone, nullable=False, required=True),
    "from_number": Member(_phone),
    "direction": Member(one_of("outbound")),
    "variables": Member(_is_object),
    "context": Member(_is_object),
    "call_settings": Member(_is_object),
}
"""POST /calls; `direction` and `context` are older members that pages still show."""

CALL_SETTINGS: Mapping[str, Member] = {
    "recording_enabled": Member(_is_boolean, nullable=False),
    "transcription_enabled": Member(_is_boolean, nullable=False),
    "greeting": Member(text()),
    "max_duration": Member(_duration),
    "join_timeout": Member(_duration),
}

BULK_DELETE: Mapping[str, Member] = {"ids": Member(ids(least=1), nullable=False, required=True)}
