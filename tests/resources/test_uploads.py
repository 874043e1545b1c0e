"""The event loop goes on while a large file is read and encoded."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from tests.fakes.wire import Wire
from trudy import AsyncTrudyClient

pytestmark = pytest.mark.anyio
Use = Callable[[AsyncTrudyClient], Awaitable[object]]

LARGE = b"phone\r\n" + b"+14155552671\r\n" * 50_000
STUCK = 20.0
"""Real seconds after which a loop that does not move has failed the test."""

document: Use = lambda c: c.knowledge_bases.sources.add_document("k1", ("a.txt", LARGE))  # noqa: E731
recording: Use = lambda c: c.voices.clone(name="V", files=[("a.mp3", LARGE), ("b.mp3", b"small")])  # noqa: E731
form: Use = lambda c: c.contacts.import_file(LARGE)  # noqa: E731
in_json: Use = lambda c: c.contacts.import_file(LARGE, form="json", folder_id="f")  # noqa: E731


@pytest.mark.parametrize(
    ("use", "module", "step"),
    [
        (document, "trudy.resources.knowledge_bases", "read_upload"),
        (document, "trudy.resources.knowledge_bases", "b64encode"),
        (document, "trudy.pipeline.core", "_body"),
        (recording, "trudy.resources.voices", "read_upload"),
        (recording, "trudy.resources.voices", "b64encode"),
        (recording, "trudy.pipeline.core", "_body"),
        (form, "trudy.resources.contacts", "check_contact_file"),
        (form, "trudy.resources.contacts", "multipart"),
        (in_json, "trudy.resources.contacts", "b64encode"),
        (in_json, "trudy.pipeline.core", "_body"),
    ],
)
async def test_the_loop_goes_on(
    client: AsyncTrudyClient, wire: Wire, monkeypatch: pytest.MonkeyPatch, use: Use, module: str, step: str
) -> None:
    within, went_on = threading.Event(), threading.Event()
    waited: list[bool] = []
    work = getattr(importlib.import_module(module), step)

    def held(*args: object, **kwargs: object) -> object:
        within.set()
        waited.append(went_on.wait(STUCK))
        return work(*args, **kwargs)

    async def go_on() -> None:
        while not within.is_set():
            await anyio.lowlevel.checkpoint()
        went_on.set()

    monkeypatch.setattr(f"{module}.{step}", held)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(go_on)
        await use(client)
    assert waited
    assert all(waited)
    assert len(wire.sent) == 1
