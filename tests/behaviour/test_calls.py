from __future__ import annotations

import io
from pathlib import Path

import anyio
import pytest

import trudy
from trudy import AsyncTrudyClient
from trudy.models import Call, CallStatus
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio

ANSWERS, NO_ANSWER, FAILS = "+14155550100", "+14155550110", "+14155550150"
LIMITED_ONCE, SERVER_ERROR, RESET, HANGS = "+14155550190", "+14155550191", "+14155550192", "+14155550193"
A_WHILE = 600.0
"""Seconds of the sandbox, which runs fast: enough for a slow machine to find a call that is there."""
NO_CREDITS, FORBIDDEN, REFUSED = "+14155550197", "+14155550198", "+14155550140"


async def test_the_main_job(client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox) -> None:
    call = await client.calls.create(agent_id=agent_id, phone_number=ANSWERS)
    assert call.status is CallStatus.QUEUED
    assert call.meta is not None
    assert call.meta.idempotency_key
    ended = await client.calls.wait(call.id, max_wait=600)
    assert ended.status == "completed"
    sandbox.advance(seconds=30)
    transcript = await client.calls.get_transcript(call.id)
    assert transcript.turns
    assert transcript.text.startswith("agent: ")
    sandbox.assert_no_number_dialed_twice()


@pytest.mark.parametrize(("number", "status"), [(NO_ANSWER, "failed"), (FAILS, "failed")])
async def test_other_ends(client: AsyncTrudyClient, agent_id: str, number: str, status: str) -> None:
    call = await client.calls.create_and_wait(agent_id=agent_id, phone_number=number, max_wait=600)
    assert call.status == status


@pytest.mark.parametrize("number", [SERVER_ERROR, RESET])
async def test_a_call_whose_answer_is_lost_is_found_and_not_dialed_again(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox, number: str
) -> None:
    call = await client.calls.create(agent_id=agent_id, phone_number=number, reconcile_timeout=A_WHILE)
    assert call.to == number
    assert call.meta is not None
    assert call.meta.reconciled
    assert [placed.id for placed in sandbox.calls_to(number)] == [call.id]


async def test_a_call_that_hangs_is_found_after_the_read_timeout(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox
) -> None:
    sandbox.fail_next(method="POST", path="/calls", delay=20_000)
    call = await client.calls.create(
        agent_id=agent_id, phone_number=ANSWERS, timeout=trudy.Timeout(read=0.2), reconcile_timeout=A_WHILE
    )
    assert call.meta is not None
    assert call.meta.reconciled
    assert len(sandbox.calls_to(ANSWERS)) == 1


async def test_a_slow_answer_is_waited_for(client: AsyncTrudyClient, agent_id: str) -> None:
    call = await client.calls.create(agent_id=agent_id, phone_number=HANGS)
    assert call.meta is not None
    assert not call.meta.reconciled


async def test_several_lost_calls_to_one_number_go_each_to_its_own_caller(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox
) -> None:
    ids: list[str] = []

    async def dial(ref: str) -> None:
        call = await client.calls.create(
            agent_id=agent_id, phone_number=ANSWERS, variables={"trudy_ref": ref}, reconcile_timeout=A_WHILE
        )
        ids.append(call.id)

    sandbox.fail_next(method="POST", path="/calls", reset="after", times=5)
    async with anyio.create_task_group() as group:
        for ref in "abcde":
            group.start_soon(dial, ref)
    assert len(set(ids)) == 5
    assert set(ids) == {placed.id for placed in sandbox.calls_to(ANSWERS)}


async def test_calls_that_cannot_be_told_apart_are_not_guessed(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox
) -> None:
    errors: list[trudy.CallOutcomeUnknownError] = []

    async def dial() -> None:
        try:
            await client.calls.create(agent_id=agent_id, phone_number=ANSWERS)
        except trudy.CallOutcomeUnknownError as error:
            errors.append(error)

    sandbox.fail_next(method="POST", path="/calls", reset="after", times=2)
    async with anyio.create_task_group() as group:
        group.start_soon(dial)
        group.start_soon(dial)
    assert len(errors) == 2
    for error in errors:
        assert len(error.candidates) == 2
        assert error.idempotency_key
        assert error.__cause__ is not None
        assert "160 s" in str(error)
        assert ANSWERS not in str(error)


async def test_a_call_that_was_never_placed_stays_unknown(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox
) -> None:
    sandbox.fail_next(method="POST", path="/calls", reset="before")
    with pytest.raises(trudy.CallOutcomeUnknownError) as caught:
        await client.calls.create(agent_id=agent_id, phone_number=ANSWERS, reconcile_timeout=5)
    assert caught.value.candidates == ()
    assert sandbox.calls_to(ANSWERS) == []
    assert sum(request.method == "POST" and request.path.endswith("/calls") for request in sandbox.requests) == 1


