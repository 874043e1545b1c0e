"""`client.telephony`: phone numbers, and which agent uses them."""

from __future__ import annotations

from typing import Final, Unpack

from trudy import _checks
from trudy._lazy import made_once
from trudy.errors import InvalidArgumentError
from trudy.models import (
    AgentNumbers,
    AgentWebhookUrl,
    AssignmentTypeName,
    AvailableNumber,
    Deleted,
    NumberAssignment,
    NumberType,
    NumberTypeName,
    PhoneNumber,
    ProviderTypeName,
    ProvisionedNumber,
    TelephonyCredential,
)
from trudy.options import NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, AsyncPager
from trudy.request import Endpoint, RetryClass
from trudy.resources._base import Resource, body_of, redacted_errors
from trudy.resources._documented import check_word

LIST: Final = Endpoint(name="telephony.numbers.list", method="GET", path="/telephony/numbers", paging="offset")
SEARCH: Final = Endpoint(
    name="telephony.numbers.search", method="POST", path="/telephony/numbers/search", paging="search"
)
PURCHASE: Final = Endpoint(
    name="telephony.numbers.purchase",
    method="POST",
    path="/telephony/numbers/purchase",
    retry=RetryClass.ONCE,
    read_timeout=180.0,
)
IMPORT: Final = Endpoint(
    name="telephony.numbers.import_",
    method="POST",
    path="/telephony/numbers/import",
    retry=RetryClass.ONCE,
    read_timeout=180.0,
)
ASSIGN: Final = Endpoint(
    name="telephony.numbers.assign", method="POST", path="/telephony/numbers/assign", retry=RetryClass.ONCE
)
UNASSIGN: Final = Endpoint(
    name="telephony.numbers.unassign", method="POST", path="/telephony/numbers/unassign", retry=RetryClass.ONCE
)
DELETE: Final = Endpoint(name="telephony.numbers.delete", method="DELETE", path="/telephony/numbers/{number_id}")
LIST_AGENT_NUMBERS: Final = Endpoint(
    name="telephony.list_agent_numbers", method="GET", path="/telephony/agents/{agent_id}/numbers"
)
GET_AGENT_WEBHOOK_URL: Final = Endpoint(
    name="telephony.get_agent_webhook_url", method="GET", path="/telephony/agents/{agent_id}/webhook-url"
)
LIST_CREDENTIALS: Final = Endpoint(
    name="telephony.list_credentials", method="GET", path="/telephony/credentials", paging="none"
)

_NEEDED: Final = {
    "telnyx": ("api_key",),
    "twilio": (),  # the API documents api_key, account_sid and auth_token, but not which of them are needed
    "custom_sip": ("sip_username", "sip_password", "sip_server"),
}


class AsyncTelephony(Resource):
    """Phone numbers, and which agent uses them."""

    @made_once
    def numbers(self) -> AsyncPhoneNumbers:
        """Phone numbers: search, buy, import, assign and release them."""
        return AsyncPhoneNumbers(self._core, self._settings)

    async def list_agent_numbers(self, agent_id: str, **options: Unpack[RequestOptions]) -> AgentNumbers:
        """List the numbers that an agent answers, and those it calls from. `GET /telephony/agents/{agent_id}/numbers`

        Raises:
            NotFoundError: no such agent, or not yours.
        """
        request = self._build(LIST_AGENT_NUMBERS, options, ids={"agent_id": agent_id})
        return await self._core.fetch(request, AgentNumbers)

    async def get_agent_webhook_url(self, agent_id: str, **options: Unpack[RequestOptions]) -> AgentWebhookUrl:
        """Read where a carrier of your own sends an agent's calls. `GET /telephony/agents/{agent_id}/webhook-url`

        Raises:
            NotFoundError: no such agent, or not yours.
        """
        request = self._build(GET_AGENT_WEBHOOK_URL, options, ids={"agent_id": agent_id})
        return await self._core.fetch(request, AgentWebhookUrl)

    def list_credentials(self, **options: Unpack[RequestOptions]) -> AsyncPager[TelephonyCredential]:
        """List the stored credentials of your own carriers, without their secrets. `GET /telephony/credentials`

        Returns:
            All of them; iterate over it.
        """
        return self._list(LIST_CREDENTIALS, TelephonyCredential, options)


