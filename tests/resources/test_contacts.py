from __future__ import annotations

import base64
import csv
import io
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.passing import as_time_goes_by
from tests.fakes.wire import Wire, envelope, refusal, rows
from trudy import AsyncTrudyClient, InvalidArgumentError, ResponseDecodeError, ServerError
from trudy.resources import contacts as resource
from trudy.resources._contact_file import CSV, XLSX, check_contact_file, column_name
from trudy.resources._uploads import Upload, multipart
from trudy.sandbox.domain.contact_import import entries
from trudy.sandbox.domain.spreadsheet import UnreadableError

Use = Callable[[AsyncTrudyClient], Awaitable[object]]
GOOD = b"phone,name\r\n+14155552671,Ada\r\n"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("use", "method", "path", "body"),
    [
        (lambda c: c.contacts.get("c1"), "GET", "/contacts/c1", None),
        (lambda c: c.contacts.delete("c1"), "DELETE", "/contacts/c1", None),
        (
            lambda c: c.contacts.create(
                phone_number="+14155552671", first_name="Ada", keywords=["a", "b"], custom_fields={"n": 1}
            ),
            "POST",
            "/contacts",
            {"phone_number": "+14155552671", "first_name": "Ada", "keywords": "a,b", "custom_fields": {"n": 1}},
        ),
        (
            lambda c: c.contacts.update("c1", email=None, keywords="a, b"),
            "PATCH",
            "/contacts/c1",
            {"email": None, "keywords": "a, b"},
        ),
        (
            lambda c: c.contacts.folders.create(name="F", description=None),
            "POST",
            "/contacts/folders",
            {"name": "F", "description": None},
        ),
        (lambda c: c.contacts.folders.delete("f1"), "DELETE", "/contacts/folders/f1", None),
    ],
)
async def test_what_goes_over_the_wire(
    client: AsyncTrudyClient, wire: Wire, use: Use, method: str, path: str, body: object
) -> None:
    await use(client)
    assert (wire.last.method, wire.last.path, wire.last.body) == (method, path, body)
    assert "x-idempotency-key" not in wire.last.headers


