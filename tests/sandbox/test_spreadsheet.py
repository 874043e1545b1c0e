from __future__ import annotations

import csv
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.sandbox.spreadsheet import UnreadableError, read_rows

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def xlsx(sheet: str, shared: str | None = None, name: str = "xl/worksheets/sheet1.xml") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, f"<worksheet {NAMESPACE}><sheetData>{sheet}</sheetData></worksheet>")
        if shared is not None:
            archive.writestr("xl/sharedStrings.xml", f"<sst {NAMESPACE}>{shared}</sst>")
    return file.getvalue()


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1), max_size=8))
def test_csv_is_read_back(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    assert read_rows(text.getvalue().encode()) == rows


def test_csv_may_begin_with_a_mark() -> None:
    assert read_rows("\ufeffphone,name\r\n1,\u00c4\r\n\r\n2,b\n".encode()) == [
        ["phone", "name"],
        ["1", "\u00c4"],
        [],
        ["2", "b"],
    ]


def test_xlsx_with_texts_of_all_kinds_and_gaps() -> None:
    shared = "<si><t>phone</t></si><si><r><t>na</t></r><r><t>me</t></r></si>"
    sheet = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
        '<row r="3"><c r="A3"><v>14155550100</v></c><c r="C3" t="inlineStr"><is><t>Bo</t></is></c></row>'
        '<row><c t="str"><v>x</v></c><c><v/></c></row>'
    )
    assert read_rows(xlsx(sheet, shared)) == [["phone", "name"], [], ["14155550100", "", "Bo"], ["x", ""]]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b'"' + b"x" * 200_000,
        b"PK\x03\x04 no zip",
        xlsx("", name="other.xml"),
        xlsx("<row>"),
        xlsx('<row><c t="s"><v>9</v></c></row>', ""),
        xlsx('<row><c t="s"><v>x</v></c></row>', ""),
        xlsx('<row><c r="ZZZZZZ1"><v>1</v></c></row>'),
        xlsx('<row r="x"/>'),
        xlsx('<row r="99999999"/>'),
        xlsx("<!DOCTYPE x>"),
        xlsx(" " * (51 * 1024 * 1024)),
    ],
)
def test_what_cannot_be_read(content: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"^(is|has|holds) "):
        read_rows(content)
