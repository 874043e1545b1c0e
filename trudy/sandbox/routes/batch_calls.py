"""Batch calls: create, change, schedule, pause, resume, delete. What a batch does between follows from the clock."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from trudy._hours import WorkingHours
from trudy.sandbox.clock import LATEST
from trudy.sandbox.domain import contacts, lifecycle, new_call, values
from trudy.sandbox.domain.campaign import Campaign, CampaignSettings, Member, Status
from trudy.sandbox.domain.campaign_runner import numbers_of
from trudy.sandbox.http import problems
from trudy.sandbox.http.contract import Json
from trudy.sandbox.http.handler import ApiRequest, HandlerReply, by_offset, slice_of
from trudy.sandbox.ids import Ids
from trudy.sandbox.routes.agents import find_agent
from trudy.sandbox.routes.calls import bulk_result, credits_of

_DEFAULTS: Json = {
    "phone_number_ids": None,
    "phone_rotation_strategy": "random",
    "contact_source": "csv",
    "contact_folder_id": None,
    "schedule_type": "immediate",
    "timezone": "UTC",
    "scheduled_at": None,
    "start_time": None,
    "end_time": None,
    "working_days": [1, 2, 3, 4, 5],
    "max_calls_per_day": None,
    "max_concurrent_calls": 10,
    "retry_failed": False,
    "max_retry_attempts": 0,
}
_CHANGEABLE = (
    "name",
    "phone_number_ids",
    "phone_rotation_strategy",
    "scheduled_at",
    "start_time",
    "end_time",
    "working_days",
    "max_calls_per_day",
    "max_concurrent_calls",
    "retry_failed",
    "max_retry_attempts",
)
_MIDNIGHT = ("00:00", "24:00")
"""Two ways to write the end of a day."""
_TIME_OF_DAY = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def list_batches(request: ApiRequest) -> HandlerReply:
    """GET /batch-calls?agent_id&status&limit&offset"""
    limit, offset = slice_of(request.query)
    agent_id, status = request.query.get("agent_id"), request.query.get("status")

    def keep(campaign: Campaign) -> bool:
        return agent_id in (None, campaign.agent_id) and status in (None, campaign.status)

    wanted = keep if agent_id is not None or status is not None else None
    campaigns, total = request.world.state.campaigns.page(limit, offset, wanted)
    data = [_present(request, campaign) for campaign in campaigns]
    return HandlerReply(data=data, pagination=by_offset(total, limit, offset))


def create_batch(request: ApiRequest) -> HandlerReply:
    """POST /batch-calls; a draft, whatever its schedule."""
    world, body = request.world, request.body
    world.check_payment()
    agent = find_agent(request, body["agent_id"])
    described = {name: body[name] if body.get(name) is not None else default for name, default in _DEFAULTS.items()}
    described["name"] = body["name"]
    if described["schedule_type"] == "scheduled" and described["scheduled_at"] is None:
        raise problems.invalid("scheduled_at", "is required for schedule_type scheduled")
    if described["contact_source"] == "folder" and described["contact_folder_id"] is None:
        raise problems.invalid("contact_folder_id", "is required for contact_source folder")
    _check_numbers(described, agent)
    members = _members(request)
    campaign = Campaign(
        id=world.state.ids.new("batch"),
        order=world.next_campaign(),
        agent_id=agent["id"],
        created_at=request.now,
        updated_at=request.now,
        settings=_settings(described),
        described=described,
    )
    campaign.add(members, request.now)
    world.state.campaigns.put(campaign.id, campaign)
    return HandlerReply(status=201, data=_present(request, campaign))


def get_batch(request: ApiRequest) -> HandlerReply:
    """GET /batch-calls/{batch_call_id}"""
    return HandlerReply(data=_present(request, _find(request)))


def update_batch(request: ApiRequest) -> HandlerReply:
    """PATCH /batch-calls/{batch_call_id}; while it is a draft, scheduled or paused. Null resets to the default."""
    campaign, body = _find(request), request.body
    _check_status(campaign, "draft", "scheduled", "paused")
    changes = {name: _DEFAULTS.get(name) if body[name] is None else body[name] for name in _CHANGEABLE if name in body}
    if changes.get("name", "") is None:
        del changes["name"]
    described = campaign.described | changes
    agent = request.world.state.agents.get(campaign.agent_id)
    if agent is not None and "phone_number_ids" in changes:
        _check_numbers(described, agent)
    campaign.settings, campaign.described = _settings(described), described
    scheduled_at: str | None = changes.get("scheduled_at")
    if campaign.start_at is not None and scheduled_at is not None:
        campaign.start_at = max(values.moment(scheduled_at), request.now)
    campaign.plan_anew(request.now)
    request.world.campaigns.watch(campaign)
    return HandlerReply(data=_present(request, campaign))


def delete_batch(request: ApiRequest) -> HandlerReply:
    """DELETE /batch-calls/{batch_call_id}; a draft, or one that failed or was cancelled."""
    campaign = _find(request)
    _check_status(campaign, *_DELETABLE)
    request.world.state.campaigns.remove(campaign.id)
    return HandlerReply(data={"id": campaign.id, "deleted": True})


def bulk_delete_batches(request: ApiRequest) -> HandlerReply:
    """POST /batch-calls/bulk-delete"""
    campaigns = request.world.state.campaigns

    def delete(campaign_id: str) -> bool:
        campaign = campaigns.get(campaign_id)
        return campaign is not None and campaign.status in _DELETABLE and campaigns.remove(campaign_id)

    return HandlerReply(data=bulk_result(request.body["ids"], delete))


def schedule_batch(request: ApiRequest) -> HandlerReply:
    """POST /batch-calls/{batch_call_id}/schedule; without a time in the request it starts now, as documented."""
    campaign, body, now = _find(request), request.body, request.now
    _check_status(campaign, "draft")
    request.world.check_payment()
    described = campaign.described
    if "timezone" in body:
        described = described | {"timezone": body["timezone"]}
    wanted: str | None = body.get("scheduled_at")
    if wanted is not None:
        described = described | {"scheduled_at": wanted}
    settings = _settings(described)
    agent = find_agent(request, campaign.agent_id)
    if not numbers_of(campaign, agent):
        raise problems.no_outbound_number()
    if not campaign.members:
        raise problems.invalid("contacts", "must have at least 1 item")
    campaign.described, campaign.settings = described, settings
    campaign.schedule(now if wanted is None else values.moment(wanted), now)
    request.world.campaigns.watch(campaign)
    wire = request.world.wire
    members = {"scheduled_at": wire.optional_time(campaign.start_at), "timezone": described["timezone"]}
    return HandlerReply(status=201, data=_change(campaign) | members)


def pause_batch(request: ApiRequest) -> HandlerReply:
    """POST /batch-calls/{batch_call_id}/pause; from active or scheduled."""
    campaign = _find(request)
    _check_status(campaign, "active", "scheduled")
    campaign.pause(request.now)
    request.world.campaigns.watch(campaign)
    return HandlerReply(status=201, data=_change(campaign) | {"paused_at": request.world.wire.time(request.now)})


def resume_batch(request: ApiRequest) -> HandlerReply:
    """POST /batch-calls/{batch_call_id}/resume; from paused."""
    campaign = _find(request)
    _check_status(campaign, "paused")
    campaign.resume(request.now)
    request.world.campaigns.watch(campaign)
    return HandlerReply(status=201, data=_change(campaign) | {"resumed_at": request.world.wire.time(request.now)})


def list_batch_contacts(request: ApiRequest) -> HandlerReply:
    """GET /batch-calls/{batch_call_id}/contacts?status&limit&offset; in the order they were given."""
    campaign, status = _find(request), request.query.get("status")
    limit, offset = slice_of(request.query)
    members = campaign.members
    if status is not None:
        members = [member for member in members if member.status == status]
    data = [_present_member(request, member) for member in members[offset : offset + limit]]
    return HandlerReply(data=data, pagination=by_offset(len(members), limit, offset))


def add_batch_contacts(request: ApiRequest) -> HandlerReply:
    """POST /batch-calls/{batch_call_id}/contacts; numbers it has already, or cannot call, are counted as failed."""
    campaign, given = _find(request), request.body["contacts"]
    _check_status(campaign, "draft", "scheduled", "active", "paused")
    usable = [row for row in given if new_call.outcome_for(request.world, row["phone_number"]) is not None]
    known = campaign.add((_given_member(request.world.state.ids, row) for row in usable), request.now)
    request.world.campaigns.watch(campaign)
    failed = known + len(given) - len(usable)
    return HandlerReply(status=201, data={"added_count": len(given) - failed, "failed_count": failed})


def get_analytics(request: ApiRequest) -> HandlerReply:
    """GET /batch-calls/{batch_call_id}/analytics; its members are a guess, as no page shows them."""
    campaign = _find(request)
    if not request.world.options.experimental:
        raise problems.unknown_path()
    over = [
        call
        for member in campaign.members
        for call in request.world.state.placed_to.get(member.phone_number, ())
        if call.campaign_id == campaign.id and request.now >= call.timeline.ended_at
    ]
    data = campaign.counts | {
        "batch_call_id": campaign.id,
        "calls": len(over),
        "end_reasons": dict(Counter(call.timeline.end_reason for call in over)),
        "talk_seconds": sum(lifecycle.talked_seconds(call.timeline) for call in over),
        "cost_credits": sum(credits_of(call.timeline) for call in over),
    }
    return HandlerReply(data=data)


HANDLERS = {
    "list_batch_calls": list_batches,
    "create_batch_call": create_batch,
    "bulk_delete_batch_calls": bulk_delete_batches,
    "get_batch_call": get_batch,
    "update_batch_call": update_batch,
    "delete_batch_call": delete_batch,
    "schedule_batch_call": schedule_batch,
    "pause_batch_call": pause_batch,
    "resume_batch_call": resume_batch,
    "list_batch_call_contacts": list_batch_contacts,
    "add_batch_call_contacts": add_batch_contacts,
    "get_batch_call_analytics": get_analytics,
}

_DELETABLE: tuple[Status, ...] = ("draft", "failed", "cancelled")


def _find(request: ApiRequest) -> Campaign:
    campaign = request.world.state.campaigns.get(request.params["batch_call_id"])
    if campaign is None:
        raise problems.not_found("Batch call")
    return campaign


def _check_status(campaign: Campaign, *allowed: Status) -> None:
    if campaign.status not in allowed:
        raise problems.invalid("status", f"is {campaign.status}; must be {' or '.join(allowed)}", value=campaign.status)


def _check_numbers(described: Json, agent: Json) -> None:
    wanted: list[str] | None = described["phone_number_ids"]
    own = {number["id"] for number in agent["outbound_phone_numbers"]}
    if wanted is not None and (not wanted or not own.issuperset(wanted)):
        raise problems.invalid("phone_number_ids", "must be outbound numbers of the agent", value=wanted)


def _settings(described: Json) -> CampaignSettings:
    start = _time_of_day(described, "start_time") or time()
    end = None if described["end_time"] in _MIDNIGHT else _time_of_day(described, "end_time")
    if end is not None and end == start:
        raise problems.invalid("end_time", "must be another time than start_time", value=described["end_time"])
    if not described["working_days"]:
        raise problems.invalid("working_days", "must have at least 1 item", value=[])
    if described["scheduled_at"] is not None and not 0 <= values.moment(described["scheduled_at"]) < LATEST:
        raise problems.invalid("scheduled_at", "is out of range", value=described["scheduled_at"])
    hours = WorkingHours(
        zone=_zone(described["timezone"]),
        days=frozenset(described["working_days"]),
        start=start,
        end=end,
    )
    return CampaignSettings(
        hours=hours,
        max_concurrent_calls=described["max_concurrent_calls"],
        max_calls_per_day=described["max_calls_per_day"],
        attempts=1 + (described["max_retry_attempts"] if described["retry_failed"] else 0),
    )


def _time_of_day(described: Json, name: str) -> time | None:
    text: str | None = described[name]
    if text is not None and not _TIME_OF_DAY.fullmatch(text):
        raise problems.invalid(name, "must be a time of day such as 09:30", value=text)
    return None if text is None else time.fromisoformat(text)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise problems.invalid("timezone", "must be an IANA time zone such as America/New_York", value=name) from None


def _members(request: ApiRequest) -> Iterable[Member]:
    body, state = request.body, request.world.state
    rows: list[Json] = []
    if body.get("contact_source") == "folder":
        if body["contact_folder_id"] not in state.folders:
            raise problems.not_found("Folder")
        rows += reversed(list(state.contacts.of(body["contact_folder_id"])))
    chosen: list[str] = body.get("contact_ids") or []
    for contact_id in chosen:
        contact = state.contacts.get(contact_id)
        if contact is None:
            raise problems.not_found("Contact")
        rows.append(contact)
    given: list[Json] = body.get("contacts") or []
    for index, row in enumerate(given):
        if new_call.outcome_for(request.world, row["phone_number"]) is None:
            raise new_call.not_fictional(f"contacts.{index}.phone_number", row["phone_number"])
    return [*map(_stored_member, rows), *(_given_member(state.ids, row) for row in given)]


def _stored_member(contact: Json) -> Member:
    return Member(
        contact_id=contact["id"],
        phone_number=contact["phone_number"],
        first_name=contact["first_name"],
        last_name=contact["last_name"],
        variables=contacts.variables_of(contact),
    )


def _given_member(ids: Ids, row: Json) -> Member:
    own = {name: row[name] for name in ("first_name", "last_name", "email") if row.get(name)}
    return Member(
        contact_id=ids.new("contact"),
        phone_number=row["phone_number"],
        first_name=row.get("first_name"),
        last_name=row.get("last_name"),
        variables=own | (row.get("custom_fields") or {}),
    )


def _change(campaign: Campaign) -> Json:
    return {"id": campaign.id, "status": campaign.status}


def _present(request: ApiRequest, campaign: Campaign) -> Json:
    world, described = request.world, campaign.described
    wire, agent = world.wire, world.state.agents.get(campaign.agent_id)
    numbers = [] if agent is None else numbers_of(campaign, agent)
    start_at = campaign.start_at
    if start_at is None and described["scheduled_at"] is not None:
        start_at = values.moment(described["scheduled_at"])
    members: dict[str, Any] = described | campaign.counts
    return members | {
        "id": campaign.id,
        "status": campaign.status,
        "agent_id": campaign.agent_id,
        "from_number": numbers[0] if numbers else None,
        "scheduled_at": wire.optional_time(start_at),
        "concurrency": described["max_concurrent_calls"],
        "retry_attempts": described["max_retry_attempts"],
        "created_at": wire.time(campaign.created_at),
        "updated_at": wire.time(campaign.updated_at),
    }


def _present_member(request: ApiRequest, member: Member) -> Json:
    wire, call = request.world.wire, member.last_call
    return {
        "contact_id": member.contact_id,
        "phone_number": member.phone_number,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "call_status": member.status,
        "call_id": None if call is None else call.id,
        "called_at": wire.optional_time(None if call is None else call.created_at),
        "scheduled_at": wire.optional_time(member.due),
    }
