"""Typed events: a class for each name, and `UnknownEvent` for the rest.

    match event:
        case CallEnded(call_id=call_id, end_reason=reason): ...
        case BatchStatusChanged(batch_id=batch_id, status=status): ...
        case UnknownEvent(name=name): ...

All members but `name` and `dedupe_key` may be missing. `data` and `raw` hold the whole payload, which is the voice
provider's own.
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
    """What every event has. Handlers are given its subclasses only."""

    name: str
    """The event's name as it was sent, such as `call.ended`."""
    id: str | None = None
    """The event's own id (wire: `id` or `event_id`); None if it has none."""
    timestamp: datetime | None = None
    """When it happened, UTC; None if missing or unreadable."""
    dedupe_key: str = field(repr=False)
    """The same for each delivery of one event, and for no other event."""
    signature_form: SignatureForm | None = None
    """Whether the raw bytes or their key-sorted JSON were signed; None for an event made in a test."""
    data: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """The event's `data`; empty if it is no object."""
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
    """The batch the call belongs to, if the event says so."""
    status: str | None = None
    """The server's own word; flat payloads only."""


@frozen(kw_only=True)
class CallResult(CallEvent):
    """What the events have that are sent when a call is over or later. No event holds the transcript: fetch it."""

    ended_at: datetime | None = None
    """UTC."""
    duration_seconds: float | None = None
    """From `duration` in the payload, else the time between the joining and the end of the call."""
    billed_duration_seconds: float | None = None
    billing_status: str | None = None
    cost_usd: float | None = None
    end_reason: str | None = None
    """Why it ended, in the server's or the voice provider's word, such as `hangup`."""
    outcome: CallEnding = CallEnding.UNKNOWN
    """How it ended, as `Call.outcome`: found from the event's name, its status and its `end_reason`."""
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
    """`call.completed`: the older name of `call.ended`."""

    type: Literal["call.completed"] = "call.completed"


@frozen(kw_only=True)
class CallBilled(CallResult):
    """`call.billed`: the call's cost is known."""

    type: Literal["call.billed"] = "call.billed"


@frozen(kw_only=True)
class CallFailed(CallResult):
    """`call.failed`: the call is over: busy, not answered, refused, or it broke."""

    type: Literal["call.failed"] = "call.failed"


@frozen(kw_only=True)
class CallAnalyzed(CallResult):
    """`call.analyzed`: named by one guide of Truedy's only; perhaps never sent."""

    type: Literal["call.analyzed"] = "call.analyzed"


@frozen(kw_only=True)
class BatchStatusChanged(BaseEvent):
    """`batch.status.changed`: a batch was started, paused or resumed."""

    type: Literal["batch.status.changed"] = "batch.status.changed"
    batch_id: str | None = None
    agent_id: str | None = None
    status: str | None = None
    """The server's own word."""


@frozen(kw_only=True)
class BatchCompleted(BaseEvent):
    """`batch.completed`: all calls of the batch are over."""

    type: Literal["batch.completed"] = "batch.completed"
    batch_id: str | None = None
    agent_id: str | None = None
    status: str | None = None
    """The server's own word."""


@frozen(kw_only=True)
class VoiceTrainingCompleted(BaseEvent):
    """`voice.training.completed`: the voice can be used."""

    type: Literal["voice.training.completed"] = "voice.training.completed"
    voice_id: str | None = None
    status: str | None = None
    """The server's own word."""


@frozen(kw_only=True)
class VoiceTrainingFailed(BaseEvent):
    """`voice.training.failed`: the voice cannot be used."""

    type: Literal["voice.training.failed"] = "voice.training.failed"
    voice_id: str | None = None
    status: str | None = None
    """The server's own word."""


@frozen(kw_only=True)
class UnknownEvent(BaseEvent):
    """An event that this version does not know: see `name`, and `data` or `raw` for the rest."""

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
"""Any event. `type` tells which, so that a type checker can narrow the class and find a `match` that misses one."""

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
"""The names of the events that tell of the end of a call."""

_NAMES: Final = get_args(EventName)
_MIN_SIMILARITY: Final = 0.82
"""How similar a name must be to a known one to be taken for a typing error, from 0 to 1.

`call.complete` is taken for `call.completed`. A much lower value would refuse new names of newer servers; a higher one
would miss errors.
"""
_MIN_SIMILARITY_OF_LAST_WORD: Final = 0.55
"""The same for the last words alone: `failure` is taken for `failed`, `started` is not."""


def check_event_name(name: object) -> None:
    """Refuse a name that looks like a misspelt known one: its handler would never be called.

    Raises:
        InvalidArgumentError: it is not text, or is misspelt; the error says the name that was probably meant.
    """
    _checks.non_empty(name, "name")
    if (fault := misspelt(str(name))) is not None:
        raise InvalidArgumentError(
            f"{fault}; on_call_over takes every end of a call, on_any every event, whatever its name", argument="name"
        )


def misspelt(text: str) -> str | None:
    """What is wrong with a name that looks like a misspelt known one; None for any other."""
    if text in _NAMES:
        return None
    plain = re.sub(r"[^a-z*]+", ".", re.sub(r"(?<=[a-z])(?=[A-Z])", ".", text.strip()).lower())
    nearest = _nearest(plain.strip(".*"))
    if nearest or "*" in plain:
        wanted = f"did you mean {nearest!r}? " if nearest else ""
        return f"no event is called {text!r}; {wanted}There are {', '.join(_NAMES)}"
    return None


def _nearest(plain: str) -> str | None:
    """The known name that was probably meant by lower-case words with dots between them, if any."""
    if not plain:
        return None
    kind = plain.partition(".")[0]
    candidates = [known for known in _NAMES if known.startswith(f"{kind}.")] or list(_NAMES)
    parts = [known for known in candidates if known.startswith(plain) or known.endswith(f".{plain}")]
    wholes = [known for known in _NAMES if f".{known}." in f".{plain}."]
    similar = get_close_matches(plain, candidates, 3, _MIN_SIMILARITY)
    return next(iter(parts or wholes or filter(partial(_ends_alike, plain), similar)), None)


def _ends_alike(plain: str, known: str) -> bool:
    """Whether the last words are similar too: `voice.training.started` is not `voice.training.failed` misspelt.

    A longer word that ends in the known one is another word: `extended` is not `ended`.
    """
    mine, theirs = plain.rpartition(".")[2], known.rpartition(".")[2]
    if mine.endswith(theirs) and len(mine) > len(theirs) + 1:
        return False
    if sorted(mine) == sorted(theirs):
        return True
    return SequenceMatcher(None, mine, theirs).ratio() >= _MIN_SIMILARITY_OF_LAST_WORD
