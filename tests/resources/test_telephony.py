from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Awaitable, Callable
from urllib.parse import quote, quote_plus

import httpx
import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.passing import as_time_goes_by
from tests.fakes.wire import Wire, envelope, refusal, rows
from trudy import APITimeoutError, AsyncTrudyClient, InvalidArgumentError, TrudyError, ValidationError
from trudy.models import AssignmentType, NumberType, ProviderType, ProvisionedNumber

pytestmark = pytest.mark.anyio
Use = Callable[[AsyncTrudyClient], Awaitable[object]]
NUMBER = "+14155552671"
OTHER = "+14155552672"


def number() -> httpx.Response:
    return envelope({"id": "n1", "phone_number": NUMBER})


@pytest.mark.parametrize(
    ("use", "method", "path", "body"),
    [
        (
            lambda c: c.telephony.numbers.purchase(NUMBER, api_key="KEY-s3cret"),
            "POST",
            "/telephony/numbers/purchase",
            {"phone_number": NUMBER, "api_key": "KEY-s3cret"},
        ),
        (
            lambda c: c.telephony.numbers.import_(
                NUMBER, provider_type="twilio", account_sid="AC1", auth_token="t0ken", friendly_name="Desk"
            ),
            "POST",
            "/telephony/numbers/import",
            {
                "phone_number": NUMBER,
                "provider_type": "twilio",
                "account_sid": "AC1",
                "auth_token": "t0ken",
                "friendly_name": "Desk",
            },
        ),
        (
            lambda c: c.telephony.numbers.import_(
                NUMBER, provider_type="custom_sip", sip_username="u", sip_password="p4ss", sip_server="sip.test"
            ),
            "POST",
            "/telephony/numbers/import",
            {
                "phone_number": NUMBER,
                "provider_type": "custom_sip",
                "sip_username": "u",
                "sip_password": "p4ss",
                "sip_server": "sip.test",
            },
        ),
        (
            lambda c: c.telephony.numbers.assign("n1", agent_id="a1", assignment_type="outbound"),
            "POST",
            "/telephony/numbers/assign",
            {"number_id": "n1", "agent_id": "a1", "assignment_type": "outbound"},
        ),
        (
            lambda c: c.telephony.numbers.unassign("n1", assignment_type="inbound"),
            "POST",
            "/telephony/numbers/unassign",
            {"number_id": "n1", "assignment_type": "inbound"},
        ),
        (lambda c: c.telephony.numbers.delete("n1"), "DELETE", "/telephony/numbers/n1", None),
        (lambda c: c.telephony.list_agent_numbers("a1"), "GET", "/telephony/agents/a1/numbers", None),
    ],
)
async def test_what_goes_over_the_wire(
    client: AsyncTrudyClient, wire: Wire, use: Use, method: str, path: str, body: object
) -> None:
    wire.answer(number())
    await use(client)
    assert (wire.last.method, wire.last.path, wire.last.body) == (method, path, body)
    assert "x-idempotency-key" not in wire.last.headers