async def test_on_unknown_raise_neither_looks_nor_repeats(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox
) -> None:
    before = len(sandbox.requests)
    with pytest.raises(trudy.CallOutcomeUnknownError):
        await client.calls.create(agent_id=agent_id, phone_number=RESET, on_unknown="raise")
    assert len(sandbox.requests) == before + 1


async def test_on_unknown_retry_relies_on_the_key(client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox) -> None:
    call = await client.calls.create(agent_id=agent_id, phone_number=RESET, on_unknown="retry")
    assert call.meta is not None
    assert (call.meta.attempts, call.meta.reconciled) == (2, False)
    assert len(sandbox.calls_to(RESET)) == 1


async def test_after_an_unreadable_answer_to_a_create_the_call_is_looked_for(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox
) -> None:
    for fault in ({"body": "<html>"}, {"body": b""}, {"truncate": True}, {"body": {"data": {}}}):
        sandbox.fail_next(method="POST", path="/calls", **fault)  # type: ignore[arg-type]
        call = await client.calls.create(agent_id=agent_id, phone_number=ANSWERS, reconcile_timeout=A_WHILE)
        assert call.meta is not None
        assert call.meta.reconciled
        sandbox.advance(minutes=1)
    assert len(sandbox.calls_to(ANSWERS)) == 4


async def test_the_deadline_during_a_create_leaves_it_unknown(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox
) -> None:
    sandbox.fail_next(method="POST", path="/calls", delay=20_000)
    with pytest.raises(trudy.CallOutcomeUnknownError) as caught:
        await client.calls.create(agent_id=agent_id, phone_number=ANSWERS, deadline=20)
    assert isinstance(caught.value.__cause__, trudy.APITimeoutError)


async def test_refusals(client: AsyncTrudyClient, agent_id: str) -> None:
    for number, cls in (
        (NO_CREDITS, trudy.PaymentRequiredError),
        (FORBIDDEN, trudy.PermissionDeniedError),
        (REFUSED, trudy.ValidationError),
    ):
        with pytest.raises(cls) as caught:
            await client.calls.create(agent_id=agent_id, phone_number=number)
        assert caught.value.idempotency_key
        assert caught.value.attempts == 1
        assert number not in f"{caught.value}{caught.value.details}"


@pytest.mark.parametrize(
    "reason", ["trial_not_started", "trial_expired", "subscription_inactive", "insufficient_credits"]
)
async def test_each_reason_to_pay(client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox, reason: str) -> None:
    sandbox.payment_required = reason  # type: ignore[assignment]
    with pytest.raises(trudy.PaymentRequiredError) as caught:
        await client.calls.create(agent_id=agent_id, phone_number=ANSWERS)
    assert caught.value.reason == caught.value.details.get("reason") == reason


async def test_a_429_is_waited_out(client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox) -> None:
    call = await client.calls.create(agent_id=agent_id, phone_number=LIMITED_ONCE)
    assert call.meta is not None
    assert (call.meta.attempts, call.meta.reconciled) == (2, False)
    tries = [request for request in sandbox.requests if (request.method, request.path) == ("POST", "/calls")]
    assert [each.status for each in tries] == [429, 201]
    assert tries[0].headers == tries[1].headers
    assert len(sandbox.calls_to(LIMITED_ONCE)) == 1


