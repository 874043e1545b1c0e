# Generated from trudy/resources/telephony.py by `python -m trudy.codegen`; change the source, never this file.
"""`client.telephony`: phone numbers, and which agent uses them."""

from __future__ import annotations

from typing import Unpack

from trudy._lazy import made_once
from trudy.bridge import SyncResource, bind
from trudy.models import (
    AgentNumbers,
    AgentWebhookUrl,
    AssignmentTypeName,
    AvailableNumber,
    Deleted,
    NumberAssignment,
    NumberTypeName,
    PhoneNumber,
    ProviderTypeName,
    ProvisionedNumber,
    TelephonyCredential,
)
from trudy.options import NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, Page
from trudy.resources.telephony import AsyncPhoneNumbers, AsyncTelephony


class Telephony(SyncResource[AsyncTelephony]):
    """Phone numbers, and which agent uses them."""

    @made_once
    def numbers(self) -> PhoneNumbers:
        """Phone numbers: search, buy, import, assign and release them."""
        from trudy.sync.telephony import PhoneNumbers

        return PhoneNumbers(self._async.numbers, self._bridge)

    def list_agent_numbers(self, agent_id: str, **options: Unpack[RequestOptions]) -> AgentNumbers:
        """List the numbers that an agent answers, and those it calls from. `GET /telephony/agents/{agent_id}/numbers`

        Raises:
            NotFoundError: no such agent, or not yours.
        """
        return self._bridge.run(bind(self._async.list_agent_numbers, agent_id, **options))

    def get_agent_webhook_url(self, agent_id: str, **options: Unpack[RequestOptions]) -> AgentWebhookUrl:
        """Read where a carrier of your own sends an agent's calls. `GET /telephony/agents/{agent_id}/webhook-url`

        Raises:
            NotFoundError: no such agent, or not yours.
        """
        return self._bridge.run(bind(self._async.get_agent_webhook_url, agent_id, **options))

    def list_credentials(self, **options: Unpack[RequestOptions]) -> Page[TelephonyCredential]:
        """List the stored credentials of your own carriers, without their secrets. `GET /telephony/credentials`

        Returns:
            All of them; iterate over it.
        """
        return Page(self._bridge.run(bind(self._async.list_credentials, **options)), self._bridge.run)


class PhoneNumbers(SyncResource[AsyncPhoneNumbers]):
    """Phone numbers: search, buy, import, assign and release them."""

    def list(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> Page[PhoneNumber]:
        """List the numbers you have. `GET /telephony/numbers`

        Args:
            limit: at most so many numbers, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: numbers a request when iterating over all, 1 to 100.

        Returns:
            Numbers page by page; iterate over it for all of them.
        """
        return Page(
            self._bridge.run(bind(self._async.list, limit=limit, offset=offset, page_size=page_size, **options)),
            self._bridge.run,
        )

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
    ) -> Page[AvailableNumber]:
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
        return Page(
            self._bridge.run(
                bind(
                    self._async.search,
                    country_code=country_code,
                    locality=locality,
                    area_code=area_code,
                    administrative_area=administrative_area,
                    phone_number_type=phone_number_type,
                    api_key=api_key,
                    page=page,
                    page_size=page_size,
                    limit=limit,
                    **options,
                )
            ),
            self._bridge.run,
        )

    def purchase(
        self, phone_number: str, *, api_key: str | NotGiven | None = NOT_GIVEN, **options: Unpack[RequestOptions]
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
        return self._bridge.run(bind(self._async.purchase, phone_number, api_key=api_key, **options))

    def import_(
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
        return self._bridge.run(
            bind(
                self._async.import_,
                phone_number,
                provider_type=provider_type,
                api_key=api_key,
                account_sid=account_sid,
                auth_token=auth_token,
                sip_username=sip_username,
                sip_password=sip_password,
                sip_server=sip_server,
                friendly_name=friendly_name,
                **options,
            )
        )

    def assign(
        self, number_id: str, *, agent_id: str, assignment_type: AssignmentTypeName, **options: Unpack[RequestOptions]
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
        return self._bridge.run(
            bind(self._async.assign, number_id, agent_id=agent_id, assignment_type=assignment_type, **options)
        )

    def unassign(
        self, number_id: str, *, assignment_type: AssignmentTypeName, **options: Unpack[RequestOptions]
    ) -> NumberAssignment:
        """Take a number from its agent. `POST /telephony/numbers/unassign`

        Args:
            number_id: the number's id.
            assignment_type: `"inbound"` or `"outbound"`.

        Raises:
            NotFoundError: no such number, or not yours.
        """
        return self._bridge.run(bind(self._async.unassign, number_id, assignment_type=assignment_type, **options))

    def delete(self, number_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Release a number. `DELETE /telephony/numbers/{number_id}`

        Raises:
            NotFoundError: no such number, or not yours.
        """
        return self._bridge.run(bind(self._async.delete, number_id, **options))
