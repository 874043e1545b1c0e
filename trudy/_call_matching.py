"""Whether a call that the server shows may be the one that a request asked for. Pure.

    SentCall        what a request asked for, read from its body
    may_be          compares all that a row shows with it
    is_asked_for    the same for `calls.find`
    is_answer_to    the same for the answer to the request itself, on number and agent alone
    ServerReading   moments of our monotonic clock on the server's clock

A row that shows something else than what was sent is never ours. Who may own a row that fits is in `_call_claims`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, cast
from unicodedata import category, normalize

from attrs import field, frozen

from trudy._parse import parse_seconds

if TYPE_CHECKING:
    from trudy._answer_facts import Stamp
    from trudy.models import Call

REF: Final = "trudy_ref"
"""The variable by which a user may mark a call: a text that no other call has."""
SERVER_MAY_TAKE: Final = 160.0
"""Seconds for which the server itself may go on trying to place a call."""

_IN_ANGLES = re.compile("<([^<>]+)>")
_SCHEME = re.compile(r"^\s*[A-Za-z]+:")
_NOT_IN_A_NUMBER = re.compile(r"[^0-9\s+().\u00a0\u2010-\u2015/-]")
_SHORTEST_NATIONAL = 6
_LONGEST_COUNTRY_CODE = 3
_DURATIONS = ("max_duration", "join_timeout")
_CAMPAIGN = ("campaign_id", "campaignId", "batch_call_id", "batchCallId", "batch_id", "batchId", "campaign", "batch")
_VARIABLES = (
    "variables",
    "context",
    "template_context",
    "templateContext",
    "template_variables",
    "templateVariables",
    "dynamic_variables",
    "dynamicVariables",
)
_SETTINGS = ("call_settings", "callSettings", "settings")
_KEY = ("idempotency_key", "idempotencyKey")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CUT_OFF = 1.0
"""Seconds by which `created_at` may be too early where it is cut to whole seconds."""
_TWO_HOSTS = 0.25
"""Seconds by which the clocks of servers behind one name may differ; more would let in rows older than the request."""
_DOUBT_OF_DATE = 1.0
"""Seconds more where only `Date` tells the time, which a proxy may have written by a clock of its own."""


@frozen(kw_only=True)
class SentCall:
    """What a request to place a call asked for. `number` is country code and digits."""

    number: str = field(repr=False)
    agent_id: str = ""
    from_number: str = field(default="", repr=False)
    variables: Mapping[str, object] = field(factory=dict[str, object], repr=False)
    settings: Mapping[str, object] = field(factory=dict[str, object], repr=False)
    key: str | None = None

    @classmethod
    def of(cls, body: object, key: str | None = None) -> SentCall:
        """Read the JSON body of a request, with whatever `extra_body` added to it."""
        sent = _mapping(body)
        return cls(
            number=digits(_text(sent.get("phone_number"))),
            agent_id=_text(sent.get("agent_id")),
            from_number=digits(_text(sent.get("from_number"))),
            variables=_mapping(sent.get("variables")) or _mapping(sent.get("context")),
            settings=_mapping(sent.get("call_settings")),
            key=key,
        )


def may_be(sent: SentCall, call: Call) -> bool:
    """Whether a row may be the call that was sent: nothing that it shows contradicts that."""
    return (
        call.direction in ("", "outbound")
        and _is_called(sent, call)
        and _is_same_agent(sent, call)
        and _is_from(sent, call)
        and not any(call.metadata.get(name) or call.extra.get(name) for name in _CAMPAIGN)
        and _is_same_key(sent, call)
        and _is_same_mark(sent, call)
        and _have_same_variables(sent, call)
        and _have_same_settings(sent, call)
    )


def shown_members(call: Call) -> frozenset[str]:
    """Which of a call's agent, variables and settings a row shows."""
    shown = {"agent": _shown_agent(call), "variables": shown_variables(call), "settings": _shown_settings(call)}
    return frozenset(name for name, value in shown.items() if value)


def shows_enough(sent: SentCall, call: Call, *, server_shows: Collection[str]) -> bool:
    """Whether a row that may be the call shows everything that was sent: one that shows less may be another call.

    A row that shows variables shows all of them, or the mark, which tells all by itself; the same for settings.
    `server_shows`: what this server has shown of other calls (see `shown_members`), so that a row without it was made
    without it.
    """
    variables, mine, settings = shown_variables(call), _filled(sent.variables), _filled(sent.settings)
    asked = {"agent": sent.agent_id, "variables": mine, "settings": settings}
    if any(asked[name] and name not in shown_members(call) for name in server_shows):
        return False
    if variables is not None and REF not in variables and not mine.keys() <= variables.keys():
        return False
    shown = _shown_settings(call)
    return shown is None or settings.keys() <= shown.keys()


