"""Batch calls: campaigns that the server dials by itself, their contacts and progress."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypedDict

from attrs import field, frozen

from trudy.models._fields import OpenWord, id_of, own_id, shown_phone, shown_prose, wire
from trudy.models._wire import Model
from trudy.models.common import ResponseMeta
from trudy.options import NOT_GIVEN, NotGiven

BatchStatusName: TypeAlias = Literal["draft", "scheduled", "active", "paused", "completed", "failed", "cancelled"]
PhoneRotation: TypeAlias = Literal["random", "sequential", "round_robin"]
ContactSource: TypeAlias = Literal["csv", "folder", "manual"]
ScheduleType: TypeAlias = Literal["immediate", "scheduled"]


class BatchStatus(OpenWord):
    """Where a batch stands. `running`, in examples of 2026-04, folds into `ACTIVE`."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    """Dialing, or waiting for its hours."""
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen. A word that this version does not know is not final."""
        return self in _FINAL

    @classmethod
    def _synonyms(cls) -> Mapping[str, str]:
        return _SYNONYMS


_SYNONYMS = {"running": "active", "in_progress": "active", "canceled": "cancelled"}
_FINAL = frozenset({BatchStatus.COMPLETED, BatchStatus.FAILED, BatchStatus.CANCELLED})


class BatchContactStatus(OpenWord):
    """How far one contact of a batch is; the API names these words and leaves the list open."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    """Its call is due at a time of its own."""
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


_NO_STATUS = BatchStatus("")
_NO_CONTACT_STATUS = BatchContactStatus("")


@frozen(kw_only=True)
class BatchCall(Model):
    """A batch as the server has it. A member that the server did not send is None or empty."""

    id: str = field(metadata=own_id("batch_call"))
    """Opaque; a UUID, or `batch_...` in examples of 2026-03 and 04."""
    name: str = ""
    status: BatchStatus = _NO_STATUS
    """An open enum; the empty word where the server sent none. `status_word` has the server's spelling."""
    agent_id: str | None = field(default=None, metadata=id_of("agent"))
    from_number: str | None = field(default=None, repr=shown_phone)
    """E.164; 2026-03 and later."""
    phone_number_ids: tuple[str, ...] = field(default=(), repr=False)
    """Ids of the numbers it calls from; before 2026-03."""
    phone_rotation_strategy: str | None = field(default=None, repr=False)
    """`random`, `sequential` or `round_robin`."""
    contact_source: str | None = None
    """`csv`, `folder` or `manual`; before 2026-03."""
    schedule_type: str | None = None
    """`immediate` or `scheduled`."""
    scheduled_at: datetime | None = None
    """When it starts, UTC."""
    timezone: str | None = None
    """IANA, such as `America/New_York`: the zone of `start_time`, `end_time` and `working_days`."""
    start_time: str | None = None
    """`HH:MM`; no call is placed earlier in the day. Before 2026-03."""
    end_time: str | None = None
    """`HH:MM`; no call is placed later in the day. Before 2026-03."""
    working_days: tuple[int, ...] = ()
    """1 is Monday, 7 Sunday. Before 2026-03."""
    max_calls_per_day: int | None = None
    """Before 2026-03."""
    max_concurrent_calls: int | None = field(default=None, metadata=wire("max_concurrent_calls", "concurrency"))
    """Calls at the same time, 1 to 100 (2026-03 and later: `concurrency`)."""
    retry_failed: bool | None = None
    """Whether failed calls are placed again. Before 2026-03."""
    max_retry_attempts: int | None = field(default=None, metadata=wire("max_retry_attempts", "retry_attempts"))
    """How often, 0 to 3 (2026-03 and later: `retry_attempts`)."""
    stats: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Counts of its contacts and calls as the server keeps them; early server only."""
    total_contacts: int | None = None
    """This count and the next four: 2026-03 and later."""
    called: int | None = None
    """Contacts that were called."""
    completed: int | None = None
    failed: int | None = None
    pending: int | None = None
    created_at: datetime | None = None
    """UTC."""
    updated_at: datetime | None = field(default=None, repr=False)
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in: request id, server time, attempts, idempotency key."""

    @property
    def status_word(self) -> str:
        """The server's own spelling of `status`, such as `running`."""
        word = self.extra.get("status")
        return word if isinstance(word, str) else self.status.value


