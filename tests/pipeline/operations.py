"""Operations of the client for tests, and the requests that the server received."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.wire import Wire
from trudy import AsyncTrudyClient

NUMBER = "+14155550123"
Operation = Callable[[AsyncTrudyClient], Awaitable[Any]]


async def make_agent(client: AsyncTrudyClient) -> object:
    return await client.agents.create(name="A", system_prompt="p", voice_id="v")


async def make_tool(client: AsyncTrudyClient) -> object:
    return await client.tools.create(name="T", definition={"type": "http"})


async def make_batch(client: AsyncTrudyClient) -> object:
    return await client.batch_calls.create(name="B", agent_id="a")


async def place_call(client: AsyncTrudyClient) -> object:
    return await client.calls.create(agent_id="a", phone_number=NUMBER)


async def make_contact(client: AsyncTrudyClient) -> object:
    return await client.contacts.create(phone_number=NUMBER, first_name="A")


KEYED = [make_agent, make_tool, make_batch]
CREATES = [*KEYED, place_call, make_contact]


def posts(wire: Wire) -> int:
    return sum(sent.method == "POST" for sent in wire.sent)
