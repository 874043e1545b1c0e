"""What a type checker sees of the public surface. Checked by mypy and pyright, both strict; never run."""

from __future__ import annotations

from typing import assert_type

import httpx

import trudy
from trudy.models import Agent, Call, Deleted, Recording, Transcript


async def asynchronous(client: trudy.AsyncTrudyClient) -> None:
    assert_type(await client.agents.get("a"), Agent)
    assert_type(await client.agents.delete("a"), Deleted)
    assert_type(client.calls.list(), trudy.AsyncPager[Call])
    assert_type(await client.calls.list(limit=5), trudy.AsyncPage[Call])
    async for call in client.calls.list():
        assert_type(call, Call)
    async for page in client.calls.list().pages():
        assert_type(page, trudy.AsyncPage[Call])
    assert_type(await client.raw(client.calls.get, "c"), trudy.RawResponse[Call])
    assert_type(await client.raw(client.calls.list, limit=5), trudy.RawResponse[trudy.AsyncPage[Call]])
    assert_type((await client.raw(client.calls.get_transcript, "c")).parsed, Transcript)
    assert_type(client.with_options(timeout=trudy.Timeout(read=5), lane="bulk"), trudy.AsyncTrudyClient)
    await client.calls.create(agent_id="a", phone_number="+1", call_settings={"recording_enabled": True})
    await client.raw(client.calls.get)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.calls.get("c", max_retry=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.calls.create(
        agent_id="a",
        phone_number="+1",
        call_settings={"recording_enabledd": True},  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )
    await client.calls.create(
        agent_id="a",
        phone_number="+1",
        direction="inbound",  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )


def synchronous(client: trudy.TrudyClient) -> None:
    assert_type(client.agents.get("a"), Agent)
    assert_type(client.calls.list(), trudy.Page[Call])
    for call in client.calls.list():
        assert_type(call, Call)
    assert_type(client.raw(client.calls.get, "c"), trudy.RawResponse[Call])
    assert_type(client.raw(client.calls.list).parsed, trudy.Page[Call])
    assert_type(client.calls.download_recording("c", to="x"), Recording)
    assert_type(client.with_options(max_retries=0), trudy.TrudyClient)


def errors(error: trudy.CallOutcomeUnknownError, late: trudy.WaitTimeoutError) -> None:
    for candidate in error.candidates:
        assert_type(candidate, Call)
    if late.last is not None:
        assert_type(late.last.id, str)


def settings() -> None:
    async def key() -> str:
        return "k"

    trudy.AsyncTrudyClient(key, http_client=httpx.AsyncClient())
    trudy.AsyncTrudyClient(key, http_client=lambda: httpx.AsyncClient())
    trudy.TrudyClient(lambda: "k", http_client=lambda: httpx.AsyncClient(), rate_limit=False)


async def httpx2_too() -> None:
    import httpx2

    trudy.AsyncTrudyClient("k", http_client=httpx2.AsyncClient())
    trudy.AsyncTrudyClient("k", http_client=lambda: httpx2.AsyncClient())


class Timed:
    scope = "attempt"

    async def __call__(self, request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
        return await call_next(request)


def hook(event: trudy.Event) -> None:
    match event:
        case trudy.RequestEnded(operation=operation, attempts=attempts):
            assert_type(operation, str)
            assert_type(attempts, int)
        case _:
            pass


watched = trudy.TrudyClient("k", middleware=[Timed()], hooks=[hook])
