from __future__ import annotations

import base64
from typing import Any

import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio


async def create(api: Any, number: str = "+14155550100", **members: Any) -> dict[str, Any]:
    answer = await api("POST", "/contacts", {"phone_number": number} | members)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def new_folder(api: Any, name: str = "Leads", **members: Any) -> dict[str, Any]:
    answer = await api("POST", "/contacts/folders", {"name": name} | members)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def numbers(api: Any, query: str = "") -> list[str]:
    return [row["phone_number"] for row in (await api("GET", f"/contacts?{query}")).json()["data"]]


async def import_form(api: Any, content: bytes, **fields: str) -> Any:
    return await api("POST", "/contacts/import", files={"file": ("contacts.csv", content, "text/csv")}, data=fields)


async def test_a_contact_has_the_names_of_both_generations(api: Any) -> None:
    contact = await create(
        api,
        first_name="Ann",
        last_name="Lee",
        email="a@b.test",
        company_name="Acme",
        keywords=["a", "b"],
        custom_fields={"plan": "gold"},
    )
    assert (contact["name"], contact["phone"], contact["phone_number"]) == ("Ann Lee", "+14155550100", "+14155550100")
    assert contact["custom_fields"] == contact["metadata"] == {"plan": "gold"}
    assert (contact["call_count"], contact["last_called_at"], contact["last_call_outcome"]) == (0, None, None)
    assert (contact["keywords"], contact["industry"]) == (["a", "b"], None)
    assert contact["created_at"] == contact["updated_at"] == "2025-06-15T15:07:00.000000Z"
    assert (await api("GET", f"/contacts/{contact['id']}")).json()["data"] == contact
    assert (await create(api, metadata={"x": 1}))["custom_fields"] == {"x": 1}


async def test_without_a_folder_it_goes_to_the_default_one(api: Any) -> None:
    assert (await api("GET", "/contacts/folders")).json()["data"] == []
    first, second = await create(api), await create(api)
    assert first["folder_id"] == second["folder_id"]
    (folder,) = (await api("GET", "/contacts/folders")).json()["data"]
    assert (folder["id"], folder["name"], folder["contact_count"]) == (first["folder_id"], "Default", 2)
    await api("DELETE", f"/contacts/folders/{folder['id']}")
    assert await numbers(api) == []
    assert (await create(api))["folder_id"] == folder["id"]


async def test_update_changes_only_what_was_sent(sandbox: Sandbox, api: Any) -> None:
    contact, folder = await create(api, first_name="Ann", email="a@b.test"), await new_folder(api)
    sandbox.advance(seconds=5)
    path = f"/contacts/{contact['id']}"
    body = {"last_name": "Lee", "email": None, "phone_number": None, "folder_id": folder["id"], "id": "mine"}
    changed = (await api("PATCH", path, body)).json()["data"]
    assert changed == contact | {
        "last_name": "Lee",
        "name": "Ann Lee",
        "email": None,
        "folder_id": folder["id"],
        "updated_at": "2025-06-15T15:07:05.000000Z",
    }
    assert await numbers(api, f"folder_id={folder['id']}") == ["+14155550100"]
    assert await numbers(api, f"folder_id={contact['folder_id']}") == []


async def test_delete(api: Any) -> None:
    contact = await create(api)
    answer = await api("DELETE", f"/contacts/{contact['id']}")
    data = {"id": contact["id"], "contact_id": contact["id"], "deleted": True}
    assert (answer.status_code, answer.json()["data"]) == (200, data)
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert (await api(method, f"/contacts/{contact['id']}", body)).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "phone_number"),
        ({"phone_number": "4155550100"}, 422, "phone_number"),
        ({"phone_number": None}, 422, "phone_number"),
        ({"phone_number": "+14155550100", "first_name": "x" * 101}, 422, "first_name"),
        ({"phone_number": "+14155550100", "email": "me"}, 422, "email"),
        ({"phone_number": "+14155550100", "keywords": 7}, 422, "keywords"),
        ({"phone_number": "+14155550100", "custom_fields": []}, 422, "custom_fields"),
        ({"phone_number": "+14155550100", "folder_id": "none"}, 404, None),
    ],
)
async def test_what_is_refused(api: Any, body: dict[str, Any], status: int, field: str | None) -> None:
    answer = await api("POST", "/contacts", body)
    assert (answer.status_code, answer.json()["error"]["details"].get("field")) == (status, field)
    contact = await create(api)
    if body and body.get("phone_number", ""):
        answer = await api("PATCH", f"/contacts/{contact['id']}", body)
        assert (answer.status_code, answer.json()["error"]["details"].get("field")) == (status, field)