class AsyncPhoneNumbers(Resource):
    """Phone numbers: search, buy, import, assign and release them."""

    def list(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> AsyncPager[PhoneNumber]:
        """List the numbers you have. `GET /telephony/numbers`

        Args:
            limit: at most so many numbers, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: numbers a request when iterating over all, 1 to 100.

        Returns:
            Numbers page by page; iterate over it for all of them.
        """
        return self._list(LIST, PhoneNumber, options, limit=limit, offset=offset, page_size=page_size)

    def search(
        self,
        *,
        country_code: str | NotGiven = NOT_GIVEN,
        locality: str | NotGiven | None = NOT_GIVEN,
        area_code: str | NotGiven | None = NOT_GIVEN,
        administrative_area: str | NotGiven | None = NOT_GIVEN,
        phone_number_type: NumberTypeName | NotGiven | None = NOT_GIVEN,
        api_key: str | NotGiven | None = NOT_GIVEN,
        page: int | None = None,
        page_size: int = 50,
        limit: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncPager[AvailableNumber]:
        """Search numbers that can be bought. `POST /telephony/numbers/search`

        It only reads, so it is retried like a GET.

        Args:
            country_code: two letters; `"US"` if left out.
            locality: a town.
            area_code: the digits after the country's code.
            administrative_area: a state or province, such as `CA`.
            phone_number_type: local, toll-free, mobile or national.
            api_key: a key of your own for the carrier; masked in errors.
            page: exactly the page with this number, from 1, of `page_size` numbers.
            page_size: most numbers a request, 1 to 100; one page of the documentation says 50.
            limit: at most so many numbers, 1 to 100; all of them by default. Carriers have very many.

        Returns:
            Numbers page by page; iterate over it for all of them.
        """
        if phone_number_type is not None and not isinstance(phone_number_type, NotGiven):
            check_word(phone_number_type, NumberType, "phone_number_type", around="extra_body")
        offset = None
        if page is not None:
            _checks.whole(page, 1, None, "page")
            _checks.whole(page_size, 1, PAGE_SIZE, "page_size")
            offset = (page - 1) * page_size
            limit = page_size if limit is None else limit
        return self._list(
            SEARCH,
            AvailableNumber,
            options,
            body=body_of(
                country_code=country_code,
                locality=locality,
                area_code=area_code,
                administrative_area=administrative_area,
                phone_number_type=phone_number_type,
                api_key=api_key,
            ),
            limit=limit,
            offset=offset,
            page_size=page_size,
            key="phone_number",
            secrets=(api_key,),
        )

    async def purchase(
        self,
        phone_number: str,
        *,
        api_key: str | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> ProvisionedNumber:
        """Buy a number. `POST /telephony/numbers/purchase`

        It costs money, and so is never sent twice by itself: after an error without an answer, look in `list` whether
        you have it.

        Args:
            phone_number: E.164, as `search` gave it.
            api_key: a key of your own for the carrier; masked in errors.

        Raises:
            PaymentRequiredError: trial, subscription or credits.
            ValidationError: it cannot be had any more, or the carrier is not configured.
        """
        _checks.e164(phone_number, "phone_number")
        members = body_of(phone_number=phone_number, api_key=api_key)
        with redacted_errors(api_key):
            request = self._build(PURCHASE, options, body=members)
            return await self._act(request, ProvisionedNumber, phone_number=phone_number)

    async def import_(
        self,
        phone_number: str,
        *,
        provider_type: ProviderTypeName,
        api_key: str | NotGiven | None = NOT_GIVEN,
        account_sid: str | NotGiven | None = NOT_GIVEN,
        auth_token: str | NotGiven | None = NOT_GIVEN,
        sip_username: str | NotGiven | None = NOT_GIVEN,
        sip_password: str | NotGiven | None = NOT_GIVEN,
        sip_server: str | NotGiven | None = NOT_GIVEN,
        friendly_name: str | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> ProvisionedNumber:
        """Bring a number that you have at a carrier. `POST /telephony/numbers/import`

        Keys, tokens and passwords are masked in errors. Never sent twice by itself.

        Args:
            phone_number: E.164.
            provider_type: the carrier, or `"custom_sip"`.
            api_key: for Telnyx, which needs it, and Twilio.
            account_sid: for Twilio.
            auth_token: for Twilio.
            sip_username: for custom SIP, which needs it and the next two.
            sip_password: for custom SIP.
            sip_server: for custom SIP.
            friendly_name: what it is called here.

        Raises:
            InvalidArgumentError: an argument is bad, or one that the carrier needs is missing; nothing was sent.
            ValidationError: the server or the carrier refused it.
        """
        _checks.e164(phone_number, "phone_number")
        _checks.one_of(provider_type, tuple(_NEEDED), "provider_type")
        members = body_of(
            phone_number=phone_number,
            provider_type=provider_type,
            api_key=api_key,
            account_sid=account_sid,
            auth_token=auth_token,
            sip_username=sip_username,
            sip_password=sip_password,
            sip_server=sip_server,
            friendly_name=friendly_name,
        )
        for argument in _NEEDED[provider_type]:
            if not members.get(argument):
                raise InvalidArgumentError(f"{argument} is needed for {provider_type}", argument=argument)
        with redacted_errors(api_key, auth_token, sip_password):
            request = self._build(IMPORT, options, body=members)
            return await self._act(request, ProvisionedNumber, phone_number=phone_number)

    async def assign(
        self,
        number_id: str,
        *,
        agent_id: str,
        assignment_type: AssignmentTypeName,
        **options: Unpack[RequestOptions],
    ) -> NumberAssignment:
        """Give a number to an agent, to answer it or to call from it. `POST /telephony/numbers/assign`

        A number serves one agent in each direction. Without an outbound number an agent can call nobody.

        Args:
            number_id: the number's id.
            agent_id: the agent.
            assignment_type: `"inbound"` to answer, `"outbound"` to call.

        Raises:
            NotFoundError: no such number or agent, or not yours.
        """
        _checks.identifier(number_id, "number_id")
        _checks.identifier(agent_id, "agent_id")
        _checks.one_of(assignment_type, ("inbound", "outbound"), "assignment_type")
        members = body_of(number_id=number_id, agent_id=agent_id, assignment_type=assignment_type)
        return await self._act(self._build(ASSIGN, options, body=members), NumberAssignment)

    async def unassign(
        self, number_id: str, *, assignment_type: AssignmentTypeName, **options: Unpack[RequestOptions]
    ) -> NumberAssignment:
        """Take a number from its agent. `POST /telephony/numbers/unassign`

        Args:
            number_id: the number's id.
            assignment_type: `"inbound"` or `"outbound"`.

        Raises:
            NotFoundError: no such number, or not yours.
        """
        _checks.identifier(number_id, "number_id")
        _checks.one_of(assignment_type, ("inbound", "outbound"), "assignment_type")
        members = body_of(number_id=number_id, assignment_type=assignment_type)
        return await self._act(self._build(UNASSIGN, options, body=members), NumberAssignment)

    async def delete(self, number_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Release a number. `DELETE /telephony/numbers/{number_id}`

        Raises:
            NotFoundError: no such number, or not yours.
        """
        return await self._delete(DELETE, options, {"number_id": number_id})
