"""The names of quirks, on the command line and in `Sandbox`; all quirks at once. Each quirk must have a test."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.sandbox.quirks import test_answers, test_events, test_list_window, test_requests, test_rows
from tests.sandbox.quirks.quirk_tests import World, within
from trudy import CallOutcomeUnknownError, NotFoundError
from trudy.sandbox import QUIRKS, Sandbox
from trudy.sandbox.__main__ import main
from trudy.webhooks import WebhookRouter


def test_each_quirk_has_a_test() -> None:
    files = (test_answers, test_events, test_list_window, test_requests, test_rows)
    assert sorted(quirk for file in files for quirk in file.survives.by_quirk) == sorted(QUIRKS)


@pytest.mark.asyncio
async def test_the_sdk_survives_all_of_them_at_once() -> None:
    await within(60, all_at_once())


async def all_at_once() -> None:
    world = World("all", speed=200, rate_limit=50)
    client, sandbox = world.client, world.sandbox
    assert sandbox.world.wire.quirks == frozenset(QUIRKS)
    router = WebhookRouter(secret=sandbox.webhook_secret, clock=sandbox.clock)
    told: list[Any] = []
    router.on_any(told.append)
    sandbox.connect(router, events=["call.ended"])
    agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
    placed: dict[str, str] = {}
    unknown: list[list[str | None]] = []
    for lane in range(6):
        number = f"+1415555010{lane}"
        try:
            call = await client.calls.create(agent_id=agent.id, phone_number=number, reconcile_timeout=600)
        except CallOutcomeUnknownError as error:
            unknown.append([candidate.to for candidate in error.candidates])
        else:
            placed[call.id] = number
    sandbox.assert_no_number_dialed_twice()
    assert len(placed) >= 4, unknown
    sandbox.advance(minutes=10)
    listed = {call.id async for call in client.calls.list(page_size=4)}
    assert placed.keys() <= listed
    for call_id, number in placed.items():
        read = await client.calls.get(call_id)
        assert (read.id, read.to) == (call_id, number)
        assert [turn.text for turn in (await client.calls.get_transcript(call_id)).turns][-1].startswith("Yes")
        audio = io.BytesIO()
        await client.calls.download_recording(call_id, to=audio)
        assert audio.getvalue()
    await sandbox.webhooks.deliver_async()
    provider_ids = {(await client.calls.get(call_id)).provider_id for call_id in placed}
    assert {event.call_id for event in told} >= provider_ids
    with pytest.raises(NotFoundError):
        await client.agents.get("nobody")
    async for one in client.agents.list():
        await client.agents.delete(one.id)
    assert [one.id async for one in client.agents.list()] == []
    sandbox.assert_no_key_left_the_host()


def test_the_command_line_takes_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    made: list[Sandbox] = []

    def refuse(self: Sandbox, **_: Any) -> None:
        made.append(self)
        raise OSError("enough")

    monkeypatch.setattr(Sandbox, "serve", refuse)
    assert main(["--quirk", "all"]) == 1
    assert main(["--quirk", "bad_rows", "--quirk", "naive_timestamps"]) == 1
    assert [sandbox.world.wire.quirks for sandbox in made] == [set(QUIRKS), {"bad_rows", "naive_timestamps"}]
    assert "enough" in capsys.readouterr().err


def test_a_text_is_not_several_names() -> None:
    with pytest.raises(ValueError, match="several names"):
        Sandbox(quirks="all")
