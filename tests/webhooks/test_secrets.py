"""Where a router has its secret from, and that neither secret nor number shows in what an error leaves behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import types
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.webhooks.samples import NESTED, NUMBER, OTHER, SECRET, pack, signed
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.sandbox import Sandbox
from trudy.testing import make_delivery
from trudy.webhooks import CallEnded, WebhookRouter, asgi_app, lambda_handler, sign, unwrap, wsgi_app


def answer_to(router: WebhookRouter, secret: str) -> int:
    made = make_delivery("call.ended", secret=secret, sent_at=NOON)
    return router.handle_blocking("POST", made.headers, made.body).status


def test_a_module_makes_its_router_without_a_secret() -> None:
    script = "from trudy.webhooks import WebhookRouter; router = WebhookRouter(); print(router)"
    run = subprocess.run([sys.executable, "-c", script], env={}, capture_output=True, text=True, check=True)
    assert run.stdout == "WebhookRouter(0 handlers)\n"


class TestWithoutASecret:
    @pytest.fixture(autouse=True)
    def nothing_in_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TRUDY_WEBHOOK_SECRET", raising=False)

    def test_it_is_read_when_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        router = WebhookRouter(clock=FakeClock())
        with pytest.raises(ConfigurationError, match="set TRUDY_WEBHOOK_SECRET"):
            answer_to(router, SECRET)
        monkeypatch.setenv("TRUDY_WEBHOOK_SECRET", SECRET)
        assert (answer_to(router, SECRET), answer_to(router, OTHER)) == (204, 401)

    def test_a_lent_secret_is_accepted_until_it_is_taken_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        router = WebhookRouter(clock=FakeClock(), replay_guard=None)
        take_back = router.accept_secret(OTHER)
        assert (answer_to(router, SECRET), answer_to(router, OTHER)) == (401, 204)
        monkeypatch.setenv("TRUDY_WEBHOOK_SECRET", SECRET)
        assert (answer_to(router, SECRET), answer_to(router, OTHER)) == (204, 204)
        take_back()
        take_back()
        assert (answer_to(router, SECRET), answer_to(router, OTHER)) == (204, 401)

    @pytest.mark.parametrize("secret", ["", " x", [], "\ud800"])
    def test_what_is_no_secret_is_refused_at_once(self, secret: Any) -> None:
        with pytest.raises(ConfigurationError):
            WebhookRouter(secret=secret)
        with pytest.raises(ConfigurationError):
            WebhookRouter().accept_secret(secret)

    def test_a_router_of_an_app_accepts_each_sandbox_it_is_connected_to(self) -> None:
        router, seen = WebhookRouter(), []
        router.on_call_over(lambda event: seen.append(event.call_id))
        for _ in range(3):
            sandbox = Sandbox(speed=0)
            receiver = sandbox.connect(router, events=["call.ended"])
            with sandbox.client() as client:
                agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
                call = client.calls.create(agent_id=agent.id, phone_number="+14155550100")
            sandbox.advance(minutes=2)
            sandbox.webhooks.deliver()
            sandbox.webhooks.remove(receiver)
            assert seen[-1] == call.id
        with pytest.raises(ConfigurationError):
            answer_to(router, SECRET)

    def test_one_that_was_given_stays_the_only_one(self) -> None:
        router = WebhookRouter(secret=SECRET, clock=FakeClock())
        router.accept_secret(OTHER)
        assert (answer_to(router, SECRET), answer_to(router, OTHER)) == (204, 401)


def bad_deliveries() -> dict[str, Callable[[], object]]:
    made = make_delivery("call.ended", secret=SECRET, sent_at=NOON, data={"phone_number": NUMBER})
    router = WebhookRouter(secret=SECRET, clock=FakeClock())
    text: Any = made.body.decode()
    listed = f'["{NUMBER}"]'.encode()
    list_headers = sign(listed, secret=SECRET, timestamp=NOON)
    unset = WebhookRouter()

    async def receive() -> Any:
        return {"type": "http.request", "body": made.body}

    async def over_asgi() -> None:
        scope = {"type": "http", "method": "POST", "headers": list(made.headers.items())}
        await asgi_app(unset)(scope, receive, receive)  # type: ignore[arg-type]

    async def claimed() -> None:
        async with unset.claimed("POST", made.headers, made.body):
            raise AssertionError

    environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(made.body)), "wsgi.input": BytesIO(made.body)}
    of_lambda = {"httpMethod": "POST", "headers": made.headers, "body": text}
    return {
        "asgi": lambda: asyncio.run(over_asgi()),
        "claimed": lambda: asyncio.run(claimed()),
        "wsgi": lambda: wsgi_app(unset)(environ, None),  # type: ignore[arg-type]
        "lambda": lambda: lambda_handler(unset)(of_lambda, None),
        "other secret": lambda: unwrap(made.body, made.headers, secret=[SECRET, OTHER], now=NOON + 1000),
        "changed": lambda: unwrap(made.body + b" ", made.headers, secret=SECRET, now=NOON),
        "no headers": lambda: unwrap(made.body, {}, secret=SECRET, now=NOON),
        "text": lambda: unwrap(text, made.headers, secret=SECRET, now=NOON),
        "tolerance": lambda: unwrap(made.body, made.headers, secret=SECRET, now=NOON, tolerance=-1),
        "no event": lambda: unwrap(listed, list_headers, secret=SECRET, now=NOON),
        "bad secret": lambda: unwrap(made.body, made.headers, secret=[SECRET, f" {SECRET}"]),
        "text to a router": lambda: router.handle_blocking("POST", made.headers, text),
        "router": lambda: WebhookRouter(secret=SECRET, lease=-1),
        "router's secret": lambda: WebhookRouter(secret=f" {SECRET}"),
        "sign": lambda: sign(made.body, secret=SECRET, prefix="X-"),
        "sign no JSON": lambda: sign(NUMBER.encode(), secret=SECRET, form="sorted"),
        "sign by nothing": lambda: sign(made.body, secret=f"{SECRET} "),
    }


@pytest.mark.parametrize("name", bad_deliveries())
def test_no_frame_of_an_error_shows_a_secret_or_a_number(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tools show that report an error with the variables of its frames: Sentry, rich, pytest -l."""
    monkeypatch.delenv("TRUDY_WEBHOOK_SECRET", raising=False)
    act = bad_deliveries()[name]
    with pytest.raises((Exception,)) as caught:
        act()
    assert not isinstance(caught.value, AssertionError)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert_nothing_shows_in(caught.value)


