from __future__ import annotations

import pytest

from tests.sandbox.domain.test_spreadsheet import xlsx
from trudy.sandbox.domain.contact_import import Entry, entries, take
from trudy.sandbox.domain.spreadsheet import UnreadableError


def test_columns_have_their_members_and_the_rest_is_kept() -> None:
    content = b"Phone , Name,email,Company Name,plan\n+1, Ann Mary Lee ,a@b.test,Acme,gold\n\n , \n+2,Bo,,,\n"
    assert entries(content) == [
        Entry(
            2,
            {
                "phone_number": "+1",
                "first_name": "Ann",
                "last_name": "Mary Lee",
                "email": "a@b.test",
                "company_name": "Acme",
                "custom_fields": {"plan": "gold"},
            },
        ),
        Entry(5, {"phone_number": "+2", "first_name": "Bo"}),
    ]


def test_a_mapping_names_the_columns() -> None:
    mapping = {"Tel": "phone_number", "Vor": "first_name", "Ort": "nowhere"}
    content = b"Tel,Vor,Ort,email\n+1,Bo,Ulm,a@b.test\n"
    assert entries(content, mapping=mapping, rest="metadata") == [
        Entry(2, {"phone_number": "+1", "first_name": "Bo", "metadata": {"Ort": "Ulm", "email": "a@b.test"}})
    ]


def test_a_mapping_that_leaves_the_number_out_leaves_it_its_name() -> None:
    mapping = {"Vor": "first_name"}
    assert entries(b"Phone,Vor\n+1,Bo\n", mapping=mapping) == [Entry(2, {"phone_number": "+1", "first_name": "Bo"})]
    with pytest.raises(UnreadableError):
        entries(b"Tel,Vor\n+1,Bo\n", mapping=mapping)


def test_a_number_without_a_plus_in_a_sheet_comes_with_a_hint() -> None:
    rows = [Entry(2, {"phone_number": "14155550100"}, True), Entry(3, {"phone_number": "14155550100"}, False)]
    rows += [Entry(4, {"phone_number": "+1"}, True), Entry(5, {}, True)]
    tally = take(rows, check=lambda row: "is bad", put=lambda row: "imported")
    reasons = [detail["reason"] for detail in tally.details]
    assert "format its column as text" in reasons[0]
    assert reasons[1:] == ["is bad"] * 3


def test_the_rows_of_a_sheet_are_known_as_such() -> None:
    sheet = '<row><c t="str"><v>phone</v></c></row><row><c><v>14155550100</v></c></row>'
    assert entries(xlsx(sheet)) == [Entry(2, {"phone_number": "14155550100"}, True)]


def test_a_row_may_be_shorter_or_longer_than_the_header() -> None:
    assert entries(b"phone,email\n+1\n+2,a@b.test,x\n") == [
        Entry(2, {"phone_number": "+1"}),
        Entry(3, {"phone_number": "+2", "email": "a@b.test"}),
    ]


@pytest.mark.parametrize("content", [b"", b"\n", b"name\nBo\n"])
def test_a_number_is_needed(content: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"^has no column phone$"):
        entries(content)


def test_each_row_is_counted_once() -> None:
    rows = [Entry(number, {"phone_number": f"+{number}"}) for number in range(2, 7)]
    tally = take(
        rows,
        check=lambda row: "is odd" if row["phone_number"] == "+3" else None,
        put=lambda row: {"+2": "imported", "+4": "updated"}.get(row["phone_number"], "skipped"),  # type: ignore[arg-type,return-value]
    )
    assert tally.result("f") == {
        "imported": 1,
        "updated": 1,
        "skipped": 2,
        "errors": 1,
        "folder_id": "f",
        "error_details": [{"row": 3, "phone": "+3", "reason": "is odd"}],
        "successful": 2,
        "failed": 1,
    }
