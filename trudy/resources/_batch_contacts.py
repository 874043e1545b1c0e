"""Adds contacts to a batch in chunks, from any iterable, and knows at each moment what the server has accepted."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from attrs import evolve

from trudy import _checks
from trudy.errors import APIConnectionError, InvalidArgumentError, ResponseDecodeError, ServerError, TrudyError
from trudy.models import AddedChunk, AddedContacts, BatchContactInput, BatchContactInputDict, Contact, to_wire

ContactItem: TypeAlias = BatchContactInput | BatchContactInputDict | Contact | Mapping[str, object]
ContactItems: TypeAlias = Iterable[ContactItem] | AsyncIterable[ContactItem]
Send: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], Awaitable[AddedChunk]]


async def add_in_chunks(items: ContactItems, size: int, base_url: str, send: Send) -> AddedContacts:
    """Send the contacts, so many at a time. An error carries as `.partial` what came before it."""
    done = AddedContacts()
    sending: Sequence[Mapping[str, Any]] = ()
    try:
        async for chunk in _chunks(items, size, base_url):
            sending = chunk
            answer = await send(chunk)
            sending = ()
            done = evolve(done, chunks=(*done.chunks, answer), answered=done.answered + len(chunk))
    except TrudyError as error:
        error.partial = evolve(done, in_doubt=len(sending) if _may_have_happened(error) else 0)
        raise
    except Exception as error:  # the caller's own iterable failed
        error.add_note(f"the server had answered for the first {done.answered} contacts")
        raise
    return done


def contact_member(item: object, index: int, base_url: str) -> Mapping[str, Any]:
    """One contact as it is sent, its number checked. A mapping passes as it is."""
    where = f"contacts[{index}]"
    if isinstance(item, Contact):
        named = {
            "phone_number": item.phone_number,
            "first_name": item.first_name,
            "last_name": item.last_name,
            "email": item.email,
            "custom_fields": item.custom_fields,
        }
        member: object = {name: value for name, value in named.items() if value}
    elif isinstance(item, BatchContactInput | Mapping):
        member = cast(object, item)
    else:
        raise InvalidArgumentError(f"{where} must be a contact, not {type(item).__name__}", argument="contacts")
    wire: Mapping[str, Any] = to_wire(member)
    _checks.dialable(wire.get("phone_number"), base_url, f"{where}.phone_number")
    return wire


def contact_members(items: object, base_url: str) -> list[Mapping[str, Any]]:
    """All contacts of a list, checked before anything is sent."""
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Sequence):
        raise InvalidArgumentError("contacts must be a list of contacts", argument="contacts")
    return [contact_member(item, index, base_url) for index, item in enumerate(cast(Sequence[object], items))]


async def _chunks(items: ContactItems, size: int, base_url: str) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    if isinstance(items, Sequence | Mapping | str | bytes):
        members = contact_members(cast(object, items), base_url)
        for start in range(0, len(members), size):
            yield members[start : start + size]
        return
    chunk: list[Mapping[str, Any]] = []
    index = 0
    async for item in _each(items):
        chunk.append(contact_member(item, index, base_url))
        index += 1
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _each(items: ContactItems) -> AsyncIterator[object]:
    # First, since a page of the sync client is both, and here there is a loop already.
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    elif isinstance(cast(object, items), Iterable):
        for item in items:
            yield item
    else:
        raise InvalidArgumentError("contacts must be an iterable of contacts", argument="contacts")


def _may_have_happened(error: TrudyError) -> bool:
    if isinstance(error, APIConnectionError):
        return error.request_sent
    return isinstance(error, ServerError | ResponseDecodeError)
