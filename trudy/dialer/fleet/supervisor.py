"""Runs Procrastinate, again and again: its worker ends where the database restarts. Frees jobs of workers that died."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import anyio
from attrs import define, field
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Status

logger = logging.getLogger("trudy.dialer")

_BEATS_EVERY: Final = 2.0
"""Seconds between two signs of life: five fit into the time after which a worker is taken for dead. More of them press
the database."""
_STALLED_AFTER: Final = 10.0
"""Seconds without a sign of life after which the jobs of a worker are given to others. Fewer would take them from one
whose machine is busy, which costs it its turn; more leave shards waiting."""
_POLLS_EVERY: Final = 1.0
"""Seconds between two looks for jobs: those that a notice did not tell of. More leave shards waiting,
fewer press the database."""
_FREES_EVERY: Final = 1.0
"""Seconds between two looks for jobs of workers that died: more leave shards waiting, fewer press the database."""
_AGAIN_AFTER: Final = 0.5
"""Seconds until Procrastinate is run again after a fault: more leave shards waiting, fewer press a database that is
coming back."""
_STOPS_WITHIN: Final = 10.0
"""Seconds that jobs have to end when this process does; then they are cut off. More would hold up the process."""
_SILENT: Final = 20.0
"""Seconds in which the database must say which jobs are stalled. More leaves a worker without work for longer where its
connections are dead and nobody says so; fewer would take a slow database for one that is gone."""
_SAYS_SO_WITHIN: Final = 4.0
"""Seconds in which their ends are written after that. More would wait for a database that does not answer; less would
leave jobs to be freed by others, seconds later."""
_KEEPS_FAILED: Final = 1
"""Hours for which a job that failed stays to be looked at; more would let the table grow."""


@define(kw_only=True, eq=False)
class Supervisor:
    """One queue, of which so many jobs at a time are run by this process.

    Attributes:
        settings: of a connection, for psycopg.
        name: of the worker, for the log.
        task: the name of the only task.
        work: what a job does with its arguments.
    """

    settings: Mapping[str, Any]
    queue: str
    task: str
    work: Callable[..., Awaitable[None]]
    name: str
    concurrency: int
    _stopping: asyncio.Event = field(init=False, factory=asyncio.Event)

    def stop(self) -> None:
        """Take no more jobs, and end once those that run are over."""
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            while not self._stopping.is_set():
                await self._once(stopping)
                await asyncio.wait({stopping}, timeout=_AGAIN_AFTER)
        finally:
            stopping.cancel()

    async def _once(self, stopping: asyncio.Future[Any]) -> None:
        """One life of Procrastinate's worker."""
        silent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(self._serve(silent))
        try:
            await asyncio.wait({serving, stopping, silent}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            with anyio.CancelScope(shield=True):
                if not serving.done():
                    serving.cancel()
                    await asyncio.wait({serving}, timeout=_STOPS_WITHIN + _SAYS_SO_WITHIN)
                if not serving.done():
                    serving.cancel()
        if silent.done():
            logger.warning("the database does not answer, and the queue of jobs is taken up again")
        elif serving.done() and not serving.cancelled() and (error := serving.exception()) is not None:
            logger.warning("the queue of jobs was lost, and is taken up again: %s", type(error).__name__)

    async def _serve(self, silent: asyncio.Future[None]) -> None:
        app = App(connector=PsycopgConnector(min_size=1, max_size=4, timeout=5.0, **_pool(self.settings)))
        app.task(name=self.task, queue=self.queue)(self.work)
        try:
            await app.open_async()
            await app.job_manager.delete_old_jobs(
                _KEEPS_FAILED, queue=self.queue, include_failed=True, include_cancelled=True, include_aborted=True
            )
            rescue = asyncio.create_task(self._rescue(app, silent))
            try:
                await app.run_worker_async(
                    queues=[self.queue],
                    name=self.name,
                    concurrency=self.concurrency,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=_STOPS_WITHIN,
                    fetch_job_polling_interval=_POLLS_EVERY,
                    update_heartbeat_interval=_BEATS_EVERY,
                    stalled_worker_timeout=_STALLED_AFTER,
                )
            finally:
                rescue.cancel()
        finally:
            # Also where it was stopped while it opened: tasks of a pool that is left open outlive a cancellation.
            await app.close_async()

    async def _rescue(self, app: App, silent: asyncio.Future[None]) -> None:
        """Free the jobs of workers that gave no sign of life; the keeper puts in new ones. `silent` is done once the
        database gives no answer."""
        while True:
            await asyncio.sleep(_FREES_EVERY)
            try:
                async with asyncio.timeout(_SILENT):
                    stalled = await app.job_manager.get_stalled_jobs(
                        queue=self.queue, seconds_since_heartbeat=_STALLED_AFTER
                    )
                    for job in stalled:
                        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            except TimeoutError:
                silent.set_result(None)
                return
            except ProcrastinateException as error:
                # The database is away, or another worker was quicker.
                logger.debug("jobs of dead workers could not be freed: %r", error)


def _pool(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a pool, from those of a connection."""
    rest = dict(settings)
    return {"conninfo": rest.pop("conninfo"), "kwargs": rest}
