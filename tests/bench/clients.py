"""The clients that are compared: how each is made, and how each makes the one request.

Each is used as its users would use it, with its own defaults, and ends with what they would hold in hand: a typed
object from an SDK, parsed JSON from an HTTP library.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeAlias

from tests.bench.answers import CALL_ID

AsyncGet: TypeAlias = Callable[[], Awaitable[object]]
Get: TypeAlias = Callable[[], object]
PATH: Final = f"/calls/{CALL_ID}"
KEY: Final = "a-key"


@asynccontextmanager
async def trudy_async(url: str, backend: Any = "httpx") -> AsyncIterator[AsyncGet]:
    import trudy

    async with trudy.AsyncTrudyClient(KEY, base_url=url, http_backend=backend) as client:
        yield lambda: client.calls.get(CALL_ID)


@asynccontextmanager
async def trudy_aiohttp(url: str) -> AsyncIterator[AsyncGet]:
    async with trudy_async(url, "aiohttp") as get:
        yield get


@asynccontextmanager
async def httpx_async(url: str) -> AsyncIterator[AsyncGet]:
    import httpx

    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}) as client:

        async def get() -> object:
            return (await client.get(PATH)).raise_for_status().json()

        yield get


@asynccontextmanager
async def aiohttp_async(url: str) -> AsyncIterator[AsyncGet]:
    import aiohttp

    async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {KEY}"}) as session:

        async def get() -> object:
            async with session.get(PATH) as answer:
                answer.raise_for_status()
                return await answer.json()

        yield get


@asynccontextmanager
async def openai_async(url: str) -> AsyncIterator[AsyncGet]:
    import openai

    async with openai.AsyncOpenAI(api_key=KEY, base_url=url) as client:
        envelope = _envelope(openai.BaseModel)
        yield lambda: client.get(PATH, cast_to=envelope)


@asynccontextmanager
async def openai_aiohttp(url: str) -> AsyncIterator[AsyncGet]:
    import openai

    async with openai.AsyncOpenAI(api_key=KEY, base_url=url, http_client=openai.DefaultAioHttpClient()) as client:
        envelope = _envelope(openai.BaseModel)
        yield lambda: client.get(PATH, cast_to=envelope)


@asynccontextmanager
async def anthropic_async(url: str) -> AsyncIterator[AsyncGet]:
    import anthropic

    async with anthropic.AsyncAnthropic(api_key=KEY, base_url=url) as client:
        envelope = _envelope(anthropic.BaseModel)
        yield lambda: client.get(PATH, cast_to=envelope)


@contextmanager
def trudy_sync(url: str, backend: Any = "httpx") -> Iterator[Get]:
    import trudy

    with trudy.TrudyClient(KEY, base_url=url, http_backend=backend) as client:
        yield lambda: client.calls.get(CALL_ID)


@contextmanager
def trudy_sync_aiohttp(url: str) -> Iterator[Get]:
    with trudy_sync(url, "aiohttp") as get:
        yield get


@contextmanager
def httpx_sync(url: str) -> Iterator[Get]:
    import httpx

    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}) as client:
        yield lambda: client.get(PATH).raise_for_status().json()


@contextmanager
def openai_sync(url: str) -> Iterator[Get]:
    import openai

    with openai.OpenAI(api_key=KEY, base_url=url) as client:
        envelope = _envelope(openai.BaseModel)
        yield lambda: client.get(PATH, cast_to=envelope)


@contextmanager
def stripe_sync(url: str) -> Iterator[Get]:
    import stripe

    client = stripe.StripeClient(KEY, base_addresses={"api": url})
    yield lambda: client.deserialize(client.raw_request("get", PATH), api_mode="V1")


def _envelope(base: Any) -> Any:
    """The answer's shape as a model of openai's and anthropic's kind, as their own resources declare them."""
    from datetime import datetime

    from pydantic import Field, create_model

    text = (str | None, None)
    number = (float | None, None)
    moment = (datetime | None, None)
    words = (dict[str, object] | None, None)
    call = create_model(
        "Call",
        __base__=base,
        from_=(str | None, Field(None, alias="from")),
        id=(str, ...),
        duration_seconds=number,
        cost_credits=number,
        **dict.fromkeys(("agent_id", "status", "direction", "to", "recording_url", "summary"), text),
        **dict.fromkeys(("created_at", "started_at", "ended_at", "updated_at"), moment),
        **dict.fromkeys(("variables", "metadata"), words),
    )
    meta = create_model("Meta", __base__=base, request_id=text, ts=moment)
    return create_model("Envelope", __base__=base, data=(call, ...), meta=(meta, ...))


ASYNC: Final = {
    "trudy": trudy_async,
    "trudy, aiohttp": trudy_aiohttp,
    "httpx": httpx_async,
    "aiohttp": aiohttp_async,
    "openai": openai_async,
    "openai, aiohttp": openai_aiohttp,
    "anthropic": anthropic_async,
}
SYNC: Final = {
    "trudy": trudy_sync,
    "trudy, aiohttp": trudy_sync_aiohttp,
    "httpx": httpx_sync,
    "openai": openai_sync,
    "stripe": stripe_sync,
}
