from __future__ import annotations

import copy
import gc
import logging
import pickle
import warnings
from collections.abc import Callable

import anyio
import anyio.lowlevel
import httpx
import pytest

import trudy
from tests.fakes.wire import KEY
from trudy import AsyncTrudyClient, ConfigurationError, InvalidArgumentError
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def make() -> Callable[..., AsyncTrudyClient]:
    """A client that needs no closing: it is never used."""

    def client(*args: object, **kwargs: object) -> AsyncTrudyClient:
        made = AsyncTrudyClient(*args, **kwargs)  # type: ignore[arg-type]
        made._core.closed = True
        return made

    return client


def test_without_a_credential_the_error_names_the_ways() -> None:
    with pytest.raises(ConfigurationError, match=r"api_key=.*jwt_token=.*TRUDY_API_KEY"):
        AsyncTrudyClient()


def test_two_credentials_are_one_too_many() -> None:
    with pytest.raises(ConfigurationError, match="both"):
        AsyncTrudyClient(KEY, jwt_token="t")


async def test_an_explicit_credential_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    monkeypatch.setenv("TRUEDY_API_KEY", "truedy_older")
    monkeypatch.setenv("TRUDY_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TRUDY_BASE_URL", sandbox.base_url)
    async with AsyncTrudyClient(http_client=sandbox.http_client) as client:
        await client.agents.list()
    async with AsyncTrudyClient(jwt_token=KEY, http_client=sandbox.http_client) as client:
        with pytest.raises(trudy.AuthenticationError):
            await client.agents.list()


def test_the_older_name_of_the_variable(monkeypatch: pytest.MonkeyPatch, make: Callable[..., AsyncTrudyClient]) -> None:
    monkeypatch.setenv("TRUEDY_API_KEY", "with space")
    with pytest.raises(ConfigurationError, match="TRUEDY_API_KEY contains white space"):
        make()


@pytest.mark.parametrize(
    "url",
    [
        "http://api.truedy.ai/api",
        "http://10.0.0.1/",
        "http://localhost.evil.test/",
        "ftp://localhost/",
        "api.truedy.ai",
        "https://",
        "https://user:pw@api.test/",
        "https://api.test/?a=b",
        "https://api.test:port/",
        "http://[::1",
        "https://api.test/\n",
        " https://api.test/",
        "https://api.test/a b",
        "https://api.te\tst/",
        "https://api.test/\x00",
    ],
)
def test_an_address_that_cannot_work_or_shows_the_key(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        AsyncTrudyClient(KEY, base_url=url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:80/", "http://127.0.0.1:9/x", "http://127.9.9.9", "http://[::1]:8/", "http://a.localhost"]
)
def test_plain_http_to_this_machine(url: str, make: Callable[..., AsyncTrudyClient]) -> None:
    assert make(KEY, base_url=url)._core.base_url == url.rstrip("/")


def test_plain_http_elsewhere_only_if_meant(make: Callable[..., AsyncTrudyClient]) -> None:
    make(KEY, base_url="http://10.0.0.1/", allow_http=True)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("timeout", -1),
        ("max_retries", -1),
        ("deadline", 0),
        ("max_rate_limit_wait", -1),
        ("rate_limit", 0),
        ("http_backend", "urllib"),
        ("middleware", [3]),
        ("hooks", ["x"]),
        ("default_headers", {"Authorization": "x"}),
        ("default_headers", {7: "x"}),
        ("default_headers", {"Transfer-Encoding": "chunked"}),
        ("http_backend", ["aiohttp"]),
        ("rate_limit_group", []),
        ("rate_limit_group", ""),
        ("http_client", 3),
    ],
)
def test_a_bad_setting_is_named(argument: str, value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=argument):
        AsyncTrudyClient(KEY, **{argument: value})  # type: ignore[arg-type]


def test_a_bad_client_leaves_no_warning_behind() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidArgumentError):
            AsyncTrudyClient(KEY, http_client=3)  # type: ignore[arg-type]
        gc.collect()


def test_a_client_shows_no_secret(make: Callable[..., AsyncTrudyClient]) -> None:
    client = make(KEY)
    assert repr(client) == "AsyncTrudyClient(base_url='https://api.truedy.ai/api/public/v1')"
    assert KEY not in f"{client!r}{client.agents!r}{client._settings!r}"


