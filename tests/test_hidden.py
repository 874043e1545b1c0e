"""No key, no token, no whole number in the local variables of our functions, whatever goes wrong."""

from __future__ import annotations

import asyncio
import copy
import inspect
import io
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
import respx

import trudy
from tests.fakes.frames import shown_texts
from tests.fakes.wire import BASE_URL, envelope, refusal
from trudy import AsyncTrudyClient, TrudyClient
from trudy._hidden import Hidden, forget_locals, hides_arguments
from trudy.clock import SystemClock
from trudy.resources.calls import AsyncCalls

KEY = "truedy_" + "5ecret" * 3
TOKEN = "eyJhbGciOiJ" + "5ecret" * 3
NUMBER = "+1415" + "5550123"
SECRETS = (KEY, TOKEN, NUMBER[1:], "vari5ecret", "que5ecret")

pytestmark = pytest.mark.anyio


def leaks(error: BaseException) -> list[tuple[str, str]]:
    return [(where, text) for where, text in shown_texts(error) if any(secret in text for secret in SECRETS)]


class QuickClock(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.001))


Operation = Callable[[Any], Any]
OPERATIONS: dict[str, Operation] = {
    "a call": lambda c: c.calls.create(
        agent_id="a", phone_number=NUMBER, variables={"x": "vari5ecret"}, reconcile_timeout=0.05
    ),
    "a call raised": lambda c: c.calls.create(agent_id="a", phone_number=NUMBER, on_unknown="raise"),
    "a call with a bad argument": lambda c: c.calls.create(
        agent_id="a", phone_number=NUMBER, variables={"x": "vari5ecret", "y": object()}
    ),
    "a bad number": lambda c: c.calls.create(agent_id="a", phone_number=NUMBER + "x"),
    "a bad option": lambda c: c.calls.create(agent_id="a", phone_number=NUMBER, max_retries=-1),
    "a call and its end": lambda c: c.calls.create_and_wait(agent_id="a", phone_number=NUMBER, reconcile_timeout=0.05),
    "a contact": lambda c: c.contacts.create(phone_number=NUMBER, first_name="A"),
    "a change": lambda c: c.contacts.update("c1", phone_number=NUMBER),
    "a read": lambda c: c.agents.get("a1"),
    "a deletion": lambda c: c.agents.delete("a1"),
    "any request": lambda c: c.request("POST", "/things", body={"to": NUMBER}, query={"q": "que5ecret"}),
    "a search of contacts": lambda c: c.contacts.list(search=NUMBER),
    "numbers to buy": lambda c: c.telephony.numbers.search(area_code="415", api_key="vari5ecret"),
    "a number bought": lambda c: c.telephony.numbers.purchase(NUMBER, api_key="vari5ecret"),
    "a number brought": lambda c: c.telephony.numbers.import_(
        phone_number=NUMBER, provider_type="twilio", account_sid="AC1", auth_token="vari5ecret"
    ),
    "contacts of a batch": lambda c: c.batch_calls.add_contacts("b1", [{"phone_number": NUMBER, "x": "vari5ecret"}]),
    "a file of contacts": lambda c: c.contacts.import_file(
        f"phone\n{NUMBER}\n".encode(), folder_id="f1", filename="a.csv", mapping_config={"phone": "phone_number"}
    ),
    "a tool": lambda c: c.tools.create(name="T", definition={"http": {"headers": {"x": "vari5ecret"}}}),
    "a document": lambda c: c.knowledge_bases.sources.add_document("k1", ("a.txt", f"call {NUMBER}".encode())),
    "a wait": lambda c: c.calls.wait("c1", max_wait=0.01, poll_interval=0.005),
    "a header": lambda c: c.agents.get("a1", extra_headers={"X-Number": "é"}),
}
ANSWERS: dict[str, httpx.Response | Exception] = {
    "reset": httpx.ReadError("boom"),
    "no route": httpx.ConnectError("boom"),
    "late": httpx.ReadTimeout("boom"),
    "422 that repeats": httpx.Response(
        422, json={"detail": [{"loc": ["body"], "msg": f"bad {NUMBER}", "input": NUMBER, "ctx": {"k": KEY}}]}
    ),
    "401 that repeats": refusal(401, "unauthorized", f"bad key {KEY} for {NUMBER}", key=KEY, to=NUMBER),
    "404": refusal(404, "not_found", to=NUMBER),
    "429": refusal(429, "rate_limit_exceeded", limit=1, to=NUMBER),
    "500": refusal(500, "internal_error", to=NUMBER),
    "no JSON": httpx.Response(200, text=f"<html>{NUMBER}"),
    "no id": envelope({"to": NUMBER, "x": [NUMBER]}),
    "elsewhere": httpx.Response(302, headers={"location": f"https://x.test/?to={NUMBER}&key={KEY}"}),
}


def met_by(operation: Callable[[], object]) -> BaseException | None:
    """The error it raises, if any."""
    try:
        operation()
    except (trudy.TrudyError, TypeError) as error:
        return error
    return None


