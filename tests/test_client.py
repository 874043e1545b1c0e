from __future__ import annotations

import copy
import gc
import io
import logging
import pickle
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

import trudy
from tests.fakes.clock import settle
from trudy import AsyncTrudyClient, ConfigurationError, InvalidArgumentError
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio

KEY = "truedy_0123456789abcdef"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRUDY_API_KEY", "TRUEDY_API_KEY", "TRUDY_BASE_URL", "TRUDY_HTTP_BACKEND", "TRUDY_LOG"):
        monkeypatch.delenv(name, raising=False)


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


async def test_middleware_says_what_it_wraps() -> None:
    seen: list[str] = []

    class Attempts:
        scope = "attempt"

        async def __call__(self, request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
            seen.append("attempt")
            assert request.header("authorization") is None
            return await call_next(request)

    async def calls(request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
        seen.append("call")
        return await call_next(request.with_header("X-Trace", "7"))

    sandbox = Sandbox(speed=1000)
    sandbox.fail_next(status=503, times=2)
    async with sandbox.async_client(middleware=[Attempts(), calls]) as client:
        await client.agents.list()
    assert seen == ["call", "attempt", "attempt", "attempt"]
    assert {request.headers["x-trace"] for request in sandbox.requests} == {"7"}


async def test_hooks_are_told_what_happens() -> None:
    told: list[str] = []
    kept: list[trudy.Event] = []

    def sync_hook(event: trudy.Event) -> None:
        told.append(type(event).__name__)

    async def async_hook(event: trudy.Event) -> None:
        kept.append(event)

    sandbox = Sandbox(speed=1000)
    sandbox.fail_next(status=503)
    async with sandbox.async_client(hooks=[sync_hook, async_hook]) as client:
        await client.agents.list()
        with pytest.raises(trudy.NotFoundError):
            await client.agents.get("nobody")
    assert told == [type(event).__name__ for event in kept]
    assert told == [
        *("RequestStarted", "AttemptEnded", "RetryScheduled", "AttemptEnded", "RequestEnded"),
        *("RequestStarted", "AttemptEnded", "RequestEnded"),
    ]
    ends = [event for event in kept if isinstance(event, trudy.RequestEnded)]
    assert [(end.operation, end.outcome, end.attempts, end.error) for end in ends] == [
        ("agents.list", "ok", 2, None),
        ("agents.get", "error", 1, "not_found"),
    ]


@pytest.mark.parametrize("use", ["get", "list"])
async def test_hooks_are_told_that_an_answer_could_not_be_read(use: str) -> None:
    ends: list[trudy.RequestEnded] = []

    def hook(event: trudy.Event) -> None:
        if isinstance(event, trudy.RequestEnded):
            ends.append(event)

    mock = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": {}}))
    async with AsyncTrudyClient(KEY, http_client=lambda: httpx.AsyncClient(transport=mock), hooks=[hook]) as client:
        with pytest.raises(trudy.ResponseDecodeError) as caught:
            await (client.agents.get("a") if use == "get" else client.agents.list())
    assert (caught.value.method, caught.value.attempts) == ("GET", 1)
    assert [(end.outcome, end.error) for end in ends] == [("error", "response_decode_error")]


async def test_a_hook_that_fails_loses_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: trudy.Event) -> None:
        raise LookupError("hook")

    async with Sandbox().async_client(hooks=[broken]) as client:
        assert (await client.agents.list()).data == []
    assert "LookupError" in caplog.text


async def test_the_log_holds_no_key_no_number_no_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    sandbox = Sandbox(speed=1000)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        await client.calls.create(agent_id=agent.id, phone_number="+14155550191")
        await client.agents.list(name="a-name")
        with pytest.raises(trudy.ValidationError):
            await client.calls.create(agent_id=agent.id, phone_number="+14155550140")
    lines = [record.message for record in caplog.records if record.name == "trudy"]
    assert any(line.startswith("POST /calls 500 in ") for line in lines)
    assert not any(word in line for line in lines for word in (sandbox.api_key, "415555", "a-name"))


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


def hold_up_the_end(event: trudy.Event) -> Awaitable[None] | None:
    return anyio.sleep_forever() if isinstance(event, trudy.RequestEnded) and event.method == "POST" else None


@pytest.mark.parametrize(
    ("fault", "hooks"),
    [({"delay": 30}, []), ({"reset": "after"}, []), ({"headers": {"X-Fault": "none"}}, [hold_up_the_end])],
    ids=["while it is sent", "while it is looked for", "while a hook holds it up"],
)
async def test_a_cancelled_call_leaves_its_key_in_the_log(
    fault: dict[str, Any], hooks: list[trudy.Hook], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = Sandbox(speed=0, placeholders=True)
    sandbox.fail_next(method="POST", path="/calls", **fault)
    sandbox.fail_next(method="GET", path="/calls", delay=30)

    async def create() -> None:
        await client.calls.create(agent_id="agent-uuid", phone_number="+14155550100", idempotency_key="order-7")

    async with sandbox.async_client(hooks=hooks) as client, anyio.create_task_group() as group:
        group.start_soon(create)
        while not sandbox.calls_to("+14155550100"):
            await anyio.lowlevel.checkpoint()
        await settle()
        group.cancel_scope.cancel()
    assert "idempotency key order-7" in caplog.text


@pytest.mark.parametrize("scope", ["operation", "attempt"])
async def test_a_call_leaves_its_key_in_the_log_where_a_foreign_fault_takes_its_answer(
    scope: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty:
        def __init__(self) -> None:
            self.scope = scope

        async def __call__(self, request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
            await call_next(request)
            raise LookupError("a fault of this middleware")

    sandbox = Sandbox(speed=0, placeholders=True)
    async with sandbox.async_client(middleware=[Faulty()]) as client:
        with pytest.raises(LookupError):
            await client.calls.create(agent_id="agent-uuid", phone_number="+14155550100", idempotency_key="order-7")
    assert sandbox.calls_to("+14155550100")
    assert "idempotency key order-7" in caplog.text


async def test_a_call_leaves_its_key_in_the_log_where_only_its_first_attempt_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Vault:
        scope = "attempt"
        asked = 0

        async def __call__(self, request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
            self.asked += 1
            if self.asked > 1:
                raise LookupError("the vault is down")
            return await call_next(request)

    sandbox = Sandbox(speed=100, placeholders=True)
    sandbox.fail_next(method="POST", path="/calls", reset="after")
    async with sandbox.async_client(middleware=[Vault()]) as client:
        with pytest.raises(LookupError):
            await client.calls.create(
                agent_id="agent-uuid", phone_number="+14155550100", idempotency_key="order-7", on_unknown="retry"
            )
    assert "idempotency key order-7" in caplog.text


async def test_a_call_cancelled_before_it_was_sent_leaves_no_key(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = Sandbox(speed=0)
    held = anyio.Event()

    async def key() -> str:
        await held.wait()
        return "k"

    async with sandbox.async_client(api_key=key) as client, anyio.create_task_group() as group:
        group.start_soon(lambda: client.calls.create(agent_id="a", phone_number="+14155550100"))
        await settle()
        group.cancel_scope.cancel()
    assert caplog.text == ""


async def test_the_environments_backend_is_for_those_who_bring_no_client_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRUDY_HTTP_BACKEND", "aiohttp")
    async with Sandbox().async_client() as client:
        assert (await client.agents.list()).data == []
    with pytest.raises(ConfigurationError, match="http_client"):
        AsyncTrudyClient("k", http_client=httpx.AsyncClient, http_backend="aiohttp")


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


async def test_an_error_after_the_call_was_placed_brings_the_call() -> None:
    sandbox = Sandbox(speed=100)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        sandbox.fail_next(method="GET", path="/calls/*", status=404)
        with pytest.raises(trudy.NotFoundError) as caught:
            await client.calls.create_and_wait(agent_id=agent.id, phone_number="+14155550100")
    assert caught.value.partial is not None
    assert [caught.value.partial.id] == [call.id for call in sandbox.placed_calls]  # type: ignore[attr-defined]


async def test_a_path_in_log_and_errors_holds_no_number(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    async with Sandbox().async_client() as client:
        for use in (lambda: client.calls.get("+14155550123"), lambda: client.request("GET", "/x/+14155550123")):
            with pytest.raises(trudy.NotFoundError) as caught:
                await use()
            assert "5550123" not in f"{caught.value}{caught.value!r}{caught.value.path}"
    assert "5550123" not in caplog.text


async def test_an_id_makes_no_line_of_its_own_in_log_and_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    async with Sandbox().async_client() as client:
        with pytest.raises(trudy.NotFoundError) as caught:
            await client.calls.get("a\nERROR forged\x1b[2J")
    assert r"GET /calls/a\nERROR forged\x1b[2J" in str(caught.value)
    assert r"GET /calls/a\nERROR forged\x1b[2J 404" in caplog.text
    assert not any("\n" in record.getMessage() for record in caplog.records)


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


async def test_an_attempt_that_the_deadline_cuts_short_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    ends: list[trudy.AttemptEnded] = []

    def hook(event: trudy.Event) -> None:
        if isinstance(event, trudy.AttemptEnded):
            ends.append(event)

    sandbox = Sandbox(speed=100)
    sandbox.fail_next(delay=3600)
    async with sandbox.async_client(hooks=[hook]) as client:
        with pytest.raises(trudy.APITimeoutError):
            await client.agents.list(deadline=5, max_retries=0)
    assert [(end.status, end.error) for end in ends] == [(None, "timeout")]
    assert "GET /agents cancelled in " in caplog.text
