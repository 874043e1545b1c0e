"""`client.batch_calls`: campaigns that the server dials by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any, Final, Unpack

from trudy import _checks
from trudy.event_source import EventSource
from trudy.models import (
    AddedContacts,
    BatchAnalytics,
    BatchCall,
    BatchContact,
    BatchStatusChange,
    BatchStatusName,
    BulkDeleteResult,
    ContactSource,
    Deleted,
    PhoneRotation,
    ScheduleType,
)
from trudy.options import NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, AsyncPager
from trudy.request import Endpoint, Request, RetryClass
from trudy.resources._base import Resource, body_of
from trudy.resources._batch_contacts import ContactItem, ContactItems, add_in_chunks, contact_members
from trudy.resources._call_checks import check_batch, check_new_batch, time_text
from trudy.resources._call_waits import batch_end
from trudy.resources._waiting import OnSeen

LIST: Final = Endpoint(name="batch_calls.list", method="GET", path="/batch-calls", paging="offset")
CREATE: Final = Endpoint(
    name="batch_calls.create", method="POST", path="/batch-calls", retry=RetryClass.KEYED, creates="batch_call"
)
GET: Final = Endpoint(name="batch_calls.get", method="GET", path="/batch-calls/{batch_call_id}")
UPDATE: Final = Endpoint(name="batch_calls.update", method="PATCH", path="/batch-calls/{batch_call_id}")
DELETE: Final = Endpoint(name="batch_calls.delete", method="DELETE", path="/batch-calls/{batch_call_id}")
BULK_DELETE: Final = Endpoint(
    name="batch_calls.bulk_delete", method="POST", path="/batch-calls/bulk-delete", retry=RetryClass.ONCE
)
SCHEDULE: Final = Endpoint(
    name="batch_calls.schedule", method="POST", path="/batch-calls/{batch_call_id}/schedule", retry=RetryClass.ONCE
)
PAUSE: Final = Endpoint(
    name="batch_calls.pause", method="POST", path="/batch-calls/{batch_call_id}/pause", retry=RetryClass.ONCE
)
RESUME: Final = Endpoint(
    name="batch_calls.resume", method="POST", path="/batch-calls/{batch_call_id}/resume", retry=RetryClass.ONCE
)
LIST_CONTACTS: Final = Endpoint(
    name="batch_calls.list_contacts", method="GET", path="/batch-calls/{batch_call_id}/contacts", paging="offset"
)
ADD_CONTACTS: Final = Endpoint(
    name="batch_calls.add_contacts", method="POST", path="/batch-calls/{batch_call_id}/contacts", retry=RetryClass.ONCE
)
GET_ANALYTICS: Final = Endpoint(
    name="batch_calls.get_analytics", method="GET", path="/batch-calls/{batch_call_id}/analytics"
)


class AsyncBatchCalls(Resource):
    """Campaigns that the server dials by itself: make, fill, start, pause, follow."""

    def list(
        self,
        *,
        agent_id: str | None = None,
        status: BatchStatusName | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> AsyncPager[BatchCall]:
        """List batches. `GET /batch-calls`

        Args:
            agent_id: only batches of this agent.
            status: only batches in this state.
            limit: at most so many batches, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: batches a request when iterating over all, 1 to 100.

        Returns:
            Batches page by page; iterate over it for all of them.
        """
        query = {"agent_id": agent_id, "status": status}
        return self._list(LIST, BatchCall, options, query=query, limit=limit, offset=offset, page_size=page_size)

    async def create(
        self,
        *,
        name: str,
        agent_id: str,
        phone_number_ids: Sequence[str] | NotGiven | None = NOT_GIVEN,
        phone_rotation_strategy: PhoneRotation | NotGiven = NOT_GIVEN,
        contact_source: ContactSource | NotGiven = NOT_GIVEN,
        contact_folder_id: str | NotGiven | None = NOT_GIVEN,
        contact_ids: Sequence[str] | NotGiven | None = NOT_GIVEN,
        contacts: Sequence[ContactItem] | NotGiven | None = NOT_GIVEN,
        schedule_type: ScheduleType | NotGiven = NOT_GIVEN,
        scheduled_at: datetime | str | NotGiven | None = NOT_GIVEN,
        timezone: str | NotGiven = NOT_GIVEN,
        start_time: time | str | NotGiven | None = NOT_GIVEN,
        end_time: time | str | NotGiven | None = NOT_GIVEN,
        working_days: Sequence[int] | NotGiven | None = NOT_GIVEN,
        max_concurrent_calls: int | NotGiven | None = NOT_GIVEN,
        max_calls_per_day: int | NotGiven | None = NOT_GIVEN,
        retry_failed: bool | NotGiven | None = NOT_GIVEN,
        max_retry_attempts: int | NotGiven | None = NOT_GIVEN,
        idempotency_key: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> BatchCall:
        """Make a batch; it dials nobody before `schedule`. `POST /batch-calls`

        Args:
            name: 1 to 255 characters.
            agent_id: the agent that speaks.
            phone_number_ids: numbers to call from; those of the agent if left out.
            phone_rotation_strategy: how these take turns; at random if left out.
            contact_source: where the people come from; `"csv"` if left out.
            contact_folder_id: a folder of contacts, for the source `"folder"`.
            contact_ids: stored contacts.
            contacts: people to call; more of them, and from any iterable, by `add_contacts`.
            schedule_type: `"immediate"` if left out.
            scheduled_at: when it starts, for `"scheduled"`; an aware datetime, or ISO 8601 text.
            timezone: IANA, such as `America/New_York`, for the hours and days below; UTC if left out.
            start_time: no call before this time of day; `HH:MM`, or a `time` of a full minute without a zone.
            end_time: no call after this time of day. `00:00` and `24:00` are the end of the day; an end before the
                start is on the next day. The API documents neither: the sandbox takes both, a server may refuse them.
            working_days: 1 for Monday to 7 for Sunday; Monday to Friday if left out.
            max_concurrent_calls: calls at the same time, 1 to 100; 10 if left out.
            max_calls_per_day: at least 1.
            retry_failed: whether failed calls are placed again.
            max_retry_attempts: how often, 0 to 3.
            idempotency_key: a key of your own for this create; made by itself if left out.

        Returns:
            The batch, a `draft`.

        Raises:
            InvalidArgumentError: an argument is bad; nothing was sent.
            ValidationError: the server refused a member.
        """
        members = body_of(
            name=name,
            agent_id=agent_id,
            phone_number_ids=phone_number_ids,
            phone_rotation_strategy=phone_rotation_strategy,
            contact_source=contact_source,
            contact_folder_id=contact_folder_id,
            contact_ids=contact_ids,
            contacts=contact_members(contacts, self._core.base_url) if contacts else contacts,
            schedule_type=schedule_type,
            scheduled_at=scheduled_at,
            timezone=timezone,
            start_time=time_text(start_time, "start_time"),
            end_time=time_text(end_time, "end_time"),
            working_days=working_days,
            max_concurrent_calls=max_concurrent_calls,
            max_calls_per_day=max_calls_per_day,
            retry_failed=retry_failed,
            max_retry_attempts=max_retry_attempts,
        )
        check_new_batch(members)
        request = self._build(CREATE, options, body=members, idempotency_key=idempotency_key)
        return await self._core.fetch(request, BatchCall)

    async def get(self, batch_call_id: str, **options: Unpack[RequestOptions]) -> BatchCall:
        """Read one batch. `GET /batch-calls/{batch_call_id}`

        Raises:
            NotFoundError: no such batch, or not yours.
        """
        return await self._core.fetch(self._build(GET, options, ids={"batch_call_id": batch_call_id}), BatchCall)

    async def update(
        self,
        batch_call_id: str,
        *,
        name: str | NotGiven | None = NOT_GIVEN,
        phone_number_ids: Sequence[str] | NotGiven | None = NOT_GIVEN,
        phone_rotation_strategy: PhoneRotation | NotGiven = NOT_GIVEN,
        scheduled_at: datetime | str | NotGiven | None = NOT_GIVEN,
        start_time: time | str | NotGiven | None = NOT_GIVEN,
        end_time: time | str | NotGiven | None = NOT_GIVEN,
        working_days: Sequence[int] | NotGiven | None = NOT_GIVEN,
        max_concurrent_calls: int | NotGiven | None = NOT_GIVEN,
        max_calls_per_day: int | NotGiven | None = NOT_GIVEN,
        retry_failed: bool | NotGiven | None = NOT_GIVEN,
        max_retry_attempts: int | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> BatchCall:
        """Change a batch that is a draft, scheduled or paused. `PATCH /batch-calls/{batch_call_id}`

        Only what is given changes, `None` clears. The arguments are those of `create`. With a new schedule the server
        sets new times for the contacts that are not complete.

        Raises:
            NotFoundError: no such batch, or not yours.
            ValidationError: the server refused a member, or the batch is in another state.
        """
        members = body_of(
            name=name,
            phone_number_ids=phone_number_ids,
            phone_rotation_strategy=phone_rotation_strategy,
            scheduled_at=scheduled_at,
            start_time=time_text(start_time, "start_time"),
            end_time=time_text(end_time, "end_time"),
            working_days=working_days,
            max_concurrent_calls=max_concurrent_calls,
            max_calls_per_day=max_calls_per_day,
            retry_failed=retry_failed,
            max_retry_attempts=max_retry_attempts,
        )
        check_batch(members)
        request = self._build(UPDATE, options, ids={"batch_call_id": batch_call_id}, body=members)
        return await self._core.fetch(request, BatchCall)

    async def delete(self, batch_call_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a batch that is a draft, failed or cancelled. `DELETE /batch-calls/{batch_call_id}`

        Raises:
            NotFoundError: no such batch, or not yours.
            ValidationError: it is in another state.
        """
        return await self._delete(DELETE, options, {"batch_call_id": batch_call_id})

    async def bulk_delete(self, ids: Sequence[str], **options: Unpack[RequestOptions]) -> BulkDeleteResult:
        """Delete several batches; the result says which are gone and which are not. `POST /batch-calls/bulk-delete`"""
        return await self._bulk_delete(BULK_DELETE, options, ids)

    async def schedule(
        self,
        batch_call_id: str,
        *,
        scheduled_at: datetime | str | NotGiven | None = NOT_GIVEN,
        timezone: str | NotGiven = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> BatchStatusChange:
        """Start a batch, now or at a time. `POST /batch-calls/{batch_call_id}/schedule`

        It dials on its `working_days` only, between `start_time` and `end_time` in its `timezone`. If `working_days`
        was left out, those are Monday to Friday: a batch started on a Saturday waits for Monday.

        Never sent twice by itself: after an error without an answer, read the batch before you start it again.

        Args:
            batch_call_id: the batch, a draft.
            scheduled_at: when it starts; an aware datetime, or ISO 8601 text; now if left out or None.
            timezone: IANA, such as `America/New_York`.

        Raises:
            NotFoundError: no such batch, or not yours.
            PaymentRequiredError: trial, subscription or credits.
            ValidationError: it cannot start: the agent is not ready or has no number, or there is no contact.
        """
        members = body_of(scheduled_at=scheduled_at, timezone=timezone)
        if "timezone" in members:
            _checks.non_empty(timezone, "timezone")
        request = self._build(SCHEDULE, options, ids={"batch_call_id": batch_call_id}, body=members)
        return await self._act(request, BatchStatusChange, id=batch_call_id)

    async def pause(self, batch_call_id: str, **options: Unpack[RequestOptions]) -> BatchStatusChange:
        """Pause a batch that is active or scheduled. `POST /batch-calls/{batch_call_id}/pause`

        Raises:
            NotFoundError: no such batch, or not yours.
            ValidationError: it is in another state.
        """
        request = self._build(PAUSE, options, ids={"batch_call_id": batch_call_id})
        return await self._act(request, BatchStatusChange, id=batch_call_id)

    async def resume(self, batch_call_id: str, **options: Unpack[RequestOptions]) -> BatchStatusChange:
        """Let a paused batch go on. `POST /batch-calls/{batch_call_id}/resume`

        It is `scheduled` then where its start is still ahead, else `active`.

        Raises:
            NotFoundError: no such batch, or not yours.
            ValidationError: it is in another state.
        """
        request = self._build(RESUME, options, ids={"batch_call_id": batch_call_id})
        return await self._act(request, BatchStatusChange, id=batch_call_id)

    def list_contacts(
        self,
        batch_call_id: str,
        *,
        status: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> AsyncPager[BatchContact]:
        """List the people of a batch, and how far their calls are. `GET /batch-calls/{batch_call_id}/contacts`

        Args:
            batch_call_id: the batch.
            status: only contacts in this state, such as `"pending"`.
            limit: at most so many contacts, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: contacts a request when iterating over all, 1 to 100.

        Returns:
            Contacts page by page; iterate over it for all of them.
        """
        return self._list(
            LIST_CONTACTS,
            BatchContact,
            options,
            ids={"batch_call_id": batch_call_id},
            query={"status": status},
            limit=limit,
            offset=offset,
            page_size=page_size,
            key="contact_id",
        )

    async def add_contacts(
        self,
        batch_call_id: str,
        contacts: ContactItems,
        *,
        chunk_size: int = 500,
        progress: OnSeen[AddedContacts] | None = None,
        **options: Unpack[RequestOptions],
    ) -> AddedContacts:
        """Add people to a batch, however many. `POST /batch-calls/{batch_call_id}/contacts`

        One request a chunk. A list is checked as a whole before anything is sent; a generator or a list of this client,
        such as `client.contacts.list(folder_id=...)`, is read as it is sent. `deadline` bounds all of it.

        Args:
            batch_call_id: the batch.
            contacts: any iterable, asynchronous ones included, of `BatchContactInput`, `Contact` or mappings with a
                `phone_number` in E.164.
            chunk_size: contacts a request, 1 to 10000.
            progress: called, or awaited, after each request with what has become of the contacts so far.

        Returns:
            How many were added, and how many the server did not take.

        Raises:
            InvalidArgumentError: a contact is bad.
            NotFoundError: no such batch, or not yours.
            TrudyError: any of them has as `.partial` an `AddedContacts` with what was accepted so far: go on at the
                contact `.partial.answered`, or after as many more as are `.partial.in_doubt`.
        """

        def build(chunk: Sequence[Mapping[str, Any]], left: float | None) -> Request:
            bounded: RequestOptions = options if left is None else {**options, "deadline": left}
            return self._build(ADD_CONTACTS, bounded, ids={"batch_call_id": batch_call_id}, body={"contacts": chunk})

        deadline = self._settings.merged(options).deadline
        return await add_in_chunks(self._core, build, contacts, chunk_size, progress, deadline)

    async def get_analytics(self, batch_call_id: str, **options: Unpack[RequestOptions]) -> BatchAnalytics:
        """Read the figures of a batch. `GET /batch-calls/{batch_call_id}/analytics`

        Experimental: the API names this and shows neither path nor answer; both may change with any release.

        Raises:
            NotFoundError: no such batch, or the server has no such endpoint.
        """
        request = self._build(GET_ANALYTICS, options, ids={"batch_call_id": batch_call_id})
        return await self._core.fetch(request, BatchAnalytics)

    async def wait(
        self,
        batch_call_id: str,
        *,
        max_wait: float = 86_400.0,
        poll_interval: float | None = None,
        events: EventSource | None = None,
        progress: OnSeen[BatchCall] | None = None,
        **options: Unpack[RequestOptions],
    ) -> BatchCall:
        """Wait until a batch is completed, failed or cancelled. Polls `GET /batch-calls/{batch_call_id}`

        Args:
            batch_call_id: the batch.
            max_wait: seconds to wait; a day unless told. A paused batch waits until somebody resumes it.
            poll_interval: seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.
            events: a `trudy.webhooks.WebhookRouter`; its events about the batch wake this at once, and once one has
                come for somebody who waits, polling is only a safety net, each 30 seconds.
            progress: called, or awaited, with the batch each time that it has been read.

        Returns:
            The batch in a final status.

        Raises:
            WaitTimeoutError: it did not end in time; `.last` is the batch as last seen.
        """
        return await batch_end(self, self._core, self._settings).until_final(
            batch_call_id, max_wait, poll_interval, events, options, progress
        )
