"""Contacts and their folders."""

from __future__ import annotations

from itertools import chain

from trudy.sandbox.domain import contact_import, contacts, values
from trudy.sandbox.domain.spreadsheet import UnreadableError
from trudy.sandbox.http import problems
from trudy.sandbox.http.contract import JSON_TYPE, Json, operation
from trudy.sandbox.http.handler import LIMIT, ApiRequest, HandlerReply, by_offset, by_page, slice_of
from trudy.sandbox.http.multipart import FormFile

_SEARCHED = ("first_name", "last_name", "phone_number", "email", "company_name")


def list_folders(request: ApiRequest) -> HandlerReply:
    """GET /contacts/folders?sort_by&order&limit&offset"""
    query, state = request.query, request.world.state
    limit, offset = slice_of(query)
    sort_by, descending = query.get("sort_by", "created_at"), query.get("order", "desc") == "desc"
    oldest_first = [_present_folder(request, folder) for folder in reversed(list(state.folders))]
    if sort_by == "created_at":
        folders = oldest_first[::-1] if descending else oldest_first
    else:
        folders = sorted(oldest_first, key=lambda folder: folder[sort_by], reverse=descending)
    return HandlerReply(data=folders[offset : offset + limit], pagination=by_offset(len(folders), limit, offset))


def create_folder(request: ApiRequest) -> HandlerReply:
    """POST /contacts/folders"""
    body, state = request.body, request.world.state
    folder = contacts.new_folder(state, state.ids.new("folder"), body["name"], body.get("description"), now=request.now)
    return HandlerReply(status=201, data=_present_folder(request, folder))


def delete_folder(request: ApiRequest) -> HandlerReply:
    """DELETE /contacts/folders/{folder_id}; its contacts go too."""
    state, folder_id = request.world.state, _folder(request, request.params["folder_id"])
    for contact in list(state.contacts.of(folder_id)):
        state.contacts.remove(contact["id"])
    state.folders.remove(folder_id)
    return HandlerReply(data={"id": folder_id, "deleted": True})


def list_contacts(request: ApiRequest) -> HandlerReply:
    """GET /contacts?folder_id&search&last_call_outcome&page&limit, or &offset in place of page."""
    query, state, now = request.query, request.world.state, request.now
    limit, page = query.get("limit", LIMIT), query.get("page", 1)
    offset = query.get("offset", (page - 1) * limit)
    search, outcome = query.get("search", "").casefold(), query.get("last_call_outcome")

    def keep(contact: Json) -> bool:
        return (not search or any(search in (contact[name] or "").casefold() for name in _SEARCHED)) and (
            outcome is None or contacts.last_outcome(state, contact, now) == outcome
        )

    wanted = keep if search or outcome else None
    found, total = state.contacts.page(limit, offset, wanted, group=query.get("folder_id"))
    pagination = by_offset(total, limit, offset) if "offset" in query else by_page(total, limit, page)
    return HandlerReply(data=[_present(request, contact) for contact in found], pagination=pagination)


def create_contact(request: ApiRequest) -> HandlerReply:
    """POST /contacts"""
    folder_id = _folder(request, request.body.get("folder_id"))
    contact = contacts.new_contact(request.world.state, folder_id, request.body, now=request.now)
    return HandlerReply(status=201, data=_present(request, contact))


def get_contact(request: ApiRequest) -> HandlerReply:
    """GET /contacts/{contact_id}"""
    return HandlerReply(data=_present(request, _find(request)))


def update_contact(request: ApiRequest) -> HandlerReply:
    """PATCH /contacts/{contact_id}"""
    contact, body = _find(request), request.body
    if body.get("folder_id") is not None:
        _folder(request, body["folder_id"])
    contact = contacts.changed_contact(request.world.state, contact, body, now=request.now)
    return HandlerReply(data=_present(request, contact))


def delete_contact(request: ApiRequest) -> HandlerReply:
    """DELETE /contacts/{contact_id}"""
    contact = _find(request)
    request.world.state.contacts.remove(contact["id"])
    return HandlerReply(data={"id": contact["id"], "deleted": True, "contact_id": contact["id"]})


