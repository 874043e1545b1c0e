"""Waits for what comes after a call, such as its transcript."""

from __future__ import annotations

from typing import Unpack

import anyio
import pytest

from tests.fakes.clock import FakeClock
from trudy import (
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ResponseDecodeError,
    ServerError,
    TrudyError,
    ValidationError,
    WaitTimeoutError,
)
from trudy.options import RequestOptions
from trudy.resources._waiting import Artifact, OnSeen

pytestmark = pytest.mark.anyio


class Slowly:
    """An artifact that is ready after some requests."""

    def __init__(self, clock: FakeClock, *answers: str | TrudyError, exists: bool = True) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.exists = exists
        self.faults_of_check: list[TrudyError] = []
        self.checked = 0

    async def ask(self, thing_id: str, /, **options: Unpack[RequestOptions]) -> str:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, TrudyError):
            raise found
        return found

    async def check(self, thing_id: str, /, **options: Unpack[RequestOptions]) -> None:
        self.checked += 1
        if self.faults_of_check:
            raise self.faults_of_check.pop()
        if not self.exists:
            raise NotFoundError("no such call")

    async def wait(self, max_wait: float = 60, progress: OnSeen[str] | None = None) -> str:
        artifact = Artifact(noun="transcript", clock=self.clock, get=self.ask, is_there=bool, exists=self.check)
        return await artifact.until_there("0", max_wait=max_wait, poll_interval=None, options={}, progress=progress)


async def found_within(seconds: float, thing: Slowly, clock: FakeClock) -> list[str]:
    """What the wait has found when so much time is over; nothing while it still waits."""
    found: list[str] = []

    async def wait() -> None:
        found.append(await thing.wait())

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await clock.run(seconds)
        group.cancel_scope.cancel()
    return found


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("code", "is_waited_for"),
    [("not_ready", True), ("recording_not_available", True), ("call_in_progress", True), ("validation_error", False)],
)
async def test_an_error_code_may_say_that_it_is_not_ready(status: int, code: str, *, is_waited_for: bool) -> None:
    clock = FakeClock()
    thing = Slowly(clock, ValidationError("no", status_code=status, code=code), "it")
    if not is_waited_for:
        with pytest.raises(ValidationError):
            await thing.wait()
        return
    assert await found_within(6, thing, clock) == ["it"]


async def test_what_is_not_there_yet_is_waited_for() -> None:
    clock = FakeClock()
    thing = Slowly(
        clock, NotFoundError("no"), NotFoundError("no"), ResponseDecodeError("null"), "", ServerError("x"), "it"
    )
    assert await found_within(60, thing, clock) == ["it"]
    assert thing.checked == 1


async def test_a_conflict_with_the_state_of_the_call_may_pass() -> None:
    clock = FakeClock()
    thing = Slowly(clock, ConflictError("call in progress"), ConflictError("call in progress"), "it")
    assert await found_within(6, thing, clock) == ["it"]


async def test_a_fault_while_it_is_asked_whether_the_call_exists_does_not_end_the_wait() -> None:
    clock = FakeClock()
    thing = Slowly(clock, NotFoundError("no"), NotFoundError("no"), NotFoundError("no"), "it")
    thing.faults_of_check = [ServerError("x"), ResponseDecodeError("x")]
    assert await found_within(30, thing, clock) == ["it"]
    assert thing.checked == 3


@pytest.mark.parametrize("kind", [NotFoundError, ServerError, ResponseDecodeError, ConflictError, ValueError])
async def test_what_progress_raises_is_the_callers_own(kind: type[Exception]) -> None:
    def progress(found: str) -> None:
        raise kind("mine")

    with pytest.raises(kind, match="mine"):
        await Slowly(FakeClock(), "it").wait(progress=progress)


async def test_what_does_not_exist_is_not_waited_for() -> None:
    with pytest.raises(NotFoundError, match="no such call"):
        await Slowly(FakeClock(), NotFoundError("no"), exists=False).wait()
    with pytest.raises(PermissionDeniedError):
        await Slowly(FakeClock(), PermissionDeniedError("no")).wait()


async def test_a_wait_for_what_never_comes_ends() -> None:
    clock = FakeClock()
    failed: list[WaitTimeoutError] = []

    async def wait() -> None:
        with pytest.raises(WaitTimeoutError, match="the transcript was not there within 10 s") as caught:
            await Slowly(clock, NotFoundError("no")).wait(10)
        failed.append(caught.value)

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await clock.run(11)
    assert isinstance(failed[0].__cause__, NotFoundError)