@pytest.mark.parametrize("action", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_client_cannot_be_copied(action: Callable[[object], object], make: Callable[..., AsyncTrudyClient]) -> None:
    with pytest.raises(TypeError, match="with_options"):
        action(make(KEY))


def test_a_client_not_closed_says_so_once() -> None:
    client = AsyncTrudyClient(KEY)
    view, agents = client.with_options(max_retries=0), client.agents
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del client
        gc.collect()
        assert not caught
        del view, agents
        gc.collect()
    assert [warning.category for warning in caught] == [ResourceWarning]
    assert KEY not in str(caught[0].message)


async def test_closing_a_view_closes_nothing_and_closing_twice_is_fine() -> None:
    sandbox = Sandbox()
    async with sandbox.async_client() as client:
        async with client.with_options(max_retries=0) as view:
            await view.agents.list()
        await client.agents.list()
    await client.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.agents.list()
    with pytest.raises(ConfigurationError, match="closed"):
        await view.agents.list()


async def test_views_share_the_gate_and_lay_options_over_each_other() -> None:
    sandbox = Sandbox()
    async with sandbox.async_client(rate_limit=50) as client:
        view = client.with_options(extra_headers={"X-A": "1"}).with_options(extra_headers={"X-B": "2"})
        await view.agents.list(extra_query={"odd": True})
        status = client.rate_limit
        assert status is not None
        assert (status.limit, status.used) == (50, 1)
        assert view.rate_limit == status
    sent = sandbox.requests[-1]
    assert (sent.headers["x-a"], sent.headers["x-b"]) == ("1", "2")


async def test_no_gate_no_status() -> None:
    async with Sandbox().async_client(rate_limit=False) as client:
        assert client.rate_limit is None


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("debug", logging.DEBUG),
        ("1", logging.DEBUG),
        (" INFO ", logging.INFO),
        ("error", logging.ERROR),
        ("critical", logging.CRITICAL),
        ("0", None),
        ("off", None),
        ("loud", None),
        ("\u2603", None),
    ],
)
def test_logging_is_set_by_the_environment_and_no_word_stops_an_app(
    word: str,
    level: int | None,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[..., AsyncTrudyClient],
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger("trudy")
    before = logger.level
    monkeypatch.setenv("TRUDY_LOG", word)
    try:
        make(KEY)
        assert logger.level == (before if level is None else level)
        assert ("TRUDY_LOG" in caplog.text) is (word in ("loud", "\u2603"))
    finally:
        logger.setLevel(before)


async def test_the_callers_own_client_stays_open() -> None:
    sandbox = Sandbox()
    async with sandbox.http_client() as own:
        async with sandbox.async_client(http_client=own) as client:
            await client.agents.list()
        assert not own.is_closed


@pytest.mark.parametrize(
    ("method", "path", "argument"),
    [
        ("TRACE", "/agents", "method"),
        ("GET", "agents", "path"),
        ("GET", "//evil.test/", "path"),
        ("GET", "/agents?x=1", "path"),
        ("GET", "/agents/../../admin", "path"),
        ("GET", "/a b", "path"),
        ("GET", "/a\\b", "path"),
    ],
)
async def test_request_refuses_what_would_go_elsewhere(method: str, path: str, argument: str) -> None:
    sandbox = Sandbox()
    async with sandbox.async_client() as client:
        with pytest.raises(InvalidArgumentError) as caught:
            await client.request(method, path)
    assert caught.value.argument == argument
    assert sandbox.requests == []


async def test_raw_takes_only_what_sends_a_request() -> None:
    async def nothing() -> None:
        return None

    async with Sandbox().async_client() as client:
        with pytest.raises(TypeError, match="sends a request"):
            await client.raw(nothing)


async def test_a_request_looks_as_promised() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(
            201,
            json={"data": {"id": "a-1", "name": "A", "status": "active"}, "meta": {}},
            headers={"Set-Cookie": "a=b"},
        )

    def factory() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    async with AsyncTrudyClient(KEY, http_client=factory, default_headers={"X-Team": "7"}) as client:
        for _ in range(2):
            await client.agents.create(
                name="Zoë", voice_id="v", system_prompt="x", idempotency_key="k-1", extra_body={"odd": [1]}
            )
    first, second = seen
    assert str(first.url) == "https://api.truedy.ai/api/public/v1/agents"
    assert first.content == '{"name":"Zoë","voice_id":"v","system_prompt":"x","odd":[1]}'.encode()
    assert first.headers.raw == second.headers.raw
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert first.headers["x-idempotency-key"] == "k-1"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["x-team"] == "7"
    assert first.headers["user-agent"].split(" ")[0] == f"trudy-python-sdk/{trudy.__version__}"
    assert [part.split("/")[0] for part in first.headers["user-agent"].split(" ")[1:]] == ["python", "httpx"]
    assert "cookie" not in second.headers


async def test_the_environments_backend_is_for_those_who_bring_no_client_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRUDY_HTTP_BACKEND", "aiohttp")
    async with Sandbox().async_client() as client:
        assert (await client.agents.list()).data == []
    with pytest.raises(ConfigurationError, match="http_client"):
        AsyncTrudyClient("k", http_client=httpx.AsyncClient, http_backend="aiohttp")


async def test_an_error_after_the_call_was_placed_brings_the_call() -> None:
    sandbox = Sandbox(speed=100)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        sandbox.fail_next(method="GET", path="/calls/*", status=404)
        with pytest.raises(trudy.NotFoundError) as caught:
            await client.calls.create_and_wait(agent_id=agent.id, phone_number="+14155550100")
    assert caught.value.partial is not None
    assert [caught.value.partial.id] == [call.id for call in sandbox.placed_calls]  # type: ignore[attr-defined]


async def test_any_success_is_an_answer_to_a_request_of_ones_own() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"a,b\n1,2\n", headers={"Content-Type": "text/csv"})

    mock = httpx.MockTransport(answer)
    async with AsyncTrudyClient(KEY, http_client=lambda: httpx.AsyncClient(transport=mock)) as client:
        raw = await client.request("GET", "/exports/7")
    assert (raw.body, raw.parsed) == (b"a,b\n1,2\n", None)