@frozen(kw_only=True)
class BatchStatusChange(Model):
    """What schedule, pause and resume answer."""

    id: str = field(metadata=own_id("batch_call"))
    status: BatchStatus = _NO_STATUS
    """After a resume `scheduled` where the start is still ahead, else `active`."""
    scheduled_at: datetime | None = None
    """UTC; after schedule."""
    timezone: str | None = None
    """IANA; after schedule."""
    paused_at: datetime | None = None
    """UTC; after pause (inferred)."""
    resumed_at: datetime | None = None
    """UTC; after resume."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class BatchContact(Model):
    """One person of a batch, and how far their call is."""

    contact_id: str | None = field(default=None, metadata=id_of("contact", "id"))
    """Opaque; None where the number came without a stored contact."""
    phone_number: str | None = field(default=None, repr=shown_phone, metadata=wire("phone_number", "phone"))
    """E.164."""
    first_name: str | None = field(default=None, repr=False)
    last_name: str | None = field(default=None, repr=False)
    call_status: BatchContactStatus = field(default=_NO_CONTACT_STATUS, metadata=wire("call_status", "status"))
    """An open enum; the empty word where the server sent none."""
    call_id: str | None = field(default=None, metadata=id_of("call"))
    """The call, once there is one."""
    called_at: datetime | None = None
    """UTC; None until it was called."""
    scheduled_at: datetime | None = None
    """When its call is due, UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class BatchContactInput(Model):
    """One person to call. A member left out is `NOT_GIVEN` (falsy), None is null."""

    phone_number: str = field(repr=shown_phone)
    """E.164."""
    first_name: str | NotGiven | None = field(default=NOT_GIVEN, repr=False)
    last_name: str | NotGiven | None = field(default=NOT_GIVEN, repr=False)
    email: str | NotGiven | None = field(default=NOT_GIVEN, repr=False)
    custom_fields: Mapping[str, Any] | NotGiven | None = field(default=NOT_GIVEN, hash=False, repr=False)
    """Values for the `{{variables}}` of the agent's prompt."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """More members, sent as they are."""


class BatchContactInputDict(TypedDict, total=False):
    """`BatchContactInput` as a plain dict; `phone_number` is required."""

    phone_number: str
    first_name: str | None
    last_name: str | None
    email: str | None
    custom_fields: Mapping[str, Any] | None


@frozen(kw_only=True)
class AddedChunk(Model):
    """What the server answered to one request that added contacts."""

    added_count: int = 0
    failed_count: int = 0
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, and values it could not read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


def _sums(chunks: tuple[AddedChunk, ...]) -> str:
    return f"<{sum(c.added_count for c in chunks)} added, {sum(c.failed_count for c in chunks)} not>"


@frozen(kw_only=True)
class AddedContacts(Model):
    """The result of adding contacts to a batch, in one request or in several."""

    chunks: tuple[AddedChunk, ...] = field(default=(), repr=_sums)
    """The answer to each request."""
    answered: int = 0
    """How many contacts, counted from the first, the server has answered for; go on from this index after an error."""
    in_doubt: int = 0
    """How many contacts after these were sent without an answer that says whether they were added."""

    @property
    def added_count(self) -> int:
        """Contacts that were added."""
        return sum(chunk.added_count for chunk in self.chunks)

    @property
    def failed_count(self) -> int:
        """Contacts that the server did not take."""
        return sum(chunk.failed_count for chunk in self.chunks)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the sums."""
        return {
            "added_count": self.added_count,
            "failed_count": self.failed_count,
            "answered": self.answered,
            "in_doubt": self.in_doubt,
        }


@frozen(kw_only=True)
class BatchAnalytics(Model):
    """Figures of a batch. Experimental: the API names them and shows no member, so that all of them are in `extra`."""

    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=shown_prose)
    """What the server sent."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""