async def test_pages_and_offsets(api: Any) -> None:
    for index in range(5):
        await create(api, f"+1415555010{index}")
    first = (await api("GET", "/contacts?limit=2")).json()
    assert [row["phone"] for row in first["data"]] == ["+14155550104", "+14155550103"]
    assert first["pagination"] == {"page": 1, "limit": 2, "total": 5, "pages": 3}
    last = (await api("GET", "/contacts?limit=2&page=3")).json()
    assert [row["phone"] for row in last["data"]] == ["+14155550100"]
    by_offset = (await api("GET", "/contacts?limit=2&offset=1")).json()
    assert [row["phone"] for row in by_offset["data"]] == ["+14155550103", "+14155550102"]
    assert by_offset["pagination"] == {"total": 5, "limit": 2, "offset": 1, "has_more": True}
    beyond = (await api("GET", "/contacts?page=9")).json()
    assert (beyond["data"], beyond["pagination"]["pages"]) == ([], 1)
    for query in ("page=0", "limit=101", "last_call_outcome=happy"):
        answer = await api("GET", f"/contacts?{query}")
        assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, query.partition("=")[0])


async def test_search_and_last_outcome(sandbox: Sandbox, api: Any) -> None:
    people = {
        "+14155550100": ("Ann", "contacted"),
        "+14155550110": ("Bo", "no_answer"),
        "+14155550120": ("Cy", "no_answer"),
        "+14155550130": ("Di", "voicemail"),
        "+14155550170": ("Ed", "not_interested"),
        "+14155550180": ("Flo", "interested"),
    }
    for number, (name, _) in people.items():
        await create(api, number, first_name=name, email=f"{name.lower()}@b.test")
        await api.call(number)
    await create(api, "+14155550101", company_name="Anners")
    assert await numbers(api, "last_call_outcome=contacted") == []
    sandbox.advance(hours=1)
    for number, (_, outcome) in people.items():
        assert number in await numbers(api, f"last_call_outcome={outcome}")
    assert await numbers(api, "last_call_outcome=no_answer") == ["+14155550120", "+14155550110"]
    assert await numbers(api, "search=aNN") == ["+14155550101", "+14155550100"]
    assert await numbers(api, "search=ann&last_call_outcome=contacted") == ["+14155550100"]
    assert await numbers(api, "search=0130") == ["+14155550130"]
    assert await numbers(api, "search=ed@b") == ["+14155550170"]
    (ann,) = (await api("GET", "/contacts?search=ann@")).json()["data"]
    assert (ann["call_count"], ann["last_called_at"]) == (1, "2025-06-15T15:07:00.000000Z")


async def test_folders_are_sorted_and_counted(sandbox: Sandbox, api: Any) -> None:
    folders = []
    for name, size in (("b", 1), ("c", 0), ("a", 2)):
        folder = await new_folder(api, name, description="d")
        folders.append(folder)
        sandbox.advance(seconds=1)
        for _ in range(size):
            await create(api, folder_id=folder["id"])

    async def names(query: str) -> str:
        return "".join(row["name"] for row in (await api("GET", f"/contacts/folders?{query}")).json()["data"])

    assert folders[0]["description"] == "d"
    assert await names("") == "acb"
    assert await names("order=asc") == "bca"
    assert await names("sort_by=name") == "cba"
    assert await names("sort_by=name&order=asc") == "abc"
    assert await names("sort_by=contact_count") == "abc"
    assert await names("sort_by=contact_count&order=asc&limit=1&offset=1") == "b"
    page = (await api("GET", "/contacts/folders?limit=2")).json()["pagination"]
    assert page == {"total": 3, "limit": 2, "offset": 0, "has_more": True}
    for query in ("sort_by=size", "order=up"):
        assert (await api("GET", f"/contacts/folders?{query}")).status_code == 422


async def test_a_folder_goes_with_its_contacts(api: Any) -> None:
    folder = await new_folder(api)
    await create(api, "+14155550100", folder_id=folder["id"])
    await create(api, "+14155550101")
    answer = await api("DELETE", f"/contacts/folders/{folder['id']}")
    assert answer.json()["data"] == {"id": folder["id"], "deleted": True}
    assert await numbers(api) == ["+14155550101"]
    assert (await api("DELETE", f"/contacts/folders/{folder['id']}")).status_code == 404
    assert (await api("POST", "/contacts/folders", {"name": ""})).status_code == 422