def import_contacts(request: ApiRequest) -> HandlerReply:
    """POST /contacts/import; as a form with a file, or as JSON."""
    body, state, now = request.body, request.world.state, request.now
    folder_id = _folder(request, body.get("folder_id") or None)
    upload = body.get("file")
    try:
        found = contact_import.entries(upload.content) if isinstance(upload, FormFile) else _entries_of_json(body)
    except UnreadableError as error:
        raise problems.invalid("file" if upload is not None else "base64_file", str(error)) from None
    known = {contact["phone_number"]: contact for contact in state.contacts.of(folder_id)}
    create = operation("create_contact").bodies[JSON_TYPE]

    def check(members: Json) -> str | None:
        fault = create.fault(members)
        return None if fault is None else f"{fault.field} {fault.reason}"

    def put(members: Json) -> contact_import.Taken:
        number = members["phone_number"]
        if number not in known:
            known[number] = contacts.new_contact(state, folder_id, members, now=now)
            return "imported"
        if body.get("overwrite_existing") is not True:
            return "skipped"
        members = {name: value for name, value in members.items() if name != "folder_id"}
        known[number] = contacts.changed_contact(state, known[number], members, now=now)
        return "updated"

    return HandlerReply(status=201, data=contact_import.take(found, check=check, put=put).result(folder_id))


HANDLERS = {
    "list_contact_folders": list_folders,
    "create_contact_folder": create_folder,
    "delete_contact_folder": delete_folder,
    "list_contacts": list_contacts,
    "create_contact": create_contact,
    "get_contact": get_contact,
    "update_contact": update_contact,
    "delete_contact": delete_contact,
    "import_contacts": import_contacts,
}


def _entries_of_json(body: Json) -> list[contact_import.Entry]:
    if body.get("file_key"):
        raise problems.invalid("file_key", "names no uploaded file", value=body["file_key"])
    if body.get("base64_file") is None and body.get("contacts") is None:
        raise problems.invalid("base64_file", "is required")
    given = [contact_import.Entry(row, members) for row, members in enumerate(body.get("contacts") or [], start=1)]
    if body.get("base64_file") is None:
        return given
    content = values.decoded(body["base64_file"], "base64_file")
    read = contact_import.entries(content, mapping=body.get("mapping_config"), rest="metadata")
    return list(chain(given, read))


def _find(request: ApiRequest) -> Json:
    contact = request.world.state.contacts.get(request.params["contact_id"])
    if contact is None:
        raise problems.not_found("Contact")
    return contact


def _folder(request: ApiRequest, folder_id: str | None) -> str:
    state = request.world.state
    if folder_id is None:
        return contacts.default_folder(state, now=request.now)
    if folder_id not in state.folders:
        raise problems.not_found("Folder")
    return folder_id


def _present_folder(request: ApiRequest, folder: Json) -> Json:
    wire = request.world.wire
    return folder | {
        "contact_count": request.world.state.contacts.count(folder["id"]),
        "created_at": wire.time(folder["created_at"]),
        "updated_at": wire.time(folder["updated_at"]),
    }


def _present(request: ApiRequest, contact: Json) -> Json:
    """The contact as the API shows it, with the names of older and newer pages."""
    state, wire = request.world.state, request.world.wire
    calls = contacts.calls_of(state, contact)
    return contact | {
        "name": contacts.full_name(contact),
        "phone": contact["phone_number"],
        "custom_fields": contact["custom_fields"] or contact["metadata"] or {},
        "metadata": contact["metadata"] or contact["custom_fields"] or {},
        "call_count": len(calls),
        "last_called_at": wire.optional_time(calls[-1].created_at if calls else None),
        "last_call_outcome": contacts.last_outcome(state, contact, request.now),
        "created_at": wire.time(contact["created_at"]),
        "updated_at": wire.time(contact["updated_at"]),
    }
