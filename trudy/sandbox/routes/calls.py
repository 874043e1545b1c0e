"""Calls: create, read, delete, list; transcript and recording. The state of a call follows from the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from trudy.sandbox.domain import lifecycle, new_call, values
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.domain.outcome_by_number import Outcome
from trudy.sandbox.faults.rules import NO_FAULT, Fault
from trudy.sandbox.http import problems
from trudy.sandbox.http.contract import Json
from trudy.sandbox.http.handler import ApiRequest, HandlerReply, by_offset, rate_limited, slice_of
from trudy.sandbox.http.recordings import FORMAT
from trudy.sandbox.routes.agents import find_agent

HANG_SECONDS = 30.0
"""The delay of an answer that hangs: longer than usual read timeouts."""
LIST_LAG_SECONDS = 10.0
"""How long a new call is missing from lists, with the quirk `lagging_calls`."""

_CREDITS_A_MINUTE = 1.0
_USD_A_CREDIT = 0.1
"""Made up; each minute begun costs a credit."""

_FAULTS = {
    Outcome.SERVER_ERROR_AFTER: Fault(status=500, effect=True, message="Something went wrong on our side"),
    Outcome.RESET_AFTER: Fault(reset="after"),
    Outcome.HANG: Fault(delay=HANG_SECONDS),
}


def list_calls(request: ApiRequest) -> HandlerReply:
    """GET /calls?status&direction&agent_id&created_after&created_before&limit&offset"""
    query = request.query
    limit, offset = slice_of(query)
    calls, total = request.world.state.calls.page(
        limit,
        offset,
        now=request.now,
        agent_id=query.get("agent_id"),
        direction=query.get("direction"),
        status=query.get("status"),
        after=_moment(query, "created_after"),
        before=_listed_before(request),
    )
    return HandlerReply(data=[present(request, call) for call in calls], pagination=by_offset(total, limit, offset))


def create_call(request: ApiRequest) -> HandlerReply:
    """POST /calls"""
    world, body = request.world, request.body
    if body.get("direction", "outbound") != "outbound":
        raise problems.invalid("direction", "must be outbound", value=body["direction"])
    settings: Json = body.get("call_settings") or {}
    values.check_durations(settings, "max_duration", "join_timeout", prefix="call_settings.")
    world.check_payment()
    agent = find_agent(request, body["agent_id"])
    number: str = body["phone_number"]
    outcome = new_call.outcome_for(world, number)
    if outcome is None:
        raise new_call.not_fictional("phone_number", number)
    from_number = _from_number(agent, body.get("from_number"))
    _refuse(request, number, outcome)
    call = new_call.place(
        world,
        agent,
        number,
        outcome,
        now=request.now,
        from_number=from_number,
        settings=new_call.settings_for(agent, settings),
        variables=new_call.as_texts(_variables(body)),
        idempotency_key=request.idempotency_key,
    )
    return HandlerReply(status=201, data=present(request, call), fault=_FAULTS.get(outcome, NO_FAULT))


def get_call(request: ApiRequest) -> HandlerReply:
    """GET /calls/{call_id}"""
    return HandlerReply(data=present(request, _find(request)))


def get_transcript(request: ApiRequest) -> HandlerReply:
    """GET /calls/{call_id}/transcript; 404 until some seconds after the end."""
    call = _find(request)
    if not lifecycle.has_transcript(call, request.now):
        raise problems.not_found("Transcript")
    turns = lifecycle.transcript(call)
    return HandlerReply(data={"call_id": call.id, "transcript": turns, "summary": lifecycle.summary(call)})


def get_recording(request: ApiRequest) -> HandlerReply:
    """GET /calls/{call_id}/recording; 404 until some seconds after the end."""
    call = _find(request)
    url = _recording_url(request, call)
    if url is None:
        raise problems.not_found("Recording")
    seconds = lifecycle.talked_seconds(call.timeline)
    return HandlerReply(data={"call_id": call.id, "recording_url": url, "format": FORMAT, "duration_seconds": seconds})


def delete_call(request: ApiRequest) -> HandlerReply:
    """DELETE /calls/{call_id}; refused while the call is in flight."""
    call = _find(request)
    if _is_in_flight(call, request.now):
        raise problems.invalid("status", "the call is still in flight", value=None)
    request.world.state.calls.remove(call.id)
    return HandlerReply(data={"id": call.id, "deleted": True})


def bulk_delete_calls(request: ApiRequest) -> HandlerReply:
    """POST /calls/bulk-delete"""
    calls = request.world.state.calls

    def delete(call_id: str) -> bool:
        call = calls.get(call_id)
        return call is not None and not _is_in_flight(call, request.now) and calls.remove(call_id)

    return HandlerReply(data=bulk_result(request.body["ids"], delete))


def bulk_result(ids: list[str], delete: Callable[[str], bool]) -> Json:
    """Delete each id once; returns the documented answer, with those deleted and those that failed."""
    outcomes = {row_id: delete(row_id) for row_id in dict.fromkeys(ids)}
    deleted, failed = ([row_id for row_id, done in outcomes.items() if done is wanted] for wanted in (True, False))
    return {
        "deleted_count": len(deleted),
        "failed_count": len(failed),
        "deleted_ids": deleted,
        "failed_ids": failed,
    }


HANDLERS = {
    "list_calls": list_calls,
    "create_call": create_call,
    "get_call": get_call,
    "delete_call": delete_call,
    "get_call_transcript": get_transcript,
    "get_call_recording": get_recording,
    "bulk_delete_calls": bulk_delete_calls,
}


def present(request: ApiRequest, call: PlacedCall) -> Json:
    """The call as the API shows it now. Its numbers have all the names that pages use for them."""
    timeline, now, wire = call.timeline, request.now, request.world.wire
    is_over = now >= timeline.ended_at
    answered_at = timeline.answered_at if timeline.answered_at is not None and now >= timeline.answered_at else None
    ended_at = wire.time(timeline.ended_at) if is_over else None
    seconds = lifecycle.talked_seconds(timeline) if is_over else None
    credits_used = credits_of(timeline) if is_over else None
    has_transcript = lifecycle.has_transcript(call, now)
    number = call.to or None
    return {
        "id": call.id,
        "agent_id": call.agent_id,
        "status": lifecycle.status_at(timeline, now),
        "direction": call.direction,
        "phone_number": number,
        "to": number,
        "to_number": number,
        "from": call.from_number,
        "from_number": call.from_number,
        "duration_seconds": seconds,
        "end_reason": timeline.end_reason if is_over else None,
        "recording_url": _recording_url(request, call),
        "transcript_url": f"{request.connection.api_origin}/api/public/v1/calls/{call.id}/transcript"
        if has_transcript
        else None,
        "summary": lifecycle.summary(call) if has_transcript else None,
        "cost_credits": credits_used,
        "cost_usd": None if credits_used is None else round(credits_used * _USD_A_CREDIT, 4),
        "variables": dict(call.variables),
        "call_settings": dict(call.call_settings),
        "metadata": _metadata(call),
        "started_at": wire.optional_time(answered_at),
        "ended_at": ended_at,
        "completed_at": ended_at,
        "created_at": wire.time(timeline.created_at),
        "updated_at": wire.time(lifecycle.changed_at(timeline, now)),
    }


def credits_of(timeline: lifecycle.Timeline) -> float:
    """The credits that a call costs: one for each minute begun."""
    return -(-lifecycle.talked_seconds(timeline) // 60) * _CREDITS_A_MINUTE


def _find(request: ApiRequest) -> PlacedCall:
    call = request.world.state.calls.get(request.params["call_id"])
    if call is None:
        raise problems.not_found("Call")
    return call


def _is_in_flight(call: PlacedCall, now: float) -> bool:
    return now < call.timeline.ended_at


def _metadata(call: PlacedCall) -> Json:
    members = {"campaign_id": call.campaign_id, "contact_id": call.contact_id}
    return {name: value for name, value in members.items() if value is not None}


def _listed_before(request: ApiRequest) -> float | None:
    """The time before which calls must be placed to be listed; None for all."""
    wanted = _moment(request.query, "created_before")
    if "lagging_calls" not in request.world.wire.quirks:
        return wanted
    known = request.now - LIST_LAG_SECONDS
    return known if wanted is None else min(known, wanted)


def _moment(query: Mapping[str, Any], name: str) -> float | None:
    return values.moment(query[name]) if name in query else None


def _variables(body: Json) -> Json:
    """The variables of a request, under their name or an older one that some pages still show."""
    variables: object = body.get("variables") or body.get("context") or {}
    if not isinstance(variables, dict):
        raise problems.invalid("context", "must be an object", value=variables)
    return cast("Json", variables)


def _from_number(agent: Json, wanted: str | None) -> str:
    numbers: list[str] = [entry["phone_number"] for entry in agent["outbound_phone_numbers"]]
    if not numbers:
        raise problems.no_outbound_number()
    if wanted is None:
        return numbers[0]
    if wanted not in numbers:
        raise problems.invalid("from_number", "is not an outbound number of the agent", value=wanted)
    return wanted


def _refuse(request: ApiRequest, number: str, outcome: Outcome) -> None:
    """Raise the refusal that the number forces, if any, before a call is placed."""
    world = request.world
    match outcome:
        case Outcome.REFUSED:
            raise problems.invalid("phone_number", "this number cannot be called", value=number)
        case Outcome.PAYMENT_REQUIRED:
            raise problems.payment_required("insufficient_credits")
        case Outcome.FORBIDDEN:
            raise problems.forbidden()
        case Outcome.RATE_LIMITED_ONCE if number not in world.state.rate_limited:
            world.state.rate_limited.add(number)
            raise rate_limited(world, request.connection, request.now)
        case _:
            return


def _recording_url(request: ApiRequest, call: PlacedCall) -> str | None:
    if not lifecycle.has_recording(call, request.now):
        return None
    return request.connection.media_origin + request.world.links.sign(call.id, now=request.now)
