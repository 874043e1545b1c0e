"""Contacts and folders: their rows, the default folder, and the outcome of a contact's last call."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trudy.sandbox.domain.contact_import import FIELDS
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.domain.outcome_by_number import Outcome

if TYPE_CHECKING:
    from trudy.sandbox.world import State

Row = dict[str, Any]

DEFAULT_FOLDER = str(uuid.uuid5(uuid.NAMESPACE_OID, "trudy.sandbox/contacts"))

_OBJECTS = ("metadata", "custom_fields")
_OUTCOMES = {
    Outcome.VOICEMAIL: "voicemail",
    Outcome.DO_NOT_CALL: "not_interested",
    Outcome.LONG: "interested",
}


def new_folder(state: State, folder_id: str, name: str, description: str | None, *, now: float) -> Row:
    """Add a folder."""
    folder = {"id": folder_id, "name": name, "description": description, "created_at": now, "updated_at": now}
    state.folders.put(folder_id, folder)
    return folder


def default_folder(state: State, *, now: float) -> str:
    """The id of the folder for contacts that name none; it is made when first needed."""
    if DEFAULT_FOLDER not in state.folders:
        new_folder(state, DEFAULT_FOLDER, "Default", None, now=now)
    return DEFAULT_FOLDER


def new_contact(state: State, folder_id: str, body: Mapping[str, Any], *, now: float) -> Row:
    """Add a contact."""
    members = {name: body.get(name) for name in (*FIELDS, *_OBJECTS)}
    contact: Row = members | {
        "id": state.ids.new("contact"),
        "folder_id": folder_id,
        "created_at": now,
        "updated_at": now,
    }
    state.contacts.put(contact["id"], contact)
    return contact


def changed_contact(state: State, contact: Row, body: Mapping[str, Any], *, now: float) -> Row:
    """The contact with the sent members replaced. Null removes a member, but not the number or the folder."""
    sent = {name: body[name] for name in (*FIELDS, *_OBJECTS, "folder_id") if name in body}
    kept = ("phone_number", "folder_id")
    changes = {name: value for name, value in sent.items() if not (value is None and name in kept)}
    contact = contact | changes | {"updated_at": now}
    state.contacts.put(contact["id"], contact)
    return contact


def full_name(contact: Row) -> str | None:
    """First and last name, with a space between them."""
    return " ".join(part for part in (contact["first_name"], contact["last_name"]) if part) or None


def variables_of(contact: Row) -> Row:
    """The variables that a prompt may use when this contact is called."""
    own: Row = {name: contact[name] for name in FIELDS if isinstance(contact[name], str) and name != "phone_number"}
    given: tuple[Row | None, ...] = (contact["metadata"], contact["custom_fields"])
    for members in given:
        own |= members or {}
    return own


def calls_of(state: State, contact: Row) -> list[PlacedCall]:
    """Every call to the contact's number, of a batch or not."""
    return state.placed_to.get(contact["phone_number"], [])


def last_outcome(state: State, contact: Row, now: float) -> str | None:
    """The documented word for the outcome of the last call that was dialed and is over."""
    for call in reversed(calls_of(state, contact)):
        if call.was_dialed and now >= call.timeline.ended_at:
            return _OUTCOMES.get(call.outcome, "contacted") if call.timeline.final == "completed" else "no_answer"
    return None
