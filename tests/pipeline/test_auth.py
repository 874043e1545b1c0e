from __future__ import annotations

import json
import threading
from traceback import TracebackException
from urllib.parse import quote, quote_plus

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.answers import Script, answer, request_for, success
from trudy import ConfigurationError
from trudy.pipeline.auth import AuthStep, Credential, check_credential
from trudy.pipeline.decode import to_error
from trudy.request import Request, Response

pytestmark = pytest.mark.anyio
REFUSED = answer(401, {"error": {"code": "unauthorized", "message": "no"}})


class Source:
    """A callable credential that counts how often it was asked."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = iter(tokens)
        self.asked = 0
        self.may_answer = anyio.Event()
        self.may_answer.set()

    async def __call__(self) -> str:
        self.asked += 1
        token = next(self._tokens)
        await self.may_answer.wait()
        return token


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("", "empty"),
        ("truedy_a b", "white space"),
        ("truedy_abc\n", "white space"),
        ("truedy_\u00a0abc", "white space"),
        ("truedy_é", "character"),
        ("truedy_\x00", "character"),
        (b"truedy_abc", "bytes"),
        (7, "int"),
    ],
)
def test_a_bad_key_is_refused_without_being_shown(value: object, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=hint) as caught:
        check_credential(value, "api_key")
    assert "truedy_" not in str(caught.value)


@given(st.text(max_size=30))
def test_a_key_that_is_accepted_can_stand_in_a_header(text: str) -> None:
    try:
        check_credential(text, "api_key")
    except ConfigurationError:
        return
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text


async def test_a_fixed_key_is_sent_with_each_attempt() -> None:
    script = Script(success())
    await AuthStep(Credential("truedy_abc", "api_key"))(request_for(), script)
    assert script.requests[0].header("authorization") == "Bearer truedy_abc"


async def test_a_fixed_key_that_is_refused_is_not_asked_for_again() -> None:
    request = request_for()
    assert (await AuthStep(Credential("truedy_abc", "api_key"))(request, Script(REFUSED))).status == 401
    assert not request.progress.renewed


TOKEN = 'sk_live_4f9a/b7"c+6d=='
WRITTEN = json.dumps(TOKEN)[1:-1]


@pytest.mark.parametrize("form", [WRITTEN, WRITTEN.replace("/", "\\/"), quote(TOKEN), quote_plus(TOKEN)])
@pytest.mark.parametrize("status", [401, 500])
async def test_a_token_that_the_server_repeats_is_not_shown(status: int, form: str) -> None:
    body = {"error": {"code": "x", "message": "bad key #", "details": {"key": "#", "#": ["#"]}}}
    refusal = answer(status, json.dumps(body).replace("#", form).encode())
    for credential in (Credential(TOKEN, "api_key"), Credential(lambda: TOKEN, "jwt_token")):
        response = await AuthStep(credential)(request_for(), Script(refusal))
        error = to_error(request_for(), response)
        assert error.message == "bad key ***"
        assert "4f9a" not in f"{error} {error!r} {vars(error)}"


async def test_an_answer_that_only_resembles_a_short_key_is_left_alone() -> None:
    credential = Credential("no", "api_key")
    assert await AuthStep(credential)(request_for(), Script(REFUSED)) is REFUSED


async def test_a_callable_is_asked_when_none_is_held() -> None:
    script = Script(success())
    for source in (lambda: "sync", Source("async")):
        await AuthStep(Credential(source, "api_key"))(request_for(), script)
    assert [sent.header("authorization") for sent in script.requests] == ["Bearer sync", "Bearer async"]


async def test_a_token_is_asked_for_once_and_kept() -> None:
    source = Source("one", "two")
    step = AuthStep(Credential(source, "api_key"))
    for _ in range(3):
        await step(request_for(), Script(success()))
    assert source.asked == 1


async def test_a_stale_token_is_given_up_once_an_operation() -> None:
    source = Source("one", "two", "three")
    step = AuthStep(Credential(source, "api_key"))
    request = request_for()
    script = Script(REFUSED)
    await step(request, script)
    assert request.progress.renewed
    await step(request, script)
    await step(request, script)
    assert [sent.header("authorization") for sent in script.requests] == ["Bearer one", "Bearer two", "Bearer two"]


async def test_a_late_refusal_of_an_old_token_does_not_give_up_the_new_one() -> None:
    source = Source("one", "two")
    credential = Credential(source, "api_key")
    assert await credential.asked() == "Bearer one"
    credential.discard("Bearer one")
    assert await credential.asked() == "Bearer two"
    credential.discard("Bearer one")
    assert await credential.asked() == "Bearer two"


async def test_requests_that_need_a_token_meanwhile_wait_for_the_same_answer() -> None:
    source = Source("one", "two")
    source.may_answer = anyio.Event()
    credential = Credential(source, "api_key")
    got: list[str] = []

    async def ask() -> None:
        got.append(await credential.asked())

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        source.may_answer.set()
    assert got == ["Bearer one"] * 50
    assert source.asked == 1


async def test_when_the_request_that_asks_is_cancelled_another_asks() -> None:
    source = Source("one", "two")
    source.may_answer = anyio.Event()
    credential = Credential(source, "api_key")
    got: list[str] = []
    first = anyio.CancelScope()

    async def ask_and_be_cancelled() -> None:
        with first:
            await credential.asked()

    async def ask() -> None:
        got.append(await credential.asked())

    async with anyio.create_task_group() as group:
        group.start_soon(ask_and_be_cancelled)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        first.cancel()
        await anyio.wait_all_tasks_blocked()
        source.may_answer.set()
    assert got == ["Bearer two"]


async def test_a_bad_token_is_a_clear_error_for_every_request() -> None:
    credential = Credential(lambda: "with space", "jwt_token")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="jwt_token contains white space"):
            await credential.asked()


def test_loops_in_several_threads_share_one_answer() -> None:
    started = threading.Barrier(9)
    asked: list[int] = []

    def source() -> str:
        asked.append(1)
        return "one"

    credential = Credential(source, "api_key")
    got: list[str] = []

    async def ask() -> None:
        started.wait()
        got.append(await credential.asked())

    threads = [threading.Thread(target=anyio.run, args=(ask,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    started.wait()
    for thread in threads:
        thread.join(60)
    assert got == ["Bearer one"] * 8
    assert len(asked) == 1


async def test_a_callable_that_gives_nothing_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match="api_key must be a string"):
        await Credential(lambda: None, "api_key").asked()  # type: ignore[arg-type, return-value]


async def test_a_callable_that_uses_its_own_client_is_told_so() -> None:
    async def source() -> str:
        return await credential.asked()

    credential = Credential(source, "api_key")
    with pytest.raises(ConfigurationError, match="the client it is for"):
        await credential.asked()


async def test_the_token_is_in_no_local_variable_of_ours() -> None:
    async def fail(request: Request) -> Response:
        raise LookupError

    credential = Credential("truedy_" + "secret", "api_key")
    with pytest.raises(LookupError) as caught:
        await AuthStep(credential)(request_for(), fail)
    shown = "".join(TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "signed = " in shown
    assert "truedy_secret" not in shown