async def test_a_success_that_holds_an_error_is_none() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"error": {"code": "x", "message": "y"}})

    mock = httpx.MockTransport(answer)
    async with AsyncTrudyClient(KEY, http_client=lambda: httpx.AsyncClient(transport=mock), max_retries=0) as client:
        for use in (lambda: client.agents.delete("a"), lambda: client.calls.get_transcript("a")):
            with pytest.raises(trudy.ResponseDecodeError):
                await use()


async def test_raw_answers_of_many_who_wait() -> None:
    sandbox = Sandbox(speed=100)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        calls = [
            await client.calls.create(agent_id=agent.id, phone_number=f"+1415555010{number}") for number in range(5)
        ]
        raws: list[trudy.RawResponse[trudy.models.Call]] = []

        async def wait(call_id: str) -> None:
            raws.append(await client.raw(client.calls.wait, call_id))

        async with anyio.create_task_group() as group:
            for call in calls:
                group.start_soon(wait, call.id)
    assert sorted(raw.parsed.id for raw in raws) == sorted(call.id for call in calls)
    assert all(raw.parsed.id.encode() in raw.body for raw in raws)


async def test_a_view_of_a_subclass_is_whole() -> None:
    class Tenant(AsyncTrudyClient):
        tenant = "none"

    sandbox = Sandbox()
    async with Tenant(sandbox.api_key, base_url=sandbox.base_url, http_client=sandbox.http_client) as client:
        client.tenant = "seven"
        assert client.with_options(max_retries=0).tenant == "seven"


@pytest.mark.parametrize(
    ("argument", "value"),
    [("default_headers", [("a", "b")]), ("hooks", print), ("middleware", None), ("clock", object())],
)
def test_a_setting_of_the_wrong_kind_is_named(argument: str, value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=argument):
        AsyncTrudyClient(KEY, **{argument: value})  # type: ignore[arg-type]


async def test_the_callers_options_reach_the_look_too() -> None:
    sandbox = Sandbox(speed=100)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        await client.calls.create(
            agent_id=agent.id,
            phone_number="+14155550192",
            extra_headers={"X-Org": "7"},
            extra_query={"tenant": "7"},
            reconcile_timeout=600,
        )
    look = next(request for request in sandbox.requests if request.method == "GET")
    assert look.headers["x-org"] == "7"
    assert "tenant=7" in look.query


async def test_a_look_that_fails_says_so() -> None:
    sandbox = Sandbox(speed=100)
    async with sandbox.async_client(max_retries=0) as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        sandbox.fail_next(method="GET", path="/calls", status=403, code="forbidden")
        with pytest.raises(trudy.CallOutcomeUnknownError, match="could not be looked for") as caught:
            await client.calls.create(agent_id=agent.id, phone_number="+14155550192")
    assert dict(caught.value.details) == {"looked": False, "look_failed": "forbidden"}
