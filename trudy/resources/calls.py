"""`client.calls`: place calls, follow them, and read what was said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, Literal, Unpack

from trudy.event_source import EventSource
from trudy.models import BulkDeleteResult, Call, CallSettingsParam, Deleted, Recording, Transcript
from trudy.options import JSON, MAX_WAIT, NOT_GIVEN, RECONCILE_TIMEOUT, NotGiven, OnUnknown, RequestOptions
from trudy.pagination import PAGE_SIZE, AsyncPager
from trudy.request import Endpoint, RetryClass
from trudy.resources._base import Resource, body_of
from trudy.resources._call_checks import check_call, check_unknown
from trudy.resources._call_search import asked_for, find_calls, time_text
from trudy.resources._call_waits import CallWaits
from trudy.resources._destination import Target
from trudy.resources._download import MAX_RECORDING_BYTES, OnProgress, download
from trudy.resources._reconcile import reconciler_for
from trudy.resources._waiting import OnSeen, check_wait

LIST: Final = Endpoint(name="calls.list", method="GET", path="/calls", paging="offset")
CREATE: Final = Endpoint(
    name="calls.create", method="POST", path="/calls", retry=RetryClass.RECONCILE, read_timeout=180.0, creates="call"
)
GET: Final = Endpoint(name="calls.get", method="GET", path="/calls/{call_id}")
GET_TRANSCRIPT: Final = Endpoint(name="calls.get_transcript", method="GET", path="/calls/{call_id}/transcript")
GET_RECORDING: Final = Endpoint(name="calls.get_recording", method="GET", path="/calls/{call_id}/recording")
DELETE: Final = Endpoint(name="calls.delete", method="DELETE", path="/calls/{call_id}")
BULK_DELETE: Final = Endpoint(name="calls.bulk_delete", method="POST", path="/calls/bulk-delete", retry=RetryClass.ONCE)


class AsyncCalls(Resource):
    """Calls: place them, wait for their end, read transcript and recording."""

    def list(
        self,
        *,
        status: str | None = None,
        direction: Literal["outbound", "inbound"] | None = None,
        agent_id: str | None = None,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> AsyncPager[Call]:
        """List calls. `GET /calls`

        Args:
            status: only calls in this state, such as `"completed"`.
            direction: only outbound or only inbound calls.
            agent_id: only calls of this agent.
            created_after: only calls made after this time; an older server may ignore it.
            created_before: only calls made before this time; an older server may ignore it.
            limit: at most so many calls, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: calls a request when iterating over all, 1 to 100.

        Returns:
            Calls page by page; iterate over it for all of them.
        """
        query = {
            "status": status,
            "direction": direction,
            "agent_id": agent_id,
            "created_after": time_text(created_after, "created_after"),
            "created_before": time_text(created_before, "created_before"),
        }
        return self._list(LIST, Call, options, query=query, limit=limit, offset=offset, page_size=page_size)

    async def get(self, call_id: str, **options: Unpack[RequestOptions]) -> Call:
        """Read one call. `GET /calls/{call_id}`

        Raises:
            NotFoundError: no such call, or not yours.
        """
        return await self._core.fetch(self._build(GET, options, ids={"call_id": call_id}), Call)

    async def create(
        self,
        *,
        agent_id: str,
        phone_number: str,
        from_number: str | NotGiven | None = NOT_GIVEN,
        variables: Mapping[str, JSON] | NotGiven | None = NOT_GIVEN,
        call_settings: CallSettingsParam | NotGiven | None = NOT_GIVEN,
        direction: Literal["outbound"] | NotGiven = NOT_GIVEN,
        idempotency_key: str | None = None,
        on_unknown: OnUnknown = "reconcile",
        reconcile_timeout: float = RECONCILE_TIMEOUT,
        **options: Unpack[RequestOptions],
    ) -> Call:
        """Have an agent call a person. `POST /calls`

        A phone rings, so the request is not repeated where the first may have had an effect, unless `on_unknown` says
        so. When no answer comes, this looks for the call among the newest ones, and returns it if it is there.

        Args:
            agent_id: the agent that speaks.
            phone_number: whom to call, in E.164, such as `+14155550123`.
            from_number: the number to call from, one of the agent's outbound numbers; the server picks if left out.
            variables: values for the `{{variables}}` of the agent's prompt. A member `trudy_ref`, a text that no other
                call has, lets a call whose answer was lost be found for certain.
            call_settings: recording, transcription, greeting and durations of this call.
            direction: always `"outbound"`.
            idempotency_key: a key of your own for this call; made by itself if left out.
            on_unknown: when the request was sent and no answer came: `"reconcile"` looks for the call, `"retry"`
                sends it again with the same key, `"raise"` raises at once.
            reconcile_timeout: seconds to look for the call.

        Returns:
            The call, `queued` as a rule. It may be `failed` already: accepted is not placed.

        Raises:
            InvalidArgumentError: an argument is bad; nothing was sent.
            PaymentRequiredError: trial, subscription or credits.
            ValidationError: the server refused a member, or the agent has no number to call from.
            CallOutcomeUnknownError: it may or may not have been placed. Do not repeat it blindly.
        """
        check_call(agent_id, phone_number, from_number, direction, self._core.base_url)
        check_unknown(on_unknown, reconcile_timeout)
        members = body_of(
            agent_id=agent_id,
            phone_number=phone_number,
            from_number=from_number,
            variables=variables,
            call_settings=call_settings,
            direction=direction,
        )
        reconciler = reconciler_for(self._core, self._settings.merged(options), LIST, timeout=reconcile_timeout)
        request = self._build(
            CREATE, options, body=members, idempotency_key=idempotency_key, on_unknown=on_unknown, reconcile=reconciler
        )
        with reconciler.registered(request) as settle:
            call = await self._core.fetch(request, Call)
            settle(call.id)
        return call

    async def find(
        self,
        *,
        phone_number: str | None = None,
        agent_id: str | None = None,
        from_number: str | None = None,
        trudy_ref: str | None = None,
        variables: Mapping[str, JSON] | None = None,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
        limit: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> Sequence[Call]:
        """Find calls by what was asked for when they were placed, such as one of which no answer came. `GET /calls`

        Numbers are compared in any spelling. A row that does not show what is asked for may match all the same. But a
        row that shows variables must show all those asked for, and without a number asked for it must show them.

        Args:
            phone_number: the number called, in E.164.
            agent_id: the agent that speaks.
            from_number: the number that calls, in E.164.
            trudy_ref: the text that the variable `trudy_ref` was given.
            variables: variables given when the call was placed, all or some of them.
            created_after: only calls made at this time of the server's clock or later; pages beyond are not read.
            created_before: only calls made at this time or before.
            limit: at most so many calls.

        Returns:
            The calls that it may be, newest first.

        Raises:
            InvalidArgumentError: nothing was asked for, or an argument is bad.
        """
        asked = asked_for(phone_number, agent_id, from_number, trudy_ref, variables)
        return await find_calls(
            self.list, asked, created_after=created_after, created_before=created_before, limit=limit, options=options
        )

    async def get_transcript(self, call_id: str, **options: Unpack[RequestOptions]) -> Transcript:
        """Read what was said. `GET /calls/{call_id}/transcript`

        Raises:
            NotFoundError: no such call, or its transcript is not there yet (some seconds after the end).
        """
        return await self._core.fetch(self._build(GET_TRANSCRIPT, options, ids={"call_id": call_id}), Transcript)

    async def get_recording(self, call_id: str, **options: Unpack[RequestOptions]) -> Recording:
        """Read the facts of the recording, with a signed link that soon expires. `GET /calls/{call_id}/recording`

        Raises:
            NotFoundError: no such call, no recording, or it is not there yet (some seconds after the end).
        """
        return await self._core.fetch(self._build(GET_RECORDING, options, ids={"call_id": call_id}), Recording)

    async def download_recording(
        self,
        call_id: str,
        *,
        to: Target,
        max_bytes: int | None = MAX_RECORDING_BYTES,
        progress: OnProgress | None = None,
        **options: Unpack[RequestOptions],
    ) -> Recording:
        """Save a recording, in constant memory. `GET /calls/{call_id}/recording`, then the link it gives

        The key is never sent to the link's host. A link that has expired is asked for once more.

        Args:
            call_id: whose recording.
            to: a path, written under another name and renamed at the end, or a file open for writing bytes. Links are
                followed, and the mode of a file that is there is kept. A pipe, a device, a file with other hard links,
                and one in a folder that takes no new files are written in place. The reader of a pipe is waited for
                until the deadline, if there is one.
            max_bytes: the most bytes to save, decompressed: 1 GiB by default, None for any number.
            progress: called, or awaited, after each piece with the bytes so far, and their sum (None where unknown).

        Returns:
            The recording's facts.

        Raises:
            NotFoundError: the recording is not there, or not yet.
            APIConnectionError: the link's host did not answer, or not to the end.
            ResponseDecodeError: there is no whole file behind the link, or it is larger than `max_bytes`.
            OSError: the file cannot be written.
        """
        link = partial(self.get_recording, call_id, **options)
        settings = self._settings.merged(options)
        return await download(self._core, link, to, max_bytes=max_bytes, progress=progress, settings=settings)

    async def delete(self, call_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a call that has ended. `DELETE /calls/{call_id}`

        Raises:
            NotFoundError: no such call, or not yours.
            ValidationError: it is still queued, ringing or in progress.
        """
        return await self._delete(DELETE, options, {"call_id": call_id})

    async def bulk_delete(self, ids: Sequence[str], **options: Unpack[RequestOptions]) -> BulkDeleteResult:
        """Delete several calls; the result says which are gone and which are not. `POST /calls/bulk-delete`"""
        return await self._bulk_delete(BULK_DELETE, options, ids)

    async def wait(
        self,
        call_id: str,
        *,
        max_wait: float = MAX_WAIT,
        poll_interval: float | None = None,
        events: EventSource | None = None,
        progress: OnSeen[Call] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Call:
        """Wait until a call has ended. Polls `GET /calls/{call_id}`, or `GET /calls` for many that wait together

        Args:
            call_id: the call.
            max_wait: seconds to wait; some calls never end.
            poll_interval: seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.
            events: a `trudy.webhooks.WebhookRouter`; its events about the call wake this at once, and once one has
                come for somebody who waits, polling is only a safety net, each 30 seconds.
            progress: called, or awaited, with the call each time that it has been read.

        Returns:
            The call in a final status.

        Raises:
            WaitTimeoutError: it did not end in time; `.last` is the call as last seen.
        """
        return await self._waits.end.until_final(call_id, max_wait, poll_interval, events, options, progress)

    def watch(
        self,
        call_id: str,
        *,
        max_wait: float = MAX_WAIT,
        poll_interval: float | None = None,
        events: EventSource | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncIterator[Call]:
        """Follow a call: gives it as it is now, then after each change, until it has ended. Polls as `wait` does

        Args:
            call_id: the call.
            max_wait: seconds from the first step to the end of the call.
            poll_interval: as for `wait`.
            events: as for `wait`.

        Returns:
            An iterator over the states of the call, the final one last. It may be left at any time.

        Raises:
            WaitTimeoutError: at the step in which the time is over; `.last` is the call as last seen.
            NotFoundError: no such call, or not yours.
        """
        return self._waits.end.changes(call_id, max_wait, poll_interval, events, options)

    async def wait_for_transcript(
        self,
        call_id: str,
        *,
        max_wait: float = MAX_WAIT,
        poll_interval: float | None = None,
        progress: OnSeen[Transcript] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Transcript:
        """Wait until the transcript is there, some seconds after the end. Polls `GET /calls/{call_id}/transcript`

        Until then the server says 404, 409, null, or that nothing was said; a call that nobody answered never gets one.

        Args:
            call_id: the call; it may still be under way.
            max_wait: seconds to wait.
            poll_interval: seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.
            progress: called, or awaited, with the transcript each time that it has been read, an empty one included.

        Raises:
            NotFoundError: no such call, or not yours.
            WaitTimeoutError: it was not there in time.
        """
        return await self._waits.transcript.until_there(call_id, max_wait, poll_interval, options, progress)

    async def wait_for_recording(
        self,
        call_id: str,
        *,
        max_wait: float = MAX_WAIT,
        poll_interval: float | None = None,
        progress: OnSeen[Recording] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Recording:
        """Wait until the recording is there, some seconds after the end. Polls `GET /calls/{call_id}/recording`

        Until then the server says 404, 409, null, or gives no link; a call that is not recorded never gets one. What is
        returned are its facts, with a signed link that soon expires; `download_recording` saves it.

        Args:
            call_id: the call; it may still be under way.
            max_wait: seconds to wait.
            poll_interval: seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.
            progress: called, or awaited, with the recording's facts each time that they have been read.

        Raises:
            NotFoundError: no such call, or not yours.
            WaitTimeoutError: it was not there in time.
        """
        return await self._waits.recording.until_there(call_id, max_wait, poll_interval, options, progress)

    async def create_and_wait(
        self,
        *,
        agent_id: str,
        phone_number: str,
        from_number: str | NotGiven | None = NOT_GIVEN,
        variables: Mapping[str, JSON] | NotGiven | None = NOT_GIVEN,
        call_settings: CallSettingsParam | NotGiven | None = NOT_GIVEN,
        direction: Literal["outbound"] | NotGiven = NOT_GIVEN,
        idempotency_key: str | None = None,
        on_unknown: OnUnknown = "reconcile",
        reconcile_timeout: float = RECONCILE_TIMEOUT,
        max_wait: float = MAX_WAIT,
        poll_interval: float | None = None,
        events: EventSource | None = None,
        progress: OnSeen[Call] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Call:
        """Have an agent call a person, and wait until the call has ended: `create`, then `wait`.

        Returns:
            The call in a final status.

        Raises:
            WaitTimeoutError: it was placed and did not end in time; `.last` is the call.
            TrudyError: as `create`; once the call is placed, it is `.partial` of every error, and none is `retryable`:
                go on with `wait(error.partial.id)`.
        """
        check_wait(max_wait, poll_interval, events, progress)
        started = self._core.clock.monotonic()
        call = await self.create(
            agent_id=agent_id,
            phone_number=phone_number,
            from_number=from_number,
            variables=variables,
            call_settings=call_settings,
            direction=direction,
            idempotency_key=idempotency_key,
            on_unknown=on_unknown,
            reconcile_timeout=reconcile_timeout,
            **options,
        )
        return await self._waits.end_of_placed(
            call, started, options, max_wait=max_wait, poll_interval=poll_interval, events=events, progress=progress
        )

    @property
    def _waits(self) -> CallWaits:
        return CallWaits(self, self._core, self._settings)