def is_answer_to(sent: SentCall, call: Call) -> bool:
    """Whether the answer to a create can be the answer to this one: its number and its agent, where it shows them.

    Nothing else is compared: a server may add to what it was sent, and then every create would end unknown.
    """
    return all(same_number(sent.number, each) for each in _numbers_called(call)) and _is_same_agent(sent, call)


def shows_number(call: Call) -> bool:
    """Whether a row shows the number called."""
    return bool(_numbers_called(call))


def digits(number: str) -> str:
    """A number as country code and digits, in whatever spelling; empty where the text is no number, or a masked one."""
    return _international(number)[0]


def same_number(sent: str, shown: str) -> bool:
    """Whether a number in any spelling is the one sent (as `digits` gives it): `+`, `00`, `011`, blanks, national."""
    found, is_international = _international(shown)
    if found == sent or is_international or not found:
        return found == sent and found != ""
    if sent in (found.removeprefix("00"), found.removeprefix("011")):
        return True
    national = found.removeprefix("0")
    country_code = len(sent) - len(national)
    return len(national) >= _SHORTEST_NATIONAL and 0 < country_code <= _LONGEST_COUNTRY_CODE and sent.endswith(national)


def shown_variables(call: Call) -> Mapping[str, object] | None:
    """The variables that a row shows; None where it shows none. Of several names the one that holds something counts.

    Variables that cannot be read count as one nameless variable, which nobody has sent.
    """
    extra: Mapping[str, object] = call.extra
    forms: Sequence[object] = (
        call.variables,
        *(extra.get(name) for name in _VARIABLES),
        call.metadata.get("variables"),
    )
    for form in forms:
        parsed = _parsed(form)
        if found := _filled(parsed):
            return found
        if parsed and not isinstance(parsed, dict):
            return {"": form}
    return {} if any(form is not None for form in forms) else None


@frozen(kw_only=True)
class ServerReading:
    """An answer told the server's clock (Unix seconds, cut to `granularity`) between two moments of our monotonic one.

    Only spans of our clock are used, so that it may be wrong, and be set right meanwhile.
    """

    server: float
    granularity: float
    asked: float
    answered: float

    @classmethod
    def of(cls, stamp: Stamp | None, asked: float, answered: float) -> ServerReading | None:
        """None where the answer does not tell the time."""
        if stamp is None:
            return None
        return cls(server=stamp.time, granularity=stamp.granularity, asked=asked, answered=answered)

    def earliest(self, moment: float) -> float:
        """The server's time when our monotonic clock stood at `moment`, at the earliest."""
        return self.server - (self.answered - moment) - self._doubt

    def latest(self, moment: float) -> float:
        """The same, at the latest."""
        return self.server + self.granularity - (self.asked - moment) + self._doubt

    @property
    def _doubt(self) -> float:
        return _TWO_HOSTS + (_DOUBT_OF_DATE if self.granularity >= 1.0 else 0.0)


def latest_made(call: Call) -> float | None:
    """When a call was made, in Unix seconds of the server, at the latest; None where the row does not tell."""
    if call.created_at is None:
        return None
    return call.created_at.timestamp() + (0.0 if call.created_at.microsecond else _CUT_OFF)


def _is_called(sent: SentCall, call: Call) -> bool:
    shown = _numbers_called(call)
    return bool(shown) and all(same_number(sent.number, each) for each in shown)


def _is_same_agent(sent: SentCall, call: Call) -> bool:
    shown = _shown_agent(call)
    return not shown or not sent.agent_id or _id(shown) == _id(sent.agent_id)


def _shown_agent(call: Call) -> str:
    agent = _mapping(call.extra.get("agent"))
    inside = next((agent[name] for name in ("agent_id", "agentId", "id") if agent.get(name)), None)
    return _text(call.agent_id or call.extra.get("agentId") or inside)


def _is_from(sent: SentCall, call: Call) -> bool:
    return not sent.from_number or all(same_number(sent.from_number, each) for each in _numbers_from(call))


def _is_same_key(sent: SentCall, call: Call) -> bool:
    shown = next(
        (text for place in (call.extra, call.metadata) for name in _KEY if (text := _text(place.get(name)))), ""
    )
    return not shown or sent.key is None or shown == sent.key


def _is_same_mark(sent: SentCall, call: Call) -> bool:
    """Some servers keep what a user gave of his own in `metadata`."""
    shown = call.metadata.get(REF)
    return shown is None or same_value(sent.variables.get(REF), shown)


