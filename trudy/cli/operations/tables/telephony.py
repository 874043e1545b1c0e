# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""`trudy telephony`."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup

GROUP: Final = ApiGroup(
    name="telephony",
    summary="Phone numbers, and which agent uses them.",
    operations=(
        ApiCommand(
            name="telephony.list_agent_numbers",
            summary="List the numbers that an agent answers, and those it calls from.",
            endpoint="GET /telephony/agents/{agent_id}/numbers",
            result="one",
            model="AgentNumbers",
            arguments=(
                ApiArgument(
                    name="agent_id", kind="text", help="The id of the agent.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="telephony.get_agent_webhook_url",
            summary="Read where a carrier of your own sends an agent's calls.",
            endpoint="GET /telephony/agents/{agent_id}/webhook-url",
            result="one",
            model="AgentWebhookUrl",
            arguments=(
                ApiArgument(
                    name="agent_id", kind="text", help="The id of the agent.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="telephony.list_credentials",
            summary="List the stored credentials of your own carriers, without their secrets.",
            endpoint="GET /telephony/credentials",
            result="pages",
            model="TelephonyCredential",
        ),
    ),
    inner=(
        ApiGroup(
            name="telephony.numbers",
            summary="Phone numbers: search, buy, import, assign and release them.",
            operations=(
                ApiCommand(
                    name="telephony.numbers.list",
                    summary="List the numbers you have.",
                    endpoint="GET /telephony/numbers",
                    result="pages",
                    model="PhoneNumber",
                    arguments=(
                        ApiArgument(
                            name="limit",
                            kind="whole",
                            help="At most so many numbers, 1 to 100; all of them by default.",
                        ),
                        ApiArgument(name="offset", kind="whole", help="Leave out so many at the start."),
                        ApiArgument(
                            name="page_size",
                            kind="whole",
                            help="Numbers a request when iterating over all, 1 to 100.",
                            default="100",
                        ),
                    ),
                ),
                ApiCommand(
                    name="telephony.numbers.search",
                    summary="Search numbers that can be bought.",
                    about=("It only reads, so it is retried like a GET.",),
                    endpoint="POST /telephony/numbers/search",
                    result="pages",
                    model="AvailableNumber",
                    arguments=(
                        ApiArgument(name="country_code", kind="text", help="Two letters; US if left out."),
                        ApiArgument(name="locality", kind="text", help="A town.", is_nullable=True),
                        ApiArgument(
                            name="area_code", kind="text", help="The digits after the country's code.", is_nullable=True
                        ),
                        ApiArgument(
                            name="administrative_area",
                            kind="text",
                            help="A state or province, such as CA.",
                            is_nullable=True,
                        ),
                        ApiArgument(
                            name="phone_number_type",
                            kind="word",
                            help="Local, toll-free, mobile or national.",
                            is_nullable=True,
                            words=("local", "toll_free", "mobile", "national"),
                        ),
                        ApiArgument(
                            name="api_key",
                            kind="secret",
                            help="A key of your own for the carrier; masked in errors.",
                            is_nullable=True,
                        ),
                        ApiArgument(
                            name="page",
                            kind="whole",
                            help="Exactly the page with this number, from 1, of --page-size numbers.",
                        ),
                        ApiArgument(
                            name="page_size",
                            kind="whole",
                            help="Most numbers a request, 1 to 100; one page of the documentation says 50.",
                            default="50",
                        ),
                        ApiArgument(
                            name="limit",
                            kind="whole",
                            help="At most so many numbers, 1 to 100; all of them by default. Carriers have very many.",
                        ),
                    ),
                ),
                ApiCommand(
                    name="telephony.numbers.purchase",
                    summary="Buy a number.",
                    about=(
                        "It costs money, and so is never sent twice by itself: after an error without an answer, look in list whether you have it.",
                    ),
                    endpoint="POST /telephony/numbers/purchase",
                    result="one",
                    model="ProvisionedNumber",
                    arguments=(
                        ApiArgument(
                            name="phone_number",
                            kind="text",
                            help="E.164, as search gave it.",
                            is_positional=True,
                            is_required=True,
                        ),
                        ApiArgument(
                            name="api_key",
                            kind="secret",
                            help="A key of your own for the carrier; masked in errors.",
                            is_nullable=True,
                        ),
                    ),
                ),
                ApiCommand(
                    name="telephony.numbers.import_",
                    summary="Bring a number that you have at a carrier.",
                    about=("Keys, tokens and passwords are masked in errors. Never sent twice by itself.",),
                    endpoint="POST /telephony/numbers/import",
                    result="one",
                    model="ProvisionedNumber",
                    arguments=(
                        ApiArgument(
                            name="phone_number", kind="text", help="E.164.", is_positional=True, is_required=True
                        ),
                        ApiArgument(
                            name="provider_type",
                            kind="word",
                            help="The carrier, or custom_sip.",
                            is_required=True,
                            words=("telnyx", "twilio", "custom_sip"),
                        ),
                        ApiArgument(
                            name="api_key",
                            kind="secret",
                            help="For Telnyx, which needs it, and Twilio.",
                            is_nullable=True,
                        ),
                        ApiArgument(name="account_sid", kind="text", help="For Twilio.", is_nullable=True),
                        ApiArgument(name="auth_token", kind="secret", help="For Twilio.", is_nullable=True),
                        ApiArgument(
                            name="sip_username",
                            kind="text",
                            help="For custom SIP, which needs it and the next two.",
                            is_nullable=True,
                        ),
                        ApiArgument(name="sip_password", kind="secret", help="For custom SIP.", is_nullable=True),
                        ApiArgument(name="sip_server", kind="text", help="For custom SIP.", is_nullable=True),
                        ApiArgument(
                            name="friendly_name", kind="text", help="What it is called here.", is_nullable=True
                        ),
                    ),
                ),
                ApiCommand(
                    name="telephony.numbers.assign",
                    summary="Give a number to an agent, to answer it or to call from it.",
                    about=(
                        "A number serves one agent in each direction. Without an outbound number an agent can call nobody.",
                    ),
                    endpoint="POST /telephony/numbers/assign",
                    result="one",
                    model="NumberAssignment",
                    arguments=(
                        ApiArgument(
                            name="number_id", kind="text", help="The number's id.", is_positional=True, is_required=True
                        ),
                        ApiArgument(name="agent_id", kind="text", help="The agent.", is_required=True),
                        ApiArgument(
                            name="assignment_type",
                            kind="word",
                            help="inbound to answer, outbound to call.",
                            is_required=True,
                            words=("inbound", "outbound"),
                        ),
                    ),
                ),
                ApiCommand(
                    name="telephony.numbers.unassign",
                    summary="Take a number from its agent.",
                    endpoint="POST /telephony/numbers/unassign",
                    result="one",
                    model="NumberAssignment",
                    arguments=(
                        ApiArgument(
                            name="number_id", kind="text", help="The number's id.", is_positional=True, is_required=True
                        ),
                        ApiArgument(
                            name="assignment_type",
                            kind="word",
                            help="inbound or outbound.",
                            is_required=True,
                            words=("inbound", "outbound"),
                        ),
                    ),
                ),
                ApiCommand(
                    name="telephony.numbers.delete",
                    summary="Release a number.",
                    endpoint="DELETE /telephony/numbers/{number_id}",
                    result="one",
                    model="Deleted",
                    arguments=(
                        ApiArgument(
                            name="number_id",
                            kind="text",
                            help="The id of the number.",
                            is_positional=True,
                            is_required=True,
                        ),
                    ),
                ),
            ),
        ),
    ),
)