@pytest.mark.anyio
async def test_contacts_are_paged_by_number(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(
        envelope([{"id": "a"}, {"id": "b"}], page=1, limit=2, total=3, pages=2),
        envelope([{"id": "c"}], page=2, limit=2, total=3, pages=2),
    )
    pager = client.contacts.list(folder_id="f", search="ada", last_call_outcome="voicemail", page_size=2)
    assert [contact.id async for contact in pager] == ["a", "b", "c"]
    fixed = {"folder_id": "f", "search": "ada", "last_call_outcome": "voicemail", "limit": "2"}
    assert [sent.query for sent in wire.sent] == [{**fixed, "page": "1"}, {**fixed, "page": "2"}]


@pytest.mark.anyio
async def test_one_page_can_be_asked_for(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope([{"id": "a"}], page=3, limit=20, total=90, pages=5))
    assert [contact.id async for contact in client.contacts.list(page=3, limit=20)] == ["a"]
    assert [sent.query for sent in wire.sent] == [{"page": "3", "limit": "20"}]


@pytest.mark.anyio
async def test_folders_are_sorted_by_the_server(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope([{"id": "f", "name": "F", "contact_count": "3"}]))
    (folder,) = [folder async for folder in client.contacts.folders.list(sort_by="name", order="asc")]
    assert folder.contact_count == 3
    assert wire.last.query == {"sort_by": "name", "order": "asc", "limit": "100", "offset": "0"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("use", "argument"),
    [
        (lambda c: c.contacts.create(phone_number="0415"), "phone_number"),
        (lambda c: c.contacts.create(phone_number="+14155552671", first_name="x" * 101), "first_name"),
        (lambda c: c.contacts.create(phone_number="+14155552671", folder_id=""), "folder_id"),
        (lambda c: c.contacts.update("c", phone_number="0415"), "phone_number"),
        (lambda c: c.contacts.list(page=1, offset=0), "offset"),
        (lambda c: c.contacts.list(page=0), "page"),
        (lambda c: c.contacts.list(limit=101), "limit"),
        (lambda c: c.contacts.folders.create(name=" "), "name"),
        (lambda c: c.contacts.import_file(GOOD, form="xml"), "form"),
        (lambda c: c.contacts.import_file(GOOD, form="json"), "folder_id"),
        (lambda c: c.contacts.import_file(GOOD, mapping_config={"a": "phone"}), "mapping_config"),
        (
            lambda c: c.contacts.import_file(GOOD, form="json", folder_id="f", overwrite_existing=True),
            "overwrite_existing",
        ),
        (lambda c: c.contacts.import_file(b""), "file"),
        (lambda c: c.contacts.import_file(7), "file"),
        (lambda c: c.contacts.import_file(io.StringIO("phone\n+1")), "file"),
        (lambda c: c.contacts.import_file(GOOD, extra_body={"a": 1}), "extra_body"),
    ],
)
async def test_bad_arguments_are_refused_before_anything_is_sent(
    client: AsyncTrudyClient, wire: Wire, use: Use, argument: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await use(client)
    assert caught.value.argument == argument
    assert wire.sent == []


def workbook() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


def form_parts(content_type: str, body: bytes) -> dict[str, Message]:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = message.get_payload()
    assert isinstance(parts, list)
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["path", "text path", "file", "bytes", "pair"])
async def test_a_file_is_imported_as_a_form(client: AsyncTrudyClient, wire: Wire, tmp_path: Path, how: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(GOOD)
    with path.open("rb") as file:
        source = {"path": path, "text path": str(path), "file": file, "bytes": GOOD, "pair": ("people.csv", GOOD)}[how]
        wire.answer(
            envelope({"imported": 1, "errors": 1, "error_details": [{"row": 2, "phone": "x", "reason": "no"}]}, 201)
        )
        result = await client.contacts.import_file(source, folder_id="f1", overwrite_existing=True)  # type: ignore[arg-type]
    assert (result.imported, result.errors, result.error_details[0].row) == (1, 1, 2)
    parts = form_parts(wire.last.headers["content-type"], wire.last.body)
    assert parts["folder_id"].get_payload() == "f1"
    assert parts["overwrite_existing"].get_payload() == "true"
    assert parts["file"].get_content_type() == "text/csv"
    assert parts["file"].get_filename() == ("contacts.csv" if how == "bytes" else "people.csv")
    assert b"\r\n\r\n" + GOOD + b"\r\n--" in wire.last.body


@pytest.mark.anyio
async def test_what_is_not_given_is_not_in_the_form(client: AsyncTrudyClient, wire: Wire) -> None:
    await client.contacts.import_file(workbook())
    parts = form_parts(wire.last.headers["content-type"], wire.last.body)
    assert parts.keys() == {"file"}
    assert parts["file"].get_content_type() == XLSX
    assert parts["file"].get_filename() == "contacts.xlsx"


@pytest.mark.anyio
async def test_a_file_is_imported_as_json_on_request(client: AsyncTrudyClient, wire: Wire) -> None:
    data = b"Mobile;x,Mobile\r\n1,+14155552671\r\n"
    wire.answer(envelope({"successful": 1, "failed": 2, "errors": ["row 3"]}))
    result = await client.contacts.import_file(
        data, form="json", folder_id="f1", filename="a.csv", mapping_config={"Mobile": "phone_number"}
    )
    assert (result.imported, result.errors) == (1, 2)
    assert wire.last.body == {
        "folder_id": "f1",
        "base64_file": base64.b64encode(data).decode(),
        "filename": "a.csv",
        "mapping_config": {"Mobile": "phone_number"},
    }


@pytest.mark.anyio
async def test_an_import_is_not_sent_twice(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(refusal(502, "bad_gateway"))
    with pytest.raises(ServerError):
        await client.contacts.import_file(GOOD)
    assert len(wire.sent) == 1


@pytest.mark.anyio
async def test_a_rate_limited_import_is_sent_again_byte_for_byte(
    client: AsyncTrudyClient, wire: Wire, clock: FakeClock
) -> None:
    wire.answer(refusal(429, "rate_limit_exceeded", reset_at="2027-01-15T08:00:10Z"), envelope({}))
    await as_time_goes_by(clock, lambda: client.contacts.import_file(GOOD))
    first, second = wire.sent
    assert first.body == second.body
    assert first.headers == second.headers


@pytest.mark.anyio
async def test_a_missing_file_is_an_os_error(client: AsyncTrudyClient, wire: Wire, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await client.contacts.import_file(tmp_path / "nobody.csv")
    assert wire.sent == []


@pytest.mark.anyio
@pytest.mark.parametrize("as_path", [True, False])
async def test_a_file_that_is_too_large_is_refused(
    client: AsyncTrudyClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, as_path: bool
) -> None:
    monkeypatch.setattr(resource, "LARGEST_IMPORT", 2 * 1024 * 1024)
    path = tmp_path / "large.csv"
    path.write_bytes(GOOD + b"," * 2 * 1024 * 1024)
    with path.open("rb") as file, pytest.raises(InvalidArgumentError, match="larger than 2 MB"):
        await client.contacts.import_file(path if as_path else file)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"name,email\r\nAda,a@b\r\n", "no column phone or phone_number"),
        (b"phone;name\r\n1;Ada\r\n", "separated by commas, not ';'"),
        (b"phone\tname\r\n1\tAda\r\n", "separated by commas"),
        (b"phone,name\r\n", "no contact"),
        (b"Phone-Number\r\n+1\r\n", "no column phone"),
        (b"\r\nphone\r\n+1\r\n", "no column phone or phone_number in its first line"),
        (b" , \r\nphone,name\r\n+1,Ada\r\n", "in its first line"),
        (b"phone,name\r\n , \r\n", "no contact"),
        (b"\xff\xfep\0h\0", "neither CSV in UTF-8 nor XLSX"),
        (b"phone,name\r\n+1,Ren\xe9\r\n", "not in UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
        (b"PK\x03\x04 and no more", "broken .xlsx"),
        (b'phone,"' + b"x" * 200_000 + b'"\r\n', "at line 1: .*limit.*quote"),
        (b'phone,name\n+1,"Bob' + b"\n+1,Eve" * 30_000, "at line [0-9]+: .*limit.*quote"),
        (b"\x89PNG\r\n\x1a\n\0\0", "neither CSV"),
    ],
)
def test_files_that_are_no_contacts_are_refused(data: bytes, fault: str) -> None:
    with pytest.raises(InvalidArgumentError, match=fault) as caught:
        check_contact_file(Upload(filename="a.csv", data=data))
    assert caught.value.argument == "file"


def test_an_archive_that_is_no_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    with pytest.raises(InvalidArgumentError, match="no Excel workbook"):
        check_contact_file(Upload(filename="a.xlsx", data=out.getvalue()))


@pytest.mark.parametrize(
    ("name", "data", "expected", "content_type"),
    [
        ("a.csv", GOOD, "a.csv", CSV),
        ("A.CSV", b"\xef\xbb\xbfPhone Number\n+1\n", "A.CSV", CSV),
        ("", b'"phone","x, y"\n+1,2\n', "contacts.csv", CSV),
        ("data.txt", GOOD, "data.txt.csv", CSV),
        ("people.csv", workbook(), "people.csv.xlsx", XLSX),
    ],
)
def test_a_files_kind_is_known_by_its_content(name: str, data: bytes, expected: str, content_type: str) -> None:
    upload, found = check_contact_file(Upload(filename=name, data=data))
    assert (upload.filename, found, upload.data) == (expected, content_type, data)


@given(
    st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8), min_size=1, max_size=5),
    st.lists(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8), max_size=5)),
)
def test_any_csv_is_accepted_exactly_if_it_has_a_phone_column_and_a_row(
    heading: list[str], rows: list[list[str]]
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["phone", *heading], *rows])
    text = out.getvalue()
    has_row = any(any(cell.strip() for cell in row) for row in rows)
    with nullcontext() if has_row else pytest.raises(InvalidArgumentError, match="no contact"):
        check_contact_file(Upload(filename="a.csv", data=text.encode()))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_check(data: bytes) -> None:
    with suppress(InvalidArgumentError):
        check_contact_file(Upload(filename="a", data=data))