async def test_a_recording_is_saved_whole_and_the_key_stays_home(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    call = await client.calls.create_and_wait(agent_id=agent_id, phone_number=ANSWERS)
    sandbox.advance(seconds=30)
    seen: list[tuple[int, int | None]] = []
    target = tmp_path / "call.mp3"
    recording = await client.calls.download_recording(
        call.id, to=target, progress=lambda done, total: seen.append((done, total))
    )
    assert recording.call_id == call.id
    buffer = io.BytesIO()
    await client.calls.download_recording(call.id, to=buffer)
    assert target.read_bytes() == buffer.getvalue() != b""
    assert seen[-1][0] == seen[-1][1] == len(buffer.getvalue())
    assert list(tmp_path.iterdir()) == [target]
    assert sandbox.media_requests
    sandbox.assert_no_key_left_the_host()


async def test_a_link_that_has_expired_is_asked_for_again_once(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    call = await client.calls.create_and_wait(agent_id=agent_id, phone_number=ANSWERS)
    sandbox.advance(seconds=30)
    sandbox.fail_next(path="/recordings/*", status=403)
    await client.calls.download_recording(call.id, to=tmp_path / "call.mp3")
    sandbox.fail_next(path="/recordings/*", status=403, times=2)
    with pytest.raises(trudy.PermissionDeniedError):
        await client.calls.download_recording(call.id, to=tmp_path / "again.mp3")
    assert [path.name for path in tmp_path.iterdir()] == ["call.mp3"]


async def test_a_download_that_breaks_leaves_nothing(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    call = await client.calls.create_and_wait(agent_id=agent_id, phone_number=ANSWERS)
    sandbox.advance(seconds=30)
    sandbox.fail_next(path="/recordings/*", truncate=True, times=3)
    with pytest.raises(trudy.APIConnectionError):
        await client.calls.download_recording(call.id, to=tmp_path / "call.mp3")
    assert list(tmp_path.iterdir()) == []
    sandbox.fail_next(path="/recordings/*", truncate=True)
    await client.calls.download_recording(call.id, to=tmp_path / "call.mp3")
    assert [path.name for path in tmp_path.iterdir()] == ["call.mp3"]


async def test_a_wait_that_ends_too_early_holds_the_call(client: AsyncTrudyClient, agent_id: str) -> None:
    call = await client.calls.create(agent_id=agent_id, phone_number="+14155550180")
    with pytest.raises(trudy.WaitTimeoutError) as caught:
        await client.calls.wait(call.id, max_wait=10)
    assert isinstance(caught.value.last, Call)
    assert caught.value.last.id == call.id
    assert not caught.value.last.status.is_final
    with pytest.raises(trudy.NotFoundError):
        await client.calls.wait("nobody")


async def test_a_wait_outlives_a_server_that_is_down_for_a_while(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox
) -> None:
    call = await client.calls.create(agent_id=agent_id, phone_number=ANSWERS)
    sandbox.fail_next(method="GET", status=503, times=7)
    assert (await client.calls.wait(call.id)).status.is_final


async def test_deleting_a_call(client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox) -> None:
    call = await client.calls.create(agent_id=agent_id, phone_number=ANSWERS)
    with pytest.raises(trudy.ValidationError):
        await client.calls.delete(call.id)
    await client.calls.wait(call.id)
    sandbox.fail_next(method="DELETE", reset="after")
    assert (await client.calls.delete(call.id)).deleted
    with pytest.raises(trudy.NotFoundError):
        await client.calls.get(call.id)


async def test_following_a_call_and_waiting_for_what_comes_after_it(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox
) -> None:
    call = await client.calls.create(agent_id=agent_id, phone_number=ANSWERS)
    seen = [state.status async for state in client.calls.watch(call.id)]
    assert seen[-1] is CallStatus.COMPLETED
    assert seen == list(dict.fromkeys(seen))
    transcript = await client.calls.wait_for_transcript(call.id)
    assert transcript.turns
    recording = await client.calls.wait_for_recording(call.id)
    assert recording.recording_url
    for wait in (client.calls.wait_for_transcript, client.calls.wait_for_recording):
        with pytest.raises(trudy.NotFoundError):
            await wait("nobody")


async def test_progress_of_a_call(client: AsyncTrudyClient, agent_id: str) -> None:
    seen: list[CallStatus] = []
    call = await client.calls.create_and_wait(
        agent_id=agent_id, phone_number=ANSWERS, progress=lambda call: seen.append(call.status)
    )
    assert seen[-1] is call.status


async def test_finding_calls(client: AsyncTrudyClient, agent_id: str) -> None:
    first = await client.calls.create(agent_id=agent_id, phone_number=ANSWERS, variables={"trudy_ref": "one", "n": 1})
    second = await client.calls.create(agent_id=agent_id, phone_number=ANSWERS, variables={"trudy_ref": "two", "n": 1})
    other = await client.calls.create(agent_id=agent_id, phone_number=FAILS, variables={"n": 2})
    assert [call.id for call in await client.calls.find(phone_number=ANSWERS)] == [second.id, first.id]
    assert [call.id for call in await client.calls.find(trudy_ref="one")] == [first.id]
    assert [call.id for call in await client.calls.find(variables={"n": 1}, limit=1)] == [second.id]
    assert {call.id for call in await client.calls.find(agent_id=agent_id)} == {first.id, second.id, other.id}
    assert first.created_at is not None
    assert second.created_at is not None
    found = await client.calls.find(phone_number=ANSWERS, created_after=second.created_at)
    assert [call.id for call in found] == [second.id]
    found = await client.calls.find(phone_number=ANSWERS, created_before=first.created_at)
    assert [call.id for call in found] == [first.id]
    with pytest.raises(trudy.InvalidArgumentError):
        await client.calls.find()