async def test_lists_of_numbers_and_credentials(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(rows("a", "b", has_more=True), rows("c", has_more=False))
    assert [n.id async for n in client.telephony.numbers.list(page_size=2)] == ["a", "b", "c"]
    wire.answer(envelope([{"id": "c1", "provider_type": "telnyx"}]))
    (credential,) = [c async for c in client.telephony.list_credentials()]
    assert credential.provider_type is ProviderType.TELNYX
    assert (wire.last.path, wire.last.query) == ("/telephony/credentials", {})


async def test_an_agents_numbers_and_webhook(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope({"inbound": [], "outbound": [{"id": "n1", "phone_number": NUMBER}]}))
    numbers = await client.telephony.list_agent_numbers("a1")
    assert (numbers.inbound, [ref.phone_number for ref in numbers.outbound]) == ((), [NUMBER])
    wire.answer(envelope({"webhook_url": "https://hook.test/x?token=s3cret"}))
    url = await client.telephony.get_agent_webhook_url("a1")
    assert wire.last.path == "/telephony/agents/a1/webhook-url"
    assert url.webhook_url == "https://hook.test/x?token=s3cret"
    assert "s3cret" not in repr(url)


@pytest.mark.parametrize(
    "answer",
    [
        {"number": NUMBER, "agent_id": None, "unassigned_at": "2027-01-15T08:00:00Z"},
        {"number_id": "n1", "phone_number": NUMBER, "assignment_type": "inbound", "unassigned": True},
    ],
)
async def test_both_answers_to_unassign_are_read(
    client: AsyncTrudyClient, wire: Wire, answer: dict[str, object]
) -> None:
    wire.answer(envelope(answer))
    result = await client.telephony.numbers.unassign("n1", assignment_type="inbound")
    assert result.agent_id is None
    assert result.phone_number == NUMBER
    assert result.assignment_type in (AssignmentType.INBOUND, "")


purchase: Use = lambda c: c.telephony.numbers.purchase(NUMBER)  # noqa: E731
bring: Use = lambda c: c.telephony.numbers.import_(NUMBER, provider_type="telnyx", api_key="a-key")  # noqa: E731


@pytest.mark.parametrize("use", [purchase, bring])
@pytest.mark.parametrize(
    ("answer", "number_id", "phone_number"),
    [
        (envelope({"id": "n1", "phone_number": OTHER}, 201), "n1", OTHER),
        (envelope({"id": "n1", "number": OTHER}, 201), "n1", OTHER),
        (envelope({"number_id": "n1", "phone": OTHER}, 201), "n1", OTHER),
        (envelope({"id": "n1"}, 201), "n1", NUMBER),
        (envelope({"id": "n1", "phone_number": None}), "n1", NUMBER),
        (envelope({"id": "n1", "number": {"phone_number": OTHER}}), "n1", NUMBER),
        (envelope({"success": True}), None, NUMBER),
        (envelope({}), None, NUMBER),
        (envelope(None, 201), None, NUMBER),
        (envelope([]), None, NUMBER),
        (httpx.Response(201, json={"success": True}), None, NUMBER),
        (httpx.Response(204), None, NUMBER),
    ],
)
async def test_no_success_is_an_error_once_a_number_was_bought(
    client: AsyncTrudyClient, wire: Wire, use: Use, answer: httpx.Response, number_id: str | None, phone_number: str
) -> None:
    wire.answer(answer)
    bought = await use(client)
    assert isinstance(bought, ProvisionedNumber)
    assert (bought.id, bought.phone_number) == (number_id, phone_number)
    assert bought.meta is not None


@pytest.mark.parametrize("answer", [envelope(None), envelope({"success": True}), httpx.Response(204)])
async def test_no_success_is_an_error_once_a_number_was_assigned(
    client: AsyncTrudyClient, wire: Wire, answer: httpx.Response
) -> None:
    wire.answer(answer)
    await client.telephony.numbers.assign("n1", agent_id="a1", assignment_type="inbound")
    assert (await client.telephony.numbers.unassign("n1", assignment_type="inbound")).agent_id is None


def found(*last_digits: int, page: int, **more: object) -> httpx.Response:
    data = [
        {
            "phone_number": f"+1415555267{digit}",
            "phone_number_type": "toll-free",
            "features": [{"name": "sms"}, "voice"],
            "cost_information": {"monthly_cost": "1.00", "currency": "USD"},
        }
        for digit in last_digits
    ]
    return envelope(data, page=page, page_size=2, **more)


async def test_a_search_pages_in_its_body(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(
        found(1, 2, page=1, total_results=3, total_pages=2, has_more=True),
        found(3, page=2, total_results=3, total_pages=2, has_more=False),
    )
    pager = client.telephony.numbers.search(country_code="US", area_code="415", api_key="KEY", page_size=2)
    numbers = [number async for number in pager]
    assert [n.phone_number for n in numbers] == ["+14155552671", "+14155552672", "+14155552673"]
    assert numbers[0].phone_number_type is NumberType.TOLL_FREE
    assert numbers[0].feature_names == ("sms", "voice")
    fixed = {"country_code": "US", "area_code": "415", "api_key": "KEY", "page_size": 2}
    assert [sent.body for sent in wire.sent] == [{**fixed, "page": 1}, {**fixed, "page": 2}]
    assert [sent.query for sent in wire.sent] == [{}, {}]


async def test_one_page_of_a_search(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(found(5, 6, page=3, has_more=True))
    page = await client.telephony.numbers.search(page=3, page_size=2)
    assert [n.phone_number for n in page.data] == ["+14155552675", "+14155552676"]
    assert wire.last.body == {"page": 3, "page_size": 2}
    assert page.has_next()


async def test_by_default_a_search_asks_for_no_more_rows_than_every_page_of_the_contract_allows(
    client: AsyncTrudyClient, wire: Wire
) -> None:
    wire.answer(envelope([], page=1, page_size=50, has_more=False))
    for use in (client.telephony.numbers.search(), client.telephony.numbers.search(limit=80)):
        await use
        assert wire.last.body == {"page": 1, "page_size": 50}
    await client.telephony.numbers.search(limit=7)
    assert wire.last.body == {"page": 1, "page_size": 7}
    await client.telephony.numbers.search(page_size=100)
    assert wire.last.body == {"page": 1, "page_size": 100}


async def test_a_search_is_repeated_and_a_purchase_is_not(
    client: AsyncTrudyClient, wire: Wire, clock: FakeClock
) -> None:
    wire.answer(httpx.ReadTimeout("slow"), refusal(500, "internal_error"), found(1, page=1, has_more=False))
    page = await as_time_goes_by(clock, lambda: client.telephony.numbers.search())
    assert len(page.data) == 1
    assert len(wire.sent) == 3
    wire.answer(httpx.ReadTimeout("slow"))
    with pytest.raises(APITimeoutError):
        await client.telephony.numbers.purchase(NUMBER)
    assert len(wire.sent) == 4


@pytest.mark.parametrize(
    ("use", "argument"),
    [
        (lambda c: c.telephony.numbers.purchase("415"), "phone_number"),
        (lambda c: c.telephony.numbers.import_("415", provider_type="telnyx", api_key="k"), "phone_number"),
        (lambda c: c.telephony.numbers.import_(NUMBER, provider_type="plivo"), "provider_type"),
        (lambda c: c.telephony.numbers.import_(NUMBER, provider_type="telnyx"), "api_key"),
        (lambda c: c.telephony.numbers.import_(NUMBER, provider_type="custom_sip", sip_username="u"), "sip_password"),
        (lambda c: c.telephony.numbers.assign("n", agent_id="a", assignment_type="both"), "assignment_type"),
        (lambda c: c.telephony.numbers.assign("", agent_id="a", assignment_type="inbound"), "number_id"),
        (lambda c: c.telephony.numbers.assign("n", agent_id="", assignment_type="inbound"), "agent_id"),
        (lambda c: c.telephony.numbers.unassign("n", assignment_type="both"), "assignment_type"),
        (lambda c: c.telephony.numbers.search(page=0), "page"),
        (lambda c: c.telephony.numbers.search(page_size=101), "page_size"),
        (lambda c: c.telephony.numbers.search(page=2, page_size=0), "page_size"),
        (lambda c: c.telephony.list_agent_numbers(""), "agent_id"),
    ],
)
async def test_bad_arguments_are_refused_before_anything_is_sent(
    client: AsyncTrudyClient, wire: Wire, use: Use, argument: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await use(client)
    assert caught.value.argument == argument
    assert wire.sent == []


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.telephony.numbers.search(api_key="KEY-s3cret"),
        lambda c: c.telephony.numbers.purchase(NUMBER, api_key="KEY-s3cret"),
        lambda c: c.telephony.numbers.import_(NUMBER, provider_type="telnyx", api_key="KEY-s3cret"),
        lambda c: c.telephony.numbers.import_(NUMBER, provider_type="twilio", auth_token="KEY-s3cret"),
        lambda c: c.telephony.numbers.import_(
            NUMBER, provider_type="custom_sip", sip_username="u", sip_password="KEY-s3cret", sip_server="s"
        ),
    ],
)
async def test_a_secret_that_the_server_repeats_is_not_shown(
    client: AsyncTrudyClient, wire: Wire, caplog: pytest.LogCaptureFixture, use: Use
) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    wire.answer(
        refusal(422, "validation_error", "the carrier refused KEY-s3cret", seen=["KEY-s3cret"], by={"KEY-s3cret": 1})
    )
    with pytest.raises(ValidationError) as caught:
        await use(client)
    error: TrudyError = caught.value
    for shown in (str(error), repr(error), str(error.details), str(error.args), caplog.text):
        assert "s3cret" not in shown
    assert "the carrier refused ***" in str(pickle.loads(pickle.dumps(error)))  # noqa: S301
    assert error.details["seen"] == ["***"]


AWKWARD = "s3cret\"en\\é'9"


@pytest.mark.parametrize(
    "form",
    [
        AWKWARD,
        json.dumps(AWKWARD),
        json.dumps(AWKWARD, ensure_ascii=False),
        json.dumps({"auth_token": AWKWARD}),
        repr(AWKWARD),
        repr({"auth_token": AWKWARD}),
        quote(AWKWARD),
        quote_plus(AWKWARD),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        lambda form: {"error": {"code": "x", "message": f"bad {form}", "details": {"deep": [{form: form}]}}},
        lambda form: {"error": {"code": form, "message": "bad"}},
        lambda form: {"detail": f"bad {form}"},
        lambda form: {"detail": {"error": {"code": form, "message": form}}},
        lambda form: {"detail": [{"loc": ["body", form], "msg": f"bad {form}", "type": form, "input": form}]},
    ],
)
async def test_no_form_of_a_secret_comes_back_in_an_error(
    client: AsyncTrudyClient, wire: Wire, form: str, body: Callable[[str], object]
) -> None:
    wire.answer(httpx.Response(422, json=body(form)))
    with pytest.raises(ValidationError) as caught:
        await client.telephony.numbers.import_(NUMBER, provider_type="twilio", account_sid="AC1", auth_token=AWKWARD)
    assert "s3cret" not in str(caught.value) + repr(caught.value) + str(vars(caught.value))


async def test_a_secret_that_is_no_text_is_a_bad_argument(client: AsyncTrudyClient, wire: Wire) -> None:
    with pytest.raises(InvalidArgumentError):
        await client.telephony.numbers.purchase(NUMBER, api_key="caf\udce9")
    assert wire.sent == []


async def test_ordinary_words_are_not_taken_for_a_short_secret(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(refusal(422, "validation_error", "no such account"))
    with pytest.raises(ValidationError, match="no such account"):
        await client.telephony.numbers.purchase(NUMBER, api_key="no")
