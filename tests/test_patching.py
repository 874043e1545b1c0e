"""What users do in tests: replace methods by mocks. A client keeps its namespaces, so the mocks stay in place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import anyio
import pytest

from trudy import AsyncTrudyClient, TrudyClient

NAMESPACES = ("agents", "calls", "webrtc", "batch_calls", "contacts", "tools", "knowledge_bases", "voices", "telephony")
INNER = (("contacts", "folders"), ("knowledge_bases", "sources"), ("telephony", "numbers"))


@pytest.fixture(params=[TrudyClient, AsyncTrudyClient])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    client = request.param("key")
    yield client
    if isinstance(client, TrudyClient):
        client.close()
    else:
        anyio.run(client.aclose)


@pytest.fixture
def sync_client() -> Iterator[Any]:
    with TrudyClient("key") as client:
        yield client


def test_namespaces_are_made_once(client: Any) -> None:
    for name in (*NAMESPACES, "webhooks"):
        assert getattr(client, name) is getattr(client, name)
    for outer, inner in INNER:
        assert getattr(getattr(client, outer), inner) is getattr(getattr(client, outer), inner)


def test_a_view_has_its_own(client: Any) -> None:
    assert client.agents is not None
    view = client.with_options(max_retries=0)
    assert view.agents is view.agents
    assert view.agents is not client.agents
    with mock.patch.object(client.agents, "get"):
        assert not isinstance(view.agents.get, mock.Mock)


@pytest.mark.parametrize("name", NAMESPACES)
def test_a_method_can_be_patched_and_is_there_again_afterwards(client: Any, name: str) -> None:
    method = next(
        m for m in dir(getattr(client, name)) if not m.startswith("_") and callable(getattr(getattr(client, name), m))
    )
    before = getattr(getattr(client, name), method)
    with mock.patch.object(getattr(client, name), method, new_callable=mock.Mock) as patched:
        getattr(getattr(client, name), method)("x")
        patched.assert_called_once_with("x")
    assert getattr(getattr(client, name), method) == before


def test_create_with_a_specification(sync_client: Any) -> None:
    client = sync_client
    with mock.patch.object(client.calls, "create", autospec=True, return_value="placed") as create:
        placed: Any = client.calls.create(agent_id="a", phone_number="+14155550123")
        with pytest.raises(TypeError):
            client.calls.create(agent="a")
    assert placed == "placed"
    assert create.call_count == 1


def test_a_nested_namespace_can_be_patched(sync_client: Any) -> None:
    client = sync_client
    with mock.patch.object(client.telephony.numbers, "list", return_value=[1]):
        assert client.telephony.numbers.list() == [1]


def test_a_whole_namespace_can_be_put_in_its_place(sync_client: Any) -> None:
    client = sync_client
    with mock.patch.object(client, "calls"):
        client.calls.create.return_value = 1
        assert client.calls.create() == 1
    assert not isinstance(client.calls, mock.Mock)


def test_threads_that_come_first_together_get_the_same() -> None:
    for _ in range(50):
        barrier = threading.Barrier(4)
        with TrudyClient("key") as client, ThreadPoolExecutor(4) as pool:

            def take(client: TrudyClient = client, barrier: threading.Barrier = barrier) -> int:
                barrier.wait()
                return id(client.calls)

            found = [pool.submit(take) for _ in range(4)]
            assert len({each.result() for each in found}) == 1
