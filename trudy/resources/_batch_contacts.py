"""Adds contacts to a batch in chunks, from any iterable, and tells in an error what the server had accepted."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from attrs import define, evolve, field

from trudy import _checks
from trudy._hidden import forgetful, hides_arguments
from trudy.errors import APITimeoutError, InvalidArgumentError, TrudyError
from trudy.models import AddedChunk, AddedContacts, BatchContactInput, BatchContactInputDict, Contact
from trudy.pipeline.outcome import AttemptOutcome, outcome_of_error
from trudy.resources._base import written
from trudy.resources._documented import closed_object
from trudy.resources._waiting import OnSeen, report_progress

if TYPE_CHECKING:
    from trudy.pipeline.core import Core
    from trudy.request import Request

ContactItem: TypeAlias = BatchContactInput | BatchContactInputDict | Contact | Mapping[str, object]
ContactItems: TypeAlias = Iterable[ContactItem] | AsyncIterable[ContactItem]
BuildRequest: TypeAlias = Callable[[Sequence[Mapping[str, Any]], float | None], "Request"]
"""Makes the request for a chunk, to be done within so many seconds; None for no bound."""


@forgetful
async def add_in_chunks(
    core: Core,
    build: BuildRequest,
    items: ContactItems,
    size: int,
    progress: OnSeen[AddedContacts] | None,
    deadline: float | None,
) -> AddedContacts:
    """Send the contacts, `size` in each request, all within `deadline` seconds.

    An error carries what the server accepted before it as `.partial`.
    """
    _checks.whole(size, 1, 10_000, "chunk_size")
    _checks.callable_or_none(progress, "progress")
    build((), None)  # a bad batch id or option is found before the caller's iterable is touched
    end = None if deadline is None else core.clock.monotonic() + deadline
    adding = _Adding(core=core, build=build, size=size, progress=progress, end=end)
    try:
        await adding.all_of(items)
    except TrudyError as error:
        in_doubt = len(adding.sending) if outcome_of_error(error) is AttemptOutcome.UNKNOWN else 0
        error.partial = evolve(adding.done, in_doubt=in_doubt)
        adding.sending, adding.waiting = (), []  # the error's traceback holds them
        error.retryable = error.retryable and not adding.done.answered
        raise
    except Exception as error:  # the caller's own iterable failed
        error.add_note(f"the server had answered for the first {adding.done.answered} contacts")
        raise
    return adding.done


def contact_member(item: object, index: int, base_url: str) -> Mapping[str, Any]:
    """One contact as it is sent, its number and the names of its members checked."""
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
        member = closed_object(cast(object, item), where)
    else:
        raise InvalidArgumentError(f"{where} must be a contact, not {type(item).__name__}", argument="contacts")
    wire: Mapping[str, Any] = written(member, where)
    _checks.dialable(wire.get("phone_number"), base_url, f"{where}.phone_number")
    return wire


def contact_members(items: object, base_url: str) -> list[Mapping[str, Any]]:
    """All contacts of a list, checked before anything is sent."""
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Sequence):
        raise InvalidArgumentError("contacts must be a list of contacts", argument="contacts")
    return [contact_member(item, index, base_url) for index, item in enumerate(cast(Sequence[object], items))]


@hides_arguments
@define(kw_only=True)
class _Adding:
    """One `add_contacts` under way. Without asynchronous generators, which an error would leave unclosed."""

    core: Core
    build: BuildRequest
    size: int
    progress: OnSeen[AddedContacts] | None
    end: float | None
    done: AddedContacts = field(factory=AddedContacts)
    waiting: list[Mapping[str, Any]] = field(factory=list[Mapping[str, Any]])
    sending: Sequence[Mapping[str, Any]] = ()
    """What is on its way, until the server has answered."""
    taken: int = 0

    async def all_of(self, items: ContactItems) -> None:
        if isinstance(items, Sequence | Mapping | str | bytes):
            for member in contact_members(cast(object, items), self.core.base_url):
                await self._take(member)
        # Before `Iterable`: a page of the sync client is both, and its plain iterator cannot run inside this loop.
        elif isinstance(items, AsyncIterable):
            async for item in items:
                await self._take(contact_member(item, self.taken, self.core.base_url))
        elif isinstance(cast(object, items), Iterable):
            for item in items:
                await self._take(contact_member(item, self.taken, self.core.base_url))
        else:
            raise InvalidArgumentError("contacts must be an iterable of contacts", argument="contacts")
        await self._flush()

    @forgetful
    async def _take(self, member: Mapping[str, Any]) -> None:
        self.waiting.append(member)
        self.taken += 1
        if len(self.waiting) == self.size:
            await self._flush()

    async def _flush(self) -> None:
        if not self.waiting:
            return
        self.sending, self.waiting = self.waiting, []
        left = None if self.end is None else self.end - self.core.clock.monotonic()
        if left is not None and left <= 0:
            raise APITimeoutError("the deadline ended before all contacts were sent", request_sent=False)
        answer = await self.core.fetch(self.build(self.sending, left), AddedChunk)
        answered = self.done.answered + len(self.sending)
        self.done = evolve(self.done, chunks=(*self.done.chunks, answer), answered=answered)
        self.sending = ()
        await report_progress(self.progress, self.done)
