"""`TrudyClient` over a real socket: what it gives, what it refuses, and what its views share."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import trudy
from tests.fakes.loopback import Answer, Loopback
from tests.sync.conftest import AGENT


def test_a_method_returns_what_it_promises(client: trudy.TrudyClient) -> None:
    assert client.agents.get("a-1").name == "Ada"


def test_raw_keeps_the_answer(client: trudy.TrudyClient) -> None:
    answer = client.raw(client.agents.get, "a-1")
    assert (answer.status, json.loads(answer.body), answer.parsed.id) == (200, AGENT, "a-1")


def test_request_reaches_any_endpoint(client: trudy.TrudyClient, server: Loopback) -> None:
    assert client.request("get", "/anything", query={"a": 1}).parsed == AGENT
    assert server.seen[0].target == "/anything?a=1"


def rows(*ids: str, total: int = 3) -> Answer:
    pagination = {"total": total, "limit": 2, "offset": 0, "has_more": ids[-1] != "a-3"}
    data = [{"id": one, "name": one} for one in ids]
    return Answer(json.dumps({"data": data, "pagination": pagination}).encode())


def test_a_list_is_its_first_page_and_iterates_over_all_with_one_request_a_page(
    client: trudy.TrudyClient, server: Loopback
) -> None:
    server.script.extend((rows("a-1", "a-2"), rows("a-3")))
    page = client.agents.list(page_size=2)
    assert isinstance(page, trudy.Page)
    assert ([agent.id for agent in page.data], len(server.seen)) == (["a-1", "a-2"], 1)
    assert [agent.id for agent in page] == ["a-1", "a-2", "a-3"]
    assert len(server.seen) == 2


def test_pages_and_next_page(client: trudy.TrudyClient, server: Loopback) -> None:
    server.script.extend((rows("a-1", "a-2"), rows("a-3"), rows("a-3")))
    page = client.agents.list(page_size=2)
    following = page.next_page()
    assert page.has_next()
    assert following is not None
    assert ([agent.id for agent in following.data], following.has_next(), following.next_page()) == (
        ["a-3"],
        False,
        None,
    )
    assert [len(one.data) for one in page.pages()] == [2, 1]


def test_an_error_shows_the_callers_line(client: trudy.TrudyClient, server: Loopback) -> None:
    server.script.append(Answer(b'{"error": {"code": "not_found", "message": "gone"}}', status=404))
    with pytest.raises(trudy.NotFoundError) as caught:
        client.agents.get("a-2")  # the caller's line
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[0].line == 'client.agents.get("a-2")  # the caller\'s line'
    names = [frame.name for frame in frames if not frame.filename.endswith("_hidden.py")]
    assert names[:3] == ["test_an_error_shows_the_callers_line", "get", "run"]
    assert [Path(frame.filename).name for frame in frames if "resources" in frame.filename][:1] == ["agents.py"]


def test_in_one_line_the_connection_lives_as_long_as_it_is_used(url: str) -> None:
    def in_one_line() -> object:
        agent = trudy.TrudyClient("a-key", base_url=url).agents.get("a-1")
        gc.collect()
        return agent

    with pytest.warns(ResourceWarning, match="unclosed Trudy client"):
        agent = in_one_line()
    assert agent == trudy.models.Agent(id="a-1", name="Ada")


def test_a_view_shares_the_connection_and_closing_it_closes_nothing(
    client: trudy.TrudyClient, server: Loopback
) -> None:
    view = client.with_options(extra_headers={"X-View": "yes"})
    view.agents.get("a-1")
    with view:
        pass
    client.agents.get("a-1")
    assert [seen.connection for seen in server.seen] == [1, 1]
    assert [("X-View", "yes") in seen.headers for seen in server.seen] == [True, False]


def test_closing_closes_every_connection_and_may_be_done_twice(client: trudy.TrudyClient, server: Loopback) -> None:
    client.agents.get("a-1")
    assert server.open_connections == 1
    client.close()
    server.wait(lambda: server.open_connections == 0)
    client.close()
    with pytest.raises(trudy.ConfigurationError):
        client.agents.get("a-1")


def test_closing_lets_the_calls_under_way_in_other_threads_end(client: trudy.TrudyClient, server: Loopback) -> None:
    client.agents.get("a-1")
    server.script.append(Answer(status=503, headers=[("Retry-After", "0")], delay=0.2))
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.agents.get, "a-1")
        server.wait(lambda: len(server.seen) == 2)
        client.close()
        assert call.result().name == "Ada"
    assert len(server.seen) == 3
    server.wait(lambda: server.open_connections == 0)


def test_http_client_takes_a_factory_called_once_for_each_loop(url: str) -> None:
    made: list[httpx.AsyncClient] = []

    def make() -> httpx.AsyncClient:
        made.append(httpx.AsyncClient(headers={"X-Mine": "yes"}))
        return made[-1]

    with trudy.TrudyClient("a-key", base_url=url, http_client=make) as client:
        client.agents.get("a-1")
        client.agents.get("a-1")
        assert len(made) == 1


def test_http_client_refuses_a_ready_one() -> None:
    with pytest.raises(trudy.InvalidArgumentError, match=r"must be a function that makes an httpx\.AsyncClient"):
        trudy.TrudyClient("a-key", http_client=httpx.AsyncClient())  # type: ignore[arg-type]


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_cannot_be_pickled_or_copied(client: trudy.TrudyClient, way: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match=r"TrudyClient .*with_options"):
        way(client)


def test_its_repr_names_itself_and_shows_no_key(client: trudy.TrudyClient, url: str) -> None:
    assert repr(client) == f"TrudyClient(base_url={url!r})"


@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
def test_a_connection_closed_while_idle_is_noticed_before_it_is_used(
    url: str, server: Loopback, backend: trudy.client.Backend
) -> None:
    with trudy.TrudyClient("a-key", base_url=url, http_backend=backend) as client:
        for _ in range(20):
            agent = client.agents.create(name="Ada", voice_id="v-1", system_prompt="Be kind.")
            assert agent.meta is not None
            assert agent.meta.attempts == 1
            server.close_connections()
    assert len(server.seen) == 20