async def test_a_file_is_imported_row_by_row(api: Any) -> None:
    content = b"phone,name,email,plan\n+14155550100,Ann Lee,a@b.test,gold\n4155550101,Bo,,\n+14155550102,Cy,me,\n"
    answer = await import_form(api, content)
    result = answer.json()["data"]
    assert answer.status_code == 201
    assert {name: result[name] for name in ("imported", "updated", "skipped", "errors")} == {
        "imported": 1,
        "updated": 0,
        "skipped": 0,
        "errors": 2,
    }
    assert (result["successful"], result["failed"]) == (1, 2)
    assert result["error_details"] == [
        {"row": 3, "phone": "4155550101", "reason": "phone_number must be in E.164 form, such as +14155550100"},
        {"row": 4, "phone": "+14155550102", "reason": "email must be an e-mail address"},
    ]
    (contact,) = (await api("GET", f"/contacts?folder_id={result['folder_id']}")).json()["data"]
    assert (contact["name"], contact["custom_fields"]) == ("Ann Lee", {"plan": "gold"})


async def test_known_numbers_are_skipped_or_overwritten(api: Any) -> None:
    folder = await new_folder(api)
    await create(api, "+14155550100", first_name="Old", email="a@b.test", folder_id=folder["id"])
    content = b"phone,name\n+14155550100,New\n+14155550101,Bo\n+14155550101,Bob\n"
    kept = (await import_form(api, content, folder_id=folder["id"])).json()["data"]
    assert (kept["imported"], kept["updated"], kept["skipped"]) == (1, 0, 2)
    replaced = (await import_form(api, content, folder_id=folder["id"], overwrite_existing="true")).json()["data"]
    assert (replaced["imported"], replaced["updated"], replaced["skipped"]) == (0, 3, 0)
    rows = (await api("GET", f"/contacts?folder_id={folder['id']}")).json()["data"]
    assert [(row["first_name"], row["email"]) for row in rows] == [("Bob", None), ("New", "a@b.test")]


async def test_json_imports(api: Any) -> None:
    folder = await new_folder(api)
    body = {
        "folder_id": folder["id"],
        "base64_file": base64.b64encode(b"Tel,Vor,Ort\n+14155550100,Bo,Ulm\n").decode(),
        "filename": "x.csv",
        "mapping_config": {"Tel": "phone_number", "Vor": "first_name"},
        "contacts": [{"phone_number": "+14155550101", "custom_fields": {"a": 1}}],
    }
    answer = await api("POST", "/contacts/import", body)
    assert (answer.status_code, answer.json()["data"]["successful"]) == (201, 2)
    rows = (await api("GET", "/contacts")).json()["data"]
    assert [(row["phone"], row["metadata"]) for row in rows] == [
        ("+14155550100", {"Ort": "Ulm"}),
        ("+14155550101", {"a": 1}),
    ]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "folder_id"),
        ({"folder_id": "none"}, 404, None),
        ({"folder_id": "F"}, 422, "base64_file"),
        ({"folder_id": "F", "base64_file": "!"}, 422, "base64_file"),
        ({"folder_id": "F", "base64_file": "eA=="}, 422, "base64_file"),
        ({"folder_id": "F", "base64_file": "/w=="}, 422, "base64_file"),
        ({"folder_id": "F", "file_key": "k"}, 422, "file_key"),
        ({"folder_id": "F", "contacts": [{}]}, 422, "contacts.0.phone_number"),
        ({"folder_id": "F", "mapping_config": {"a": 1}}, 422, "mapping_config.a"),
    ],
)
async def test_faulty_json_imports(api: Any, body: dict[str, Any], status: int, field: str | None) -> None:
    if body.get("folder_id") == "F":
        body = body | {"folder_id": (await new_folder(api))["id"]}
    answer = await api("POST", "/contacts/import", body)
    assert (answer.status_code, answer.json()["error"]["details"].get("field")) == (status, field)


async def test_faulty_forms(api: Any) -> None:
    for content in (b"", b"name\nBo\n", b"\xff\xfe", b"PK\x03\x04"):
        answer = await import_form(api, content)
        assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "file")
    assert (await import_form(api, b"phone\n", folder_id="none")).status_code == 404
    answer = await import_form(api, b"phone\n", overwrite_existing="maybe")
    assert answer.json()["error"]["details"]["field"] == "overwrite_existing"
    broken = await api(
        "POST", "/contacts/import", content=b"x", headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "bad_request")