def settings() -> dict[str, Any]:
    return {
        "base_url": BASE_URL,
        "clock": QuickClock(),
        "max_rate_limit_wait": 0.0,
        "rate_limit": None,
        "rate_limit_group": str(uuid4()),
        "middleware": [passing],
        "http_client": lambda: httpx.AsyncClient(),
    }


async def passing(request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
    return await call_next(request)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("credential", ["api_key", "jwt_token", "callable"])
def test_no_frame_of_ours_shows_a_secret_to_the_sync_client(answer: str, credential: str) -> None:
    given: dict[str, Any] = {
        "api_key": {"api_key": KEY},
        "jwt_token": {"jwt_token": TOKEN},
        "callable": {"api_key": lambda: KEY},
    }[credential]
    met = 0
    with respx.mock(assert_all_called=False) as router:
        found = ANSWERS[answer]
        router.route().mock(**{"side_effect" if isinstance(found, Exception) else "return_value": found})
        with TrudyClient(**given, **settings()) as client:
            for name, operation in OPERATIONS.items():
                if (error := met_by(partial(operation, client))) is not None:
                    met += 1
                    assert leaks(error) == [], name
    assert met >= len(OPERATIONS) // 2


@pytest.mark.parametrize("answer", ANSWERS)
async def test_no_frame_of_ours_shows_a_secret_to_the_async_client(answer: str) -> None:
    met = 0
    with respx.mock(assert_all_called=False) as router:
        found = ANSWERS[answer]
        router.route().mock(**{"side_effect" if isinstance(found, Exception) else "return_value": found})
        async with AsyncTrudyClient(KEY, **settings()) as client:
            for name, operation in OPERATIONS.items():
                error = None
                try:
                    await operation(client)
                except (trudy.TrudyError, TypeError) as fault:
                    error = fault
                if error is not None:
                    met += 1
                    assert leaks(error) == [], name
    assert met >= len(OPERATIONS) // 2


@pytest.mark.parametrize("answer", [404, 500, 204])
def test_no_frame_of_ours_shows_a_signed_link(answer: int) -> None:
    link = {"call_id": "c1", "recording_url": "https://files.test/a.mp3?sig=que5ecret", "format": "mp3"}
    away = {"location": "https://files.test/a.mp3?again=que5ecret"}
    with respx.mock(assert_all_called=False) as router:
        router.route(host="files.test").mock(return_value=httpx.Response(answer, headers=away))
        router.route().mock(return_value=envelope(link))
        with TrudyClient(KEY, **settings()) as client:
            error = met_by(lambda: client.calls.download_recording("c1", to=io.BytesIO()))
    assert error is not None
    assert leaks(error) == []


@pytest.mark.parametrize("client", [TrudyClient, AsyncTrudyClient])
@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": KEY + "\n"},
        {"jwt_token": TOKEN + " x"},
        {"api_key": KEY, "jwt_token": TOKEN},
        {"api_key": KEY, "base_url": "ftp://x"},
        {"api_key": KEY, "timeout": -1},
        {"api_key": KEY, "default_headers": {"a b": KEY}},
    ],
)
def test_a_client_that_cannot_be_made_does_not_show_its_key(client: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(trudy.TrudyError) as caught:
        client(**wrong)
    assert leaks(caught.value) == []


def test_the_traceback_still_tells_the_way() -> None:
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(return_value=refusal(404, "not_found"))
        with TrudyClient(KEY, **settings()) as client, pytest.raises(trudy.NotFoundError) as caught:
            client.calls.get("c1")
    names = [entry.name for entry in traceback.extract_tb(caught.value.__traceback__)]
    assert names[0] == "test_the_traceback_still_tells_the_way"
    assert {"get", "run", "fetch"} <= set(names)


def test_a_hidden_value_is_seen_only_by_who_asks() -> None:
    secret = Hidden("s3cret")
    assert secret.reveal() == "s3cret"
    assert "s3cret" not in f"{secret} {secret!r} {[secret]} {vars(type(secret))}"
    assert secret == Hidden("s3cret") != Hidden("other")
    assert hash(secret) == hash(Hidden("s3cret"))
    assert copy.copy(secret).reveal() == "s3cret"


def test_signatures_and_names_stay() -> None:
    assert "phone_number" in inspect.signature(AsyncCalls.create).parameters
    assert "jwt_token" in inspect.signature(TrudyClient).parameters
    assert inspect.iscoroutinefunction(AsyncCalls.create)
    assert AsyncCalls.create.__doc__


def test_a_coroutine_that_still_runs_is_left_alone() -> None:
    """The error of one task may be handed to another while the first goes on."""
    kept: list[LookupError] = []

    @hides_arguments
    class Service:
        async def work(self, secret: str) -> str:
            try:
                raise LookupError
            except LookupError as error:
                kept.append(error)
            await asyncio.sleep(0.05)
            return secret

        async def hand_on(self) -> None:
            raise kept[0]

    async def run() -> str:
        service = Service()
        working = asyncio.ensure_future(service.work("s3cret"))
        await asyncio.sleep(0)
        with pytest.raises(LookupError) as caught:
            await service.hand_on()
        forget_locals(caught.value, Service.work.__code__)
        return await working

    assert anyio.run(run) == "s3cret"
