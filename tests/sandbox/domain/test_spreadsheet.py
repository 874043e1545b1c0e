from __future__ import annotations

import csv
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.sandbox.domain.spreadsheet import UnreadableError, read_rows

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def xlsx(sheet: str, shared: str | None = None, name: str = "xl/worksheets/sheet1.xml", **more: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, content in more.items():
            archive.writestr(place, content)
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


def workbook(target: str, sheets: str = '<sheet name="b" r:id="r2"/><sheet name="a" r:id="r1"/>') -> dict[str, str]:
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    return {
        "xl/workbook.xml": f'<workbook {NAMESPACE} xmlns:r="{office}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" Target="x.xml"/>'
        f'<Relationship Id="r2" Target="{target}"/></Relationships>',
    }


@pytest.mark.parametrize("target", ["worksheets/data.xml", "/xl/worksheets/data.xml", "../xl/worksheets/data.xml"])
def test_the_first_sheet_is_the_one_that_the_workbook_names_first(target: str) -> None:
    sheet = '<row><c t="str"><v>phone</v></c></row>'
    assert read_rows(xlsx(sheet, name="xl/worksheets/data.xml", **workbook(target))) == [["phone"]]


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
        xlsx("", **workbook("worksheets/sheet1.xml", sheets="")),
        xlsx("", **workbook("worksheets/sheet1.xml", sheets='<sheet r:id="r3"/>')),
        xlsx("", **workbook("worksheets/none.xml")),
        xlsx(" " * (51 * 1024 * 1024)),
    ],
)
def test_what_cannot_be_read(content: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"^(is|has|holds) "):
        read_rows(content)
