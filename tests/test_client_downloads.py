"""Downloads by a whole client."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import trudy
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_the_deadline_bounds_a_wait_and_a_download() -> None:
    sandbox = Sandbox(speed=100)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        call = await client.calls.create(agent_id=agent.id, phone_number="+14155550180")
        with pytest.raises(trudy.WaitTimeoutError):
            await client.calls.wait(call.id, deadline=5)
        with pytest.raises(trudy.WaitTimeoutError) as caught:
            await client.calls.create_and_wait(agent_id=agent.id, phone_number="+14155550181", deadline=10)
        assert caught.value.partial is not None
        assert not caught.value.retryable  # it would dial again
        sandbox.advance(hours=2)
        sandbox.fail_next(path="/recordings/*", delay=3600)
        with pytest.raises(trudy.APITimeoutError, match="deadline"):
            await client.calls.download_recording(call.id, to=io.BytesIO(), deadline=5)


async def test_a_download_is_tried_again_until_something_was_written() -> None:
    sandbox = Sandbox(speed=100)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        call = await client.calls.create_and_wait(agent_id=agent.id, phone_number="+14155550100")
        sandbox.advance(minutes=1)
        target = io.BytesIO()
        sandbox.fail_next(path="/recordings/*", status=503, times=2)
        await client.calls.download_recording(call.id, to=target)
        assert target.getvalue()
        sandbox.fail_next(path="/recordings/*", truncate=True)
        with pytest.raises(trudy.APIConnectionError) as caught:
            await client.calls.download_recording(call.id, to=io.BytesIO())
        assert caught.value.attempts == 1


@pytest.mark.parametrize("status", [204, 206])
async def test_a_download_of_a_part_is_refused(tmp_path: Path, status: int) -> None:
    sandbox = Sandbox(speed=100)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        call = await client.calls.create_and_wait(agent_id=agent.id, phone_number="+14155550100")
        sandbox.advance(minutes=1)
        sandbox.fail_next(path="/recordings/*", status=status)
        with pytest.raises(trudy.ResponseDecodeError, match=str(status)):
            await client.calls.download_recording(call.id, to=tmp_path / "call.mp3")
        assert list(tmp_path.iterdir()) == []


async def test_a_file_that_takes_little_at_a_time_gets_the_whole_download() -> None:
    class Sips(io.RawIOBase):
        taken = b""

        def writable(self) -> bool:
            return True

        def write(self, piece: Any) -> int:
            self.taken += bytes(piece[:100])
            return min(len(piece), 100)

    sandbox = Sandbox(speed=100)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        call = await client.calls.create_and_wait(agent_id=agent.id, phone_number="+14155550100")
        sandbox.advance(minutes=1)
        sips, whole = Sips(), io.BytesIO()
        await client.calls.download_recording(call.id, to=sips)
        await client.calls.download_recording(call.id, to=whole)
        assert sips.taken == whole.getvalue() != b""
        assert not sips.closed


async def test_an_async_file_is_refused_for_a_download(tmp_path: Path) -> None:
    async with Sandbox().async_client() as client, await anyio.open_file(tmp_path / "call.mp3", "wb") as file:
        with pytest.raises(trudy.InvalidArgumentError, match="to must be"):
            await client.calls.download_recording("call-1", to=file)  # type: ignore[arg-type]