@given(
    st.dictionaries(st.text(st.characters(codec="ascii", categories=("L",)), min_size=1), st.text(), max_size=3),
    st.binary(max_size=200),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
)
def test_a_form_reads_back_as_it_was_written(fields: dict[str, str], data: bytes, filename: str) -> None:
    body, content_type = multipart(fields, "a-file", Upload(filename=filename, data=data), "text/csv")
    boundary = content_type.partition("boundary=")[2].encode()
    pieces = body.split(b"--" + boundary)
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    read = [piece.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n") for piece in pieces[1:-1]]
    assert [content for _, _, content in read] == [*(value.encode() for value in fields.values()), data]
    assert all(
        len(head.split(b"\r\n")) == (2 if index == len(fields) else 1) for index, (head, _, _) in enumerate(read)
    )


@given(st.text())
def test_a_compared_heading_stays_as_it_is(text: str) -> None:
    name = column_name(text)
    assert column_name(name) == name


def test_a_heading_is_found_in_any_case_and_with_spaces() -> None:
    assert {column_name(text) for text in ("Phone Number", " phone number ", "PHONE_NUMBER")} == {"phone_number"}


def test_a_mapped_heading_is_taken_as_it_is_written() -> None:
    upload = Upload(filename="a.csv", data=b" Mobile ,phone\r\n+1,\r\n")
    assert check_contact_file(upload, ["Mobile"])[1] == CSV
    with pytest.raises(InvalidArgumentError, match="no column mobile"):
        check_contact_file(upload, ["mobile"])


LONG_CELL = b"x" * (csv.field_size_limit() + 1)


@pytest.mark.parametrize("base_url", ["", "https://api.truedy.ai/v1"])
def test_a_cell_too_long_for_the_check_is_left_to_the_server(base_url: str) -> None:
    data = b"phone,notes\n+14155552671,\n+14155552672," + LONG_CELL + b"\n"
    upload = Upload(filename="a.csv", data=data)
    assert check_contact_file(upload, base_url=base_url) == (upload, CSV)


def test_numbers_for_fiction_before_a_cell_too_long_are_found() -> None:
    upload = Upload(filename="a.csv", data=b"phone,notes\n+14155550100,\n+14155552672," + LONG_CELL + b"\n")
    with pytest.raises(InvalidArgumentError, match="line 2 a number kept for fiction"):
        check_contact_file(upload, base_url="https://api.truedy.ai/v1")


SPELLINGS = ("phone", "Phone Number", "phone-number", "", "name", " PHONE ", "Mobile")


@given(st.lists(st.lists(st.sampled_from(SPELLINGS), max_size=2), min_size=1, max_size=3))
def test_the_sandbox_finds_the_column_in_the_same_files(lines: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([*lines, ["+14155550100", "x"]])
    data = out.getvalue().encode()
    assert is_sent(data) == is_taken(data)


def is_sent(data: bytes) -> bool:
    try:
        check_contact_file(Upload(filename="a.csv", data=data))
    except InvalidArgumentError:
        return False
    return True


def is_taken(data: bytes) -> bool:
    try:
        return bool(entries(data))
    except UnreadableError:
        return False


@pytest.mark.anyio
async def test_a_page_that_does_not_follow_is_an_error_and_no_gap(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(rows("a", "b", page=0, limit=2, total=4, pages=2))
    with pytest.raises(ResponseDecodeError, match="page 0 of the list") as caught:
        await client.contacts.list(page_size=2)
    assert (caught.value.attempts, caught.value.request_id) == (1, "r-1")
