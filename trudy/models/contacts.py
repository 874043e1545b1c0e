"""Contacts and their folders, and the result of importing a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast

from attrs import Factory, field, frozen

from trudy._parse import whole
from trudy.models._fields import OpenWord, id_of, own_id, shown_phone, shown_prose, wire
from trudy.models._wire import Model
from trudy.models.common import ResponseMeta

CallOutcomeName: TypeAlias = Literal["contacted", "voicemail", "no_answer", "escalated", "interested", "not_interested"]


class CallOutcome(OpenWord):
    """How the last call to a contact ended."""

    CONTACTED = "contacted"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    ESCALATED = "escalated"
    INTERESTED = "interested"
    NOT_INTERESTED = "not_interested"


_NO_OUTCOME = CallOutcome("")


def _keywords(value: object) -> tuple[str, ...]:
    """Comma-separated text (resource page), or a list (early server)."""
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(word for part in value.split(",") if (word := part.strip()))
    if isinstance(value, list):
        words = cast("list[object]", value)
        if all(isinstance(word, str) for word in words):
            return tuple(cast("list[str]", words))
    raise ValueError("are no keywords")


def _count_of_faults(value: object) -> int | None:
    """How many there are in a list of the rows themselves (early server)."""
    return len(cast("list[object]", value)) if isinstance(value, list) else None


def _faults(value: object) -> tuple[ContactImportFault, ...]:
    """Rows that were not imported: objects, or texts that say why. A bare count names none."""
    if not isinstance(value, list):
        whole(value)
        return ()
    from trudy.models._converter import decode

    rows = cast("list[object]", value)
    return tuple(decode(ContactImportFault, {"reason": row} if isinstance(row, str) else row) for row in rows)


def _first_of_name(contact: Contact) -> str | None:
    return contact.name.partition(" ")[0] or None if contact.name else None


def _rest_of_name(contact: Contact) -> str | None:
    return contact.name.partition(" ")[2].strip() or None if contact.name else None


@frozen(kw_only=True)
class Contact(Model):
    """A contact as the server has it. A member that the server did not send is None or empty."""

    id: str = field(metadata=own_id("contact"))
    """Opaque; a UUID, or `cnt_...` or `ctc_...` in examples of 2026-03 and 04."""
    folder_id: str | None = field(default=None, metadata=id_of("folder"))
    phone_number: str | None = field(default=None, repr=shown_phone, metadata=wire("phone_number", "phone"))
    """E.164 (2026-03 and later: `phone`)."""
    name: str | None = field(default=None, repr=False)
    """The whole name as one text; 2026-03 and later. `full_name` is there for all servers."""
    first_name: str | None = field(default=Factory(_first_of_name, takes_self=True), repr=False)
    """Where the server sends only `name`, its part before the first blank."""
    last_name: str | None = field(default=Factory(_rest_of_name, takes_self=True), repr=False)
    """Where the server sends only `name`, its part after the first blank."""
    email: str | None = field(default=None, repr=False)
    company_name: str | None = field(default=None, repr=False)
    """This member and the next four: before 2026-03."""
    industry: str | None = field(default=None, repr=False)
    location: str | None = field(default=None, repr=False)
    pin_code: str | None = field(default=None, repr=False)
    keywords: tuple[str, ...] = field(default=(), repr=False, metadata=wire(read=_keywords))
    """Comma-separated text on the wire; a list on the early server."""
    custom_fields: Mapping[str, Any] = field(
        factory=dict[str, Any], hash=False, repr=False, metadata=wire("custom_fields", "metadata")
    )
    """Values of your own (before 2026-03: `metadata`)."""
    call_count: int | None = None
    """How often it was called; 2026-03 and later."""
    last_called_at: datetime | None = None
    """UTC; 2026-03 and later."""
    last_call_outcome: CallOutcome = _NO_OUTCOME
    """An open enum; the empty word where there was no call, or the server sent none."""
    created_at: datetime | None = None
    """UTC."""
    updated_at: datetime | None = field(default=None, repr=False)
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""

    @property
    def full_name(self) -> str | None:
        """`name`, else first and last name; None where the server sent neither."""
        return self.name or " ".join(part for part in (self.first_name, self.last_name) if part) or None


@frozen(kw_only=True)
class ContactFolder(Model):
    """A folder of contacts."""

    id: str = field(metadata=own_id("folder"))
    """Opaque; a UUID, or `folder_...` in examples of 2026-03 and 04."""
    name: str = ""
    description: str | None = field(default=None, repr=False)
    contact_count: int | None = None
    """How many contacts are in it."""
    created_at: datetime | None = None
    """UTC."""
    updated_at: datetime | None = field(default=None, repr=False)
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""


@frozen(kw_only=True)
class ContactImportFault(Model):
    """One row of a file that was not imported."""

    row: int | None = field(default=None, metadata=wire("row", "index", "line"))
    """Its number in the file, as the server counts."""
    phone: str | None = field(default=None, repr=shown_phone, metadata=wire("phone", "phone_number"))
    """As it stands in the file."""
    reason: str | None = field(default=None, repr=shown_prose, metadata=wire("reason", "error", "message"))
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, and values it could not read."""


@frozen(kw_only=True)
class ContactImportResult(Model):
    """The result of importing a file of contacts."""

    imported: int | None = field(default=None, metadata=wire("imported", "successful"))
    """Contacts that are new (early server: `successful`)."""
    updated: int | None = None
    """Contacts that were there and were overwritten."""
    skipped: int | None = None
    """Contacts that were there and were left alone."""
    errors: int | None = field(default=None, metadata=wire("errors", "failed", salvage=_count_of_faults))
    """How many rows were not imported (early server: `failed`, or `errors` a list of them)."""
    folder_id: str | None = field(default=None, metadata=id_of("folder"))
    """The folder they are in."""
    error_details: tuple[ContactImportFault, ...] = field(
        default=(), metadata=wire("error_details", "errors", read=_faults)
    )
    """Which rows were not imported, and why (early server: `errors`)."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""
