# Generated from trudy/resources/calls.py by `python -m trudy.codegen`; change the source, never this file.
"""`client.calls`: place calls, follow them, and read what was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, Unpack

from trudy.bridge import SyncResource, bind
from trudy.event_source import EventSource
from trudy.models import BulkDeleteResult, Call, CallSettingsParam, Deleted, Recording, Transcript
from trudy.options import JSON, MAX_WAIT, NOT_GIVEN, RECONCILE_TIMEOUT, NotGiven, OnUnknown, RequestOptions
from trudy.pagination import PAGE_SIZE, Page
from trudy.resources._destination import Target
from trudy.resources._download import MAX_RECORDING_BYTES, OnProgress
from trudy.resources._waiting import OnSeen
from trudy.resources.calls import AsyncCalls


class Calls(SyncResource[AsyncCalls]):
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
    ) -> Page[Call]:
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
        return Page(
            self._bridge.run(
                bind(
                    self._async.list,
                    status=status,
                    direction=direction,
                    agent_id=agent_id,
                    created_after=created_after,
                    created_before=created_before,
                    limit=limit,
                    offset=offset,
                    page_size=page_size,
                    **options,
                )
            ),
            self._bridge.run,
        )

    def get(self, call_id: str, **options: Unpack[RequestOptions]) -> Call:
        """Read one call. `GET /calls/{call_id}`

        Raises:
            NotFoundError: no such call, or not yours.
        """
        return self._bridge.run(bind(self._async.get, call_id, **options))

    def create(
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
        return self._bridge.run(
            bind(
                self._async.create,
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
        )

    def find(
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
        return self._bridge.run(
            bind(
                self._async.find,
                phone_number=phone_number,
                agent_id=agent_id,
                from_number=from_number,
                trudy_ref=trudy_ref,
                variables=variables,
                created_after=created_after,
                created_before=created_before,
                limit=limit,
                **options,
            )
        )

    def get_transcript(self, call_id: str, **options: Unpack[RequestOptions]) -> Transcript:
        """Read what was said. `GET /calls/{call_id}/transcript`

        Raises:
            NotFoundError: no such call, or its transcript is not there yet (some seconds after the end).
        """
        return self._bridge.run(bind(self._async.get_transcript, call_id, **options))

    def get_recording(self, call_id: str, **options: Unpack[RequestOptions]) -> Recording:
        """Read the facts of the recording, with a signed link that soon expires. `GET /calls/{call_id}/recording`

        Raises:
            NotFoundError: no such call, no recording, or it is not there yet (some seconds after the end).
        """
        return self._bridge.run(bind(self._async.get_recording, call_id, **options))

    def download_recording(
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
        return self._bridge.run(
            bind(self._async.download_recording, call_id, to=to, max_bytes=max_bytes, progress=progress, **options)
        )

    def delete(self, call_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a call that has ended. `DELETE /calls/{call_id}`

        Raises:
            NotFoundError: no such call, or not yours.
            ValidationError: it is still queued, ringing or in progress.
        """
        return self._bridge.run(bind(self._async.delete, call_id, **options))

    def bulk_delete(self, ids: Sequence[str], **options: Unpack[RequestOptions]) -> BulkDeleteResult:
        """Delete several calls; the result says which are gone and which are not. `POST /calls/bulk-delete`"""
        return self._bridge.run(bind(self._async.bulk_delete, ids, **options))

    def wait(
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
        return self._bridge.run(
            bind(
                self._async.wait,
                call_id,
                max_wait=max_wait,
                poll_interval=poll_interval,
                events=events,
                progress=progress,
                **options,
            )
        )

    def watch(
        self,
        call_id: str,
        *,
        max_wait: float = MAX_WAIT,
        poll_interval: float | None = None,
        events: EventSource | None = None,
        **options: Unpack[RequestOptions],
    ) -> Iterator[Call]:
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
        return self._bridge.iterate(
            self._async.watch(call_id, max_wait=max_wait, poll_interval=poll_interval, events=events, **options)
        )

    def wait_for_transcript(
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
        return self._bridge.run(
            bind(
                self._async.wait_for_transcript,
                call_id,
                max_wait=max_wait,
                poll_interval=poll_interval,
                progress=progress,
                **options,
            )
        )

    def wait_for_recording(
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
        return self._bridge.run(
            bind(
                self._async.wait_for_recording,
                call_id,
                max_wait=max_wait,
                poll_interval=poll_interval,
                progress=progress,
                **options,
            )
        )

    def create_and_wait(
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
        return self._bridge.run(
            bind(
                self._async.create_and_wait,
                agent_id=agent_id,
                phone_number=phone_number,
                from_number=from_number,
                variables=variables,
                call_settings=call_settings,
                direction=direction,
                idempotency_key=idempotency_key,
                on_unknown=on_unknown,
                reconcile_timeout=reconcile_timeout,
                max_wait=max_wait,
                poll_interval=poll_interval,
                events=events,
                progress=progress,
                **options,
            )
        )
