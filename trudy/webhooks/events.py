"""Typed events: a class for each name, and `UnknownEvent` for the rest.

    match event:
        case CallEnded(call_id=call_id, end_reason=reason): ...
        case BatchStatusChanged(batch_id=batch_id, status=status): ...
        case UnknownEvent(name=name): ...

Every member but the name may be missing. The payload is the voice provider's own; `data` and `raw` hold it whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from difflib import SequenceMatcher, get_close_matches
from functools import partial
from typing import Any, Final, Literal, TypeAlias, get_args

from attrs import field, frozen

from trudy import _checks
from trudy.errors import InvalidArgumentError
from trudy.models._fields import shown_prose
from trudy.models.call_endings import CallEnding
from trudy.webhooks.signing import SignatureForm


@frozen(kw_only=True)
class BaseEvent:
    """What every event has. Handlers meet its subclasses only."""

    name: str
    """The event's name as it was sent, such as `call.ended`."""
    id: str | None = None
    """The event's own id (wire: `id` or `event_id`); None where the sender gives none."""
    timestamp: datetime | None = None
    """When it happened, UTC; None where missing or unreadable."""
    dedupe_key: str = field(repr=False)
    """The same for each delivery of one event, and for no other event."""
    signature_form: SignatureForm | None = None
    """Whether the raw bytes or their key-sorted JSON were signed; None for an event made in a test."""
    data: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """The event's `data`; empty where it is no object."""
    raw: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """The whole body."""

    def to_dict(self) -> dict[str, Any]:
        """The whole body, JSON-ready."""
        return dict(self.raw)


@frozen(kw_only=True)
class CallEvent(BaseEvent):
    """What all events of one call have."""

    call_id: str | None = None
    agent_id: str | None = None
    batch_id: str | None = None
    """The batch the call belongs to, where the sender tells."""
    status: str | None = None
    """The sender's own word; flat payloads only."""


@frozen(kw_only=True)
class CallResult(CallEvent):
    """What events have that come when a call is over. Never the transcript: fetch it."""

    ended_at: datetime | None = None
    """UTC."""
    duration_seconds: float | None = None
    """From `duration`, else from when the call was joined and ended."""
    billed_duration_seconds: float | None = None
    billing_status: str | None = None
    cost_usd: float | None = None
    end_reason: str | None = None
    """Why it ended, in the server's or the voice provider's word, such as `hangup`; `outcome` reads it."""
    outcome: CallEnding = CallEnding.UNKNOWN
    """How it ended, in one word, as `Call.outcome`; from the event's name, its status and its `end_reason`."""
    sentiment: str | None = None
    short_summary: str | None = field(default=None, repr=shown_prose)
    summary: str | None = field(default=None, repr=shown_prose)


@frozen(kw_only=True)
class CallStarted(CallEvent):
    """`call.started`: the call was placed or came in."""

    type: Literal["call.started"] = "call.started"


@frozen(kw_only=True)
class CallJoined(CallEvent):
    """`call.joined`: somebody is on the line."""

    type: Literal["call.joined"] = "call.joined"


@frozen(kw_only=True)
class CallEnded(CallResult):
    """`call.ended`: the call is over. Transcript and recording may take some seconds more."""

    type: Literal["call.ended"] = "call.ended"


@frozen(kw_only=True)
class CallCompleted(CallResult):
    """`call.completed`: as `call.ended`, under the name that newer servers replace by it."""

    type: Literal["call.completed"] = "call.completed"


@frozen(kw_only=True)
class CallBilled(CallResult):
    """`call.billed`: the call's cost is known."""

    type: Literal["call.billed"] = "call.billed"


@frozen(kw_only=True)
class CallFailed(CallResult):
    """`call.failed`: the call did not come about, or broke."""

    type: Literal["call.failed"] = "call.failed"


@frozen(kw_only=True)
class CallAnalyzed(CallResult):
    """`call.analyzed`: in one guide only; perhaps never sent."""

    type: Literal["call.analyzed"] = "call.analyzed"


@frozen(kw_only=True)
class BatchStatusChanged(BaseEvent):
    """`batch.status.changed`."""

    type: Literal["batch.status.changed"] = "batch.status.changed"
    batch_id: str | None = None
    agent_id: str | None = None
    status: str | None = None
    """The sender's own word."""


