"""What can be waited for: the end of a call, its transcript, its recording; the end of a batch."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from trudy.errors import TrudyError, WaitTimeoutError
from trudy.models import BatchCall, Call, Recording, Transcript
from trudy.resources._shared_poller import SharedPoller
from trudy.resources._waiting import LAST_LOOK, Artifact, OnSeen, Waiting, newest_by, report_progress

if TYPE_CHECKING:
    from trudy._settings import Settings
    from trudy.event_source import EventSource
    from trudy.options import RequestOptions
    from trudy.pipeline.core import Core
    from trudy.resources.batch_calls import AsyncBatchCalls
    from trudy.resources.calls import AsyncCalls

logger = logging.getLogger("trudy")


@frozen
class CallWaits:
    """The waits of a namespace of calls, with its options."""

    calls: AsyncCalls
    core: Core
    settings: Settings

    @property
    def end(self) -> Waiting[Call]:
        """For a final status."""
        return Waiting(
            poller=self.core.shared("calls", lambda: SharedPoller[Call](self.core.clock)),
            clock=self.core.clock,
            settings=self.settings,
            get=self.calls.get,
            newest=newest_by(self.calls.list),
            is_final=lambda call: call.status.is_final,
            describe=lambda call: call.status_word,
            noun="call",
            kind="call",
            ids_of=lambda call: call.event_ids,
            essence=_without_links,
        )

    @property
    def transcript(self) -> Artifact[Transcript]:
        """For a transcript in which something was said."""
        return Artifact(
            noun="transcript",
            clock=self.core.clock,
            settings=self.settings,
            get=self.calls.get_transcript,
            is_there=lambda transcript: bool(transcript.turns),
            exists=self.calls.get,
        )

    @property
    def recording(self) -> Artifact[Recording]:
        """For a recording with a link."""
        return Artifact(
            noun="recording",
            clock=self.core.clock,
            settings=self.settings,
            get=self.calls.get_recording,
            is_there=lambda recording: bool(recording.recording_url),
            exists=self.calls.get,
        )

    async def end_of_placed(
        self,
        call: Call,
        started: float,
        options: RequestOptions,
        *,
        max_wait: float,
        poll_interval: float | None,
        events: EventSource | None,
        progress: OnSeen[Call] | None,
    ) -> Call:
        """The end of a call just placed, within the deadline of an operation that began at `started`."""
        if call.status.is_final:
            await report_progress(progress, call)
            return call
        deadline = self.settings.merged(options).deadline
        if deadline is not None:
            options["deadline"] = max(deadline - (self.core.clock.monotonic() - started), LAST_LOOK)
        options["before_send"] = None  # it was asked before the call was placed
        with _after_placing(call):
            return await self.calls.wait(
                call.id, max_wait=max_wait, poll_interval=poll_interval, events=events, progress=progress, **options
            )


def batch_end(batches: AsyncBatchCalls, core: Core, settings: Settings) -> Waiting[BatchCall]:
    """The wait for a batch's final status."""
    return Waiting(
        poller=core.shared("batch_calls", lambda: SharedPoller[BatchCall](core.clock)),
        clock=core.clock,
        settings=settings,
        get=batches.get,
        newest=newest_by(batches.list),
        is_final=lambda batch: batch.status.is_final,
        describe=lambda batch: batch.status_word,
        noun="batch_call",
        kind="batch",
    )


@contextmanager
def _after_placing(call: Call) -> Generator[None]:
    """Errors raised in the block carry the call, which goes on, and are not retryable: a retry would place another."""
    try:
        yield
    except TrudyError as error:
        error.partial, error.retryable = call, False
        if isinstance(error, WaitTimeoutError):
            error.last = error.last or call
        raise
    except BaseException:
        key = None if call.meta is None else call.meta.idempotency_key
        logger.warning("the wait for call %s was cancelled; the call goes on (idempotency key %s)", call.id, key)
        raise


def _without_links(call: Call) -> Call:
    """The call without its signed links, which change with each answer."""
    return evolve(call, recording_url=call.recording_url and "there", transcript_url=call.transcript_url and "there")