def assert_nothing_shows_in(error: BaseException) -> None:
    shown = [repr(error), str(error)]
    step: types.TracebackType | None = error.__traceback__
    while step is not None:
        if "/trudy/" in step.tb_frame.f_code.co_filename:
            shown += [repr(value) for value in step.tb_frame.f_locals.values()]
        step = step.tb_next
    for text in shown:
        assert SECRET not in text
        assert NUMBER not in text


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("is_blocking", [False, True])
def test_nor_of_what_a_handler_raised(is_async: bool, is_blocking: bool, caplog: pytest.LogCaptureFixture) -> None:
    router = WebhookRouter(secret=SECRET, clock=FakeClock())

    def fail(event: CallEnded) -> None:
        raise OSError("database is away")

    async def fail_later(event: CallEnded) -> None:
        fail(event)

    router.on("call.ended")(fail_later if is_async else fail)  # type: ignore[call-overload]
    body = pack(NESTED)
    assert NUMBER.encode() in body
    if is_blocking:
        answer = router.handle_blocking("POST", signed(body), body)
    else:
        answer = asyncio.run(router.handle("POST", signed(body), body))
    assert answer.status == 500
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is not None
    assert_nothing_shows_in(record.exc_info[1])


def test_nor_of_what_a_block_raised_that_claimed_an_event() -> None:
    router, body = WebhookRouter(secret=SECRET, clock=FakeClock()), pack(NESTED)

    async def handle() -> None:
        async with router.claimed("POST", signed(body), body):
            raise OSError("database is away")

    with pytest.raises(OSError, match="away") as caught:
        asyncio.run(handle())
    assert_nothing_shows_in(caught.value)


def test_what_a_router_holds_hides_its_secret() -> None:
    router = WebhookRouter(secret=SECRET)
    router.accept_secret(OTHER)
    for held in gc.get_referents(router, router.__dict__):
        assert SECRET not in repr(held)
        assert OTHER not in repr(held)


def test_an_error_of_arguments_keeps_its_kind() -> None:
    with pytest.raises(InvalidArgumentError, match="tolerance"):
        unwrap(b"{}", {}, secret=SECRET, tolerance=-1)
