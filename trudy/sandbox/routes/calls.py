"""Calls: placed once, then read; what they are at any moment follows from the clock."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from trudy.sandbox import lifecycle, problems, validation
from trudy.sandbox.desk import ApiRequest, Method, Reply, rate_limited
from trudy.sandbox.faults import NO_FAULT, Fault
from trudy.sandbox.lifecycle import PlacedCall
from trudy.sandbox.outcomes import PLACEHOLDER_NUMBER, Outcome, outcome_of, settle
from trudy.sandbox.recording import FORMAT
from trudy.sandbox.routes.agents import pagination
from trudy.sandbox.validation import Json

if TYPE_CHECKING:
    from trudy.sandbox.sandbox import Sandbox

HANG_SECONDS = 30.0

_SETTINGS: Json = {
    "recording_enabled": True,
    "transcription_enabled": True,
    "greeting": None,
    "max_duration": "3600s",
    "join_timeout": "30s",
}
_CREDITS_A_MINUTE = 1.0
_USD_A_CREDIT = 0.1

_FAULTS = {
    Outcome.SERVER_ERROR_AFTER: Fault(status=500, effect=True, message="Something went wrong on our side"),
    Outcome.RESET_AFTER: Fault(reset="after"),
    Outcome.HANG: Fault(delay=HANG_SECONDS),
}


def list_calls(request: ApiRequest) -> Reply:
    """GET /calls?status&direction&agent_id&created_after&created_before&limit&offset"""
    limit, offset = validation.parse_page(request.query)
    query, now = request.query, request.now
    after, before = validation.parse_time(query, "created_after"), validation.parse_time(query, "created_before")
    status, agent_id, direction = query.get("status"), query.get("agent_id"), query.get("direction")

    def keep(call: PlacedCall) -> bool:
        return (
            (agent_id is None or call.agent_id == agent_id)
            and (direction is None or direction == "outbound")
            and (after is None or call.created_at > after)
            and (before is None or call.created_at < before)
            and (status is None or lifecycle.status_at(call.timeline, now) == status)
        )

    wanted = None if (after, before, status, agent_id, direction) == (None,) * 5 else keep
    calls, total = request.sandbox.state.calls.page(limit, offset, wanted)
    return Reply(data=[present(request, call) for call in calls], pagination=pagination(total, limit, offset))


def create_call(request: ApiRequest) -> Reply:
    """POST /calls"""
    body = request.json()
    validation.check_body(body, validation.CALL)
    settings: Json = body.get("call_settings") or {}
    validation.check_body(settings, validation.CALL_SETTINGS, prefix="call_settings.")
    sandbox = request.sandbox
    if sandbox.payment_required is not None:
        raise problems.payment_required(sandbox.payment_required)
    agent = sandbox.state.agents.get(body["agent_id"])
    if agent is None:
        raise problems.not_found("Agent")
    number: str = body["phone_number"]
    outcome = _outcome(sandbox, number)
    from_number = _from_number(agent, body.get("from_number"))
    _refuse(request, number, outcome)
    variables: Json = body.get("variables") or body.get("context") or {}
    call = _place(
        request,
        agent,
        number,
        outcome,
        from_number=from_number,
        settings=_SETTINGS | {name: value for name, value in settings.items() if value is not None},
        variables={name: value if isinstance(value, str) else str(value) for name, value in variables.items()},
    )
    return Reply(status=201, data=present(request, call), fault=_FAULTS.get(outcome, NO_FAULT))


def get_call(request: ApiRequest) -> Reply:
    """GET /calls/{call_id}"""
    return Reply(data=present(request, _find(request)))


def get_transcript(request: ApiRequest) -> Reply:
    """GET /calls/{call_id}/transcript; 404 until some seconds after the end."""
    call = _find(request)
    if not lifecycle.has_transcript(call, request.now):
        raise problems.not_found("Transcript")
    turns = lifecycle.transcript(call)
    return Reply(data={"call_id": call.id, "transcript": turns, "summary": lifecycle.summary(call)})


def get_recording(request: ApiRequest) -> Reply:
    """GET /calls/{call_id}/recording; 404 until some seconds after the end."""
    call = _find(request)
    url = _recording_url(request, call)
    if url is None:
        raise problems.not_found("Recording")
    seconds = lifecycle.talk_seconds(call.timeline)
    return Reply(data={"call_id": call.id, "recording_url": url, "format": FORMAT, "duration_seconds": seconds})


def delete_call(request: ApiRequest) -> Reply:
    """DELETE /calls/{call_id}; refused while the call is in flight."""
    call = _find(request)
    if _is_in_flight(call, request.now):
        raise problems.invalid("status", "the call is still in flight", value=None)
    request.sandbox.state.calls.remove(call.id)
    return Reply(data={"id": call.id, "deleted": True})


def bulk_delete_calls(request: ApiRequest) -> Reply:
    """POST /calls/bulk-delete"""
    body = request.json()
    validation.check_body(body, validation.BULK_DELETE)
    calls = request.sandbox.state.calls
    deleted: list[str] = []
    failed: list[str] = []
    for call_id in dict.fromkeys(body["ids"]):
        call = calls.get(call_id)
        if call is None or _is_in_flight(call, request.now):
            failed.append(call_id)
        else:
            calls.remove(call_id)
            deleted.append(call_id)
    return Reply(
        data={
            "deleted_count": len(deleted),
            "failed_count": len(failed),
            "deleted_ids": deleted,
            "failed_ids": failed,
        }
    )


COLLECTION = {"GET": Method(handle=list_calls), "POST": Method(handle=create_call, idempotent_by_key=True)}
BULK_DELETE = {"POST": Method(handle=bulk_delete_calls)}
ITEM = {"GET": Method(handle=get_call), "DELETE": Method(handle=delete_call)}
TRANSCRIPT = {"GET": Method(handle=get_transcript)}
RECORDING = {"GET": Method(handle=get_recording)}


def present(request: ApiRequest, call: PlacedCall) -> Json:
    """The call as the API shows it now, under all the names its numbers have on the pages."""
    timeline, now, wire = call.timeline, request.now, request.sandbox.wire
    is_over = now >= timeline.ended_at
    answered_at = timeline.answered_at if timeline.answered_at is not None and now >= timeline.answered_at else None
    ended_at = wire.time(timeline.ended_at) if is_over else None
    seconds = lifecycle.talk_seconds(timeline) if is_over else None
    credits_used = None if seconds is None else -(-seconds // 60) * _CREDITS_A_MINUTE
    has_transcript = lifecycle.has_transcript(call, now)
    return {
        "id": call.id,
        "agent_id": call.agent_id,
        "status": lifecycle.status_at(timeline, now),
        "direction": "outbound",
        "phone_number": call.to,
        "to": call.to,
        "to_number": call.to,
        "from": call.from_number,
        "from_number": call.from_number,
        "duration_seconds": seconds,
        "end_reason": timeline.end_reason if is_over else None,
        "recording_url": _recording_url(request, call),
        "transcript_url": f"{request.door.api_origin}/api/public/v1/calls/{call.id}/transcript"
        if has_transcript
        else None,
        "summary": lifecycle.summary(call) if has_transcript else None,
        "cost_credits": credits_used,
        "cost_usd": None if credits_used is None else round(credits_used * _USD_A_CREDIT, 4),
        "variables": dict(call.variables),
        "call_settings": dict(call.call_settings),
        "metadata": {},
        "started_at": wire.optional_time(answered_at),
        "ended_at": ended_at,
        "completed_at": ended_at,
        "created_at": wire.time(timeline.created_at),
        "updated_at": wire.time(lifecycle.changed_at(timeline, now)),
    }


def _find(request: ApiRequest) -> PlacedCall:
    call = request.sandbox.state.calls.get(request.params["call_id"])
    if call is None:
        raise problems.not_found("Call")
    return call


def _is_in_flight(call: PlacedCall, now: float) -> bool:
    return now < call.timeline.ended_at


def _outcome(sandbox: Sandbox, number: str) -> Outcome:
    outcome = outcome_of(number)
    if outcome is None and (sandbox.any_number or (sandbox.placeholders and number == PLACEHOLDER_NUMBER)):
        return Outcome.COMPLETED
    if outcome is None:
        raise problems.invalid(
            "phone_number", "the sandbox calls only fictional numbers such as +14155550100", value=number
        )
    return outcome


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
    """Raise where the number forces a refusal before any call is placed."""
    sandbox = request.sandbox
    match outcome:
        case Outcome.REFUSED:
            raise problems.invalid("phone_number", "this number cannot be called", value=number)
        case Outcome.PAYMENT_REQUIRED:
            raise problems.payment_required("insufficient_credits")
        case Outcome.FORBIDDEN:
            raise problems.forbidden()
        case Outcome.RATE_LIMITED_ONCE if number not in sandbox.state.rate_limited:
            sandbox.state.rate_limited.add(number)
            raise rate_limited(sandbox, request.door, request.now)
        case _:
            return


def _place(
    request: ApiRequest,
    agent: Json,
    number: str,
    outcome: Outcome,
    *,
    from_number: str,
    settings: Json,
    variables: dict[str, str],
) -> PlacedCall:
    sandbox = request.sandbox
    state = sandbox.state
    state.attempts[number] += 1
    attempt = state.attempts[number]
    settled = settle(outcome, number=number, attempt=attempt, seed=sandbox.seed)
    call = PlacedCall(
        id=str(uuid.uuid4()),
        agent_id=agent["id"],
        agent_name=agent["name"],
        to=number,
        from_number=from_number,
        attempt=attempt,
        outcome=settled,
        idempotency_key=request.idempotency_key,
        variables=variables,
        call_settings=settings,
        greeting=settings["greeting"] or agent["greeting"],
        timeline=lifecycle.plan(
            settled,
            created_at=request.now,
            join_timeout=validation.parse_seconds(settings["join_timeout"]),
            max_duration=validation.parse_seconds(settings["max_duration"]),
        ),
    )
    state.calls.put(call.id, call)
    state.placed.append(call)
    return call


def _recording_url(request: ApiRequest, call: PlacedCall) -> str | None:
    if not lifecycle.has_recording(call, request.now):
        return None
    return request.door.media_origin + request.sandbox.links.sign(call.id, now=request.now)
