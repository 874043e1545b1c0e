"""Phone numbers: search, buy, import, assign to agents, release."""

from __future__ import annotations

import hashlib
from itertools import islice

from trudy.sandbox.domain import account_numbers, number_market
from trudy.sandbox.http import problems
from trudy.sandbox.http.contract import BASE_PATH, Json
from trudy.sandbox.http.handler import ApiRequest, HandlerReply, by_offset, slice_of
from trudy.sandbox.routes.agents import find_agent

_PAGE_SIZE = 20
_NEEDED = {
    "telnyx": (("api_key",),),
    "twilio": (("api_key",), ("account_sid", "auth_token")),
    "custom_sip": (("sip_username", "sip_password", "sip_server"),),
}
"""What each provider must be given: one of these groups, whole."""


def list_numbers(request: ApiRequest) -> HandlerReply:
    """GET /telephony/numbers?limit&offset"""
    limit, offset = slice_of(request.query)
    rows, total = request.world.state.numbers.page(limit, offset)
    return HandlerReply(data=[_present(request, row) for row in rows], pagination=by_offset(total, limit, offset))


def search_numbers(request: ApiRequest) -> HandlerReply:
    """POST /telephony/numbers/search; changes nothing."""
    body, owned = request.body, request.world.state.numbers
    page, size = body.get("page", 1), body.get("page_size", _PAGE_SIZE)
    found = [offer for offer in number_market.offers(body) if account_numbers.id_of(offer.phone_number) not in owned]
    shown = islice(found, min((page - 1) * size, len(found)), min(page * size, len(found)))
    pagination = {
        "page": page,
        "page_size": size,
        "total_results": len(found),
        "total_pages": -(-len(found) // size),
        "has_more": page * size < len(found),
    }
    return HandlerReply(data=[offer.present() for offer in shown], pagination=pagination)


def purchase_number(request: ApiRequest) -> HandlerReply:
    """POST /telephony/numbers/purchase"""
    world, number = request.world, request.body["phone_number"]
    world.check_payment()
    if not number_market.is_on_sale(number) or account_numbers.id_of(number) in world.state.numbers:
        raise problems.invalid("phone_number", "is not available", value=number)
    return _provisioned(account_numbers.new_number(world.state, number, now=request.now))


def import_number(request: ApiRequest) -> HandlerReply:
    """POST /telephony/numbers/import; the secrets in it are not kept."""
    state, body = request.world.state, request.body
    number, provider = body["phone_number"], body["provider_type"]
    groups = _NEEDED[provider]
    if not any(all(body.get(name) for name in group) for group in groups):
        begun = next((group for group in groups if any(body.get(name) for name in group)), groups[-1])
        raise problems.invalid(next(name for name in begun if not body.get(name)), f"is required for {provider}")
    if account_numbers.id_of(number) in state.numbers:
        raise problems.invalid("phone_number", "is there already", value=number)
    row = account_numbers.new_number(
        state,
        number,
        now=request.now,
        provider_type=provider,
        friendly_name=body.get("friendly_name"),
        credential_id=_credential(request, provider),
    )
    return _provisioned(row)


def assign_number(request: ApiRequest) -> HandlerReply:
    """POST /telephony/numbers/assign; a number serves one agent in each direction."""
    body = request.body
    row = _find(request, body["number_id"])
    agent = find_agent(request, body["agent_id"])
    direction: account_numbers.Direction = body["assignment_type"]
    if row[f"{direction}_agent_id"] not in (None, agent["id"]):
        raise problems.invalid("number_id", "serves another agent; unassign it first", value=row["id"])
    account_numbers.assign(request.world.state, row, direction, agent["id"], now=request.now)
    return HandlerReply(
        data={
            "number": row["phone_number"],
            "number_id": row["id"],
            "agent_id": agent["id"],
            "assignment_type": direction,
            "assigned_at": request.world.wire.time(request.now),
        }
    )


def unassign_number(request: ApiRequest) -> HandlerReply:
    """POST /telephony/numbers/unassign"""
    body = request.body
    row = _find(request, body["number_id"])
    direction: account_numbers.Direction = body["assignment_type"]
    if row[f"{direction}_agent_id"] is None:
        raise problems.invalid("number_id", f"serves no agent for {direction} calls", value=row["id"])
    account_numbers.assign(request.world.state, row, direction, None, now=request.now)
    return HandlerReply(
        data={
            "number": row["phone_number"],
            "number_id": row["id"],
            "agent_id": None,
            "assignment_type": direction,
            "unassigned": True,
            "unassigned_at": request.world.wire.time(request.now),
        }
    )


def release_number(request: ApiRequest) -> HandlerReply:
    """DELETE /telephony/numbers/{number_id}; the agents it served lose it."""
    state = request.world.state
    row = _find(request, request.params["number_id"])
    for direction in account_numbers.DIRECTIONS:
        account_numbers.assign(state, row, direction, None, now=request.now)
    account_numbers.release(state, row)
    return HandlerReply(data={"id": row["id"], "deleted": True})


def agent_numbers(request: ApiRequest) -> HandlerReply:
    """GET /telephony/agents/{agent_id}/numbers"""
    agent = find_agent(request, request.params["agent_id"])
    return HandlerReply(data={"inbound": agent["inbound_phone_numbers"], "outbound": agent["outbound_phone_numbers"]})


def agent_webhook_url(request: ApiRequest) -> HandlerReply:
    """GET /telephony/agents/{agent_id}/webhook-url; the same each time."""
    agent = find_agent(request, request.params["agent_id"])
    url = f"{request.connection.api_origin}{BASE_PATH}/telephony/inbound/{agent['id']}"
    return HandlerReply(data={"webhook_url": url, "agent_id": agent["id"]})


def list_credentials(request: ApiRequest) -> HandlerReply:
    """GET /telephony/credentials; the accounts of imported numbers, without their secrets."""
    wire = request.world.wire
    rows = [
        {
            "id": row["id"],
            "provider_type": row["provider_type"],
            "friendly_name": row["friendly_name"],
            "created_at": wire.time(row["created_at"]),
            "updated_at": wire.time(row["created_at"]),
        }
        for row in request.world.state.credentials
    ]
    return HandlerReply(data=rows)


HANDLERS = {
    "list_phone_numbers": list_numbers,
    "search_phone_numbers": search_numbers,
    "purchase_phone_number": purchase_number,
    "import_phone_number": import_number,
    "assign_phone_number": assign_number,
    "unassign_phone_number": unassign_number,
    "delete_phone_number": release_number,
    "get_agent_phone_numbers": agent_numbers,
    "get_agent_webhook_url": agent_webhook_url,
    "list_telephony_credentials": list_credentials,
}


def _find(request: ApiRequest, number_id: str) -> Json:
    row = request.world.state.numbers.get(number_id)
    if row is None:
        raise problems.not_found("Number")
    return row


def _credential(request: ApiRequest, provider: str) -> str:
    """The id of the account that these members name; the same account is kept once."""
    body = request.body
    secret = "\n".join(str(body.get(name) or "") for group in _NEEDED[provider] for name in group)
    digest = hashlib.sha256(f"{provider}\n{secret}".encode()).hexdigest()
    credentials = request.world.state.credentials
    for known in credentials:
        if known["digest"] == digest:
            return str(known["id"])
    row: Json = {
        "id": request.world.state.ids.new("credential"),
        "provider_type": provider,
        "friendly_name": body.get("friendly_name"),
        "created_at": request.now,
        "digest": digest,
    }
    credentials.put(row["id"], row)
    return str(row["id"])


def _provisioned(row: Json) -> HandlerReply:
    return HandlerReply(
        status=201,
        data={
            "id": row["id"],
            "number_id": row["id"],
            "phone_number": row["phone_number"],
            "credential_id": row["credential_id"],
        },
    )


def _present(request: ApiRequest, row: Json) -> Json:
    wire = request.world.wire
    served = row["outbound_agent_id"] or row["inbound_agent_id"]
    return row | {
        "status": "assigned" if served else "active",
        "agent_id": served,
        "created_at": wire.time(row["created_at"]),
        "updated_at": wire.time(row["updated_at"]),
    }