@frozen(kw_only=True)
class BatchCompleted(BaseEvent):
    """`batch.completed`: all calls of the batch are over."""

    type: Literal["batch.completed"] = "batch.completed"
    batch_id: str | None = None
    agent_id: str | None = None
    status: str | None = None
    """The sender's own word."""


@frozen(kw_only=True)
class VoiceTrainingCompleted(BaseEvent):
    """`voice.training.completed`: the voice can be used."""

    type: Literal["voice.training.completed"] = "voice.training.completed"
    voice_id: str | None = None
    status: str | None = None
    """The sender's own word."""


@frozen(kw_only=True)
class VoiceTrainingFailed(BaseEvent):
    """`voice.training.failed`."""

    type: Literal["voice.training.failed"] = "voice.training.failed"
    voice_id: str | None = None
    status: str | None = None
    """The sender's own word."""


@frozen(kw_only=True)
class UnknownEvent(BaseEvent):
    """An event that this version does not know; `name` says what it is, `data` and `raw` hold the rest."""

    type: Literal["unknown"] = "unknown"
    call_id: str | None = None
    batch_id: str | None = None
    voice_id: str | None = None
    agent_id: str | None = None


WebhookEvent: TypeAlias = (
    CallStarted
    | CallJoined
    | CallEnded
    | CallCompleted
    | CallBilled
    | CallFailed
    | CallAnalyzed
    | BatchStatusChanged
    | BatchCompleted
    | VoiceTrainingCompleted
    | VoiceTrainingFailed
    | UnknownEvent
)
"""Any event; `type` tells which. A checker then knows the class, and whether a `match` forgets one."""

EventName: TypeAlias = Literal[
    "call.started",
    "call.joined",
    "call.ended",
    "call.completed",
    "call.billed",
    "call.failed",
    "call.analyzed",
    "batch.status.changed",
    "batch.completed",
    "voice.training.completed",
    "voice.training.failed",
]
"""The names that have a class."""

CALL_OVER: Final = ("call.ended", "call.completed", "call.failed")
"""The names under which a call's end is told, whichever way it ended."""

_NAMES: Final = get_args(EventName)
_NEARNESS_OF_LAST: Final = 0.55
"""How alike the last words must be besides: it takes `failure` for `failed`, and not `started`."""
_NEARNESS: Final = 0.82
"""How alike two names are that are taken for one, from 0 to 1.

It takes `call.complete` for `call.completed`; much lower, and names that a server may come to send would be refused.
"""


def check_event_name(name: object) -> None:
    """Refuse a name that is nearly a known one: its handler would wait for ever.

    Raises:
        InvalidArgumentError: it is no text, or a slip; the error names the nearest.
    """
    _checks.non_empty(name, "name")
    text = str(name)
    if text in _NAMES:
        return
    plain = re.sub(r"[^a-z*]+", ".", re.sub(r"(?<=[a-z])(?=[A-Z])", ".", text.strip()).lower())
    nearest = _nearest(plain.strip(".*"))
    if nearest or "*" in plain:
        wanted = f"did you mean {nearest!r}? " if nearest else ""
        raise InvalidArgumentError(
            f"no event is called {text!r}; {wanted}There are {', '.join(_NAMES)}; on_call_over hears of every end of a"
            " call, on_any of everything, whatever its name",
            argument="name",
        )


def _nearest(plain: str) -> str | None:
    """The known name that lower-case words with dots between them stand for, if any."""
    if not plain:
        return None
    kind = plain.partition(".")[0]
    rivals = [known for known in _NAMES if known.startswith(f"{kind}.")] or list(_NAMES)
    parts = [known for known in rivals if known.startswith(plain) or known.endswith(f".{plain}")]
    wholes = [known for known in _NAMES if f".{known}." in f".{plain}."]
    return next(
        iter(parts or wholes or filter(partial(_ends_alike, plain), get_close_matches(plain, rivals, 3, _NEARNESS))),
        None,
    )


def _ends_alike(plain: str, known: str) -> bool:
    """Whether the last words are alike too: `voice.training.started` is no slip for `voice.training.failed`."""
    mine, theirs = plain.rpartition(".")[2], known.rpartition(".")[2]
    return sorted(mine) == sorted(theirs) or SequenceMatcher(None, mine, theirs).ratio() >= _NEARNESS_OF_LAST