def _have_same_variables(sent: SentCall, call: Call) -> bool:
    mine = _filled(sent.variables)
    shown = shown_variables(call) or {}
    if shown and REF in mine and REF not in shown:
        return False
    return all(name in mine and same_value(mine[name], value) for name, value in shown.items())


def _have_same_settings(sent: SentCall, call: Call) -> bool:
    """What was not sent is the server's own choice."""
    shown, beside = _shown_settings(call), _snake(call.extra)
    for name, value in _filled(sent.settings).items():
        found = beside.get(name) if shown is None else shown.get(name)
        if found is None:
            continue
        if name in _DURATIONS:
            mine, theirs = parse_seconds(value), parse_seconds(found)
            if mine is not None and theirs is not None and abs(mine - theirs) >= 1:
                return False
        elif not same_value(value, found):
            return False
    return True


def _shown_settings(call: Call) -> Mapping[str, object] | None:
    if call.call_settings is not None:
        return _snake(call.call_settings.to_dict())
    extra: Mapping[str, object] = call.extra
    found = next((_parsed(extra[name]) for name in _SETTINGS if extra.get(name)), None)
    return _snake(cast("dict[str, object]", found)) if isinstance(found, dict) else None


def _snake(members: Mapping[str, object]) -> Mapping[str, object]:
    """The members under their snake_case names."""
    return {_CAPITAL.sub("_", name).lower(): value for name, value in members.items()}


def is_asked_for(asked: SentCall, call: Call) -> bool:
    """Whether a row may be what somebody searches for: of the variables asked for it must show all, if it shows any."""
    if asked.number and not _is_called(asked, call):
        return False
    if not _is_same_agent(asked, call) or not _is_from(asked, call):
        return False
    shown = shown_variables(call)
    if not asked.variables or shown is None:
        return not asked.variables or bool(asked.number)
    return all(name in shown and same_value(value, shown[name]) for name, value in asked.variables.items())


def same_value(sent: object, shown: object) -> bool:
    """Whether a JSON value is the one sent; servers turn numbers, truth values and whole objects into text."""
    waiting = [(sent, shown)]
    while waiting:
        one, other = waiting.pop()
        for container in (dict, list):
            if isinstance(one, container) is not isinstance(other, container):
                one, other = _parsed(one), _parsed(other)
        if isinstance(one, dict) and isinstance(other, dict):
            mine, theirs = cast("dict[str, object]", one), cast("dict[str, object]", other)
            if mine.keys() != theirs.keys():
                return False
            waiting.extend((mine[name], theirs[name]) for name in mine)
        elif isinstance(one, list) and isinstance(other, list):
            firsts, seconds = cast("list[object]", one), cast("list[object]", other)
            if len(firsts) != len(seconds):
                return False
            waiting.extend(zip(firsts, seconds, strict=True))
        elif isinstance(one, dict | list) or isinstance(other, dict | list) or not _same_scalar(one, other):
            return False
    return True


def _same_scalar(one: object, other: object) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return _word(one) == _word(other)
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


def _word(value: object) -> str:
    return "" if value is None else str(value).lower()


def _parsed(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return cast("object", json.loads(value))
    except (ValueError, RecursionError):
        return value


def _filled(members: object) -> dict[str, object]:
    """The members that hold something: null and empty ones are as good as left out."""
    return {name: value for name, value in _mapping(members).items() if value not in (None, "", {}, [])}


def _international(number: str) -> tuple[str, bool]:
    plain = "".join(each for each in normalize("NFKC", number) if category(each) != "Cf")  # wide digits, unseen marks
    if (angle := _IN_ANGLES.search(plain)) is not None:
        plain = angle[1]  # "Sam" <sip:+14155550123@carrier.example>
    text = _SCHEME.sub("", plain).partition("@")[0].partition(";")[0].strip()
    if _NOT_IN_A_NUMBER.search(text):
        return "", False
    return re.sub(r"[^0-9]", "", text), text.startswith("+")


def _numbers_called(call: Call) -> Sequence[str]:
    return _numbers(call.to, call.extra, ("to", "to_number", "toNumber", "phone_number", "phoneNumber"))


def _numbers_from(call: Call) -> Sequence[str]:
    return _numbers(call.from_, call.extra, ("from", "from_number", "fromNumber", "caller_id", "callerId"))


def _numbers(read: str | None, extra: Mapping[str, object], names: Sequence[str]) -> Sequence[str]:
    """The texts that are numbers; one that was sent as a JSON number is in `extra`."""
    shown = (read, *(_text(extra.get(name)) for name in names))
    return [text for text in shown if text and digits(text)]


def _id(text: str) -> str:
    """An id in one spelling: servers show one as `agt_...` and as a UUID."""
    return re.sub(r"^[a-z]+_", "", text.strip().lower()).replace("-", "")


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return ""
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
