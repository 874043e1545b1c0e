"""Rows out of every kind of file and iterable, with their lines; what cannot be read is named."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trudy import InvalidArgumentError
from trudy.dialer.numbers import Unreadable, read_number
from trudy.dialer.sources import Source, cell_text, read_rows

pytestmark = pytest.mark.anyio
ROWS = [{"phone": "+14155550100", "name": "Zoë, B"}, {"phone": "+14155550101", "name": 'Al "Al" C'}]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def rows_of(source: Source) -> list[tuple[int, dict[str, object]]]:
    return [(line, dict(row)) async for line, row in read_rows(source)]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":", "^", "~", "\x1f"])
async def test_csv_in_any_dialect(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["phone", "name"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ROWS)
    path = tmp_path / "leads.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    assert await rows_of(path) == [(2, ROWS[0]), (3, ROWS[1])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "written",
    [
        {"quotechar": "'"},
        {"quotechar": "'", "quoting": csv.QUOTE_ALL},
        {"quoting": csv.QUOTE_ALL},
        {"escapechar": "\\", "doublequote": False},
        {"escapechar": "\\", "doublequote": False, "quoting": csv.QUOTE_ALL},
    ],
)
async def test_cells_in_quotes_of_any_kind(tmp_path: Path, delimiter: str, written: dict[str, Any]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, **written)
    rows = [["+1", f"A{delimiter} B"], ["+2", 'Al "Al" C'], ["+3", f'"D{delimiter}" E'], ["+4", "O'Hara"]]
    if written.get("quotechar") == "'" and "quoting" not in written:
        text.write(delimiter.join(["'phone'", "'full name'"]) + "\r\n")
    else:
        writer.writerow(["phone", "full name"])
    writer.writerows(rows)
    path = tmp_path / "leads.csv"
    path.write_text(text.getvalue())
    assert [[*row.values()] for _, row in await rows_of(path)] == rows


async def test_a_space_after_the_delimiter_is_no_part_of_a_quoted_cell(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('phone, name\n"+1", "A, B"\n"+2", C\n')
    assert [row for _, row in await rows_of(path)] == [{"phone": "+1", "name": "A, B"}, {"phone": "+2", "name": "C"}]


@pytest.mark.parametrize(
    "text",
    [
        'phone,path\n+1,"C:\\dir\\"\n+2,"D:\\"\n',
        "phone,at\n+1,10:30\n+2,11:00\n",
        "phone,name\n+1,'Al'\n+2,O'Hara\n",
        "phone: home\n+1\n+2\n",
        "phone\n10:30\n",
    ],
)
async def test_marks_in_cells_are_no_dialect(tmp_path: Path, text: str) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(text)
    header, *lines = text.replace('"', "").splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    assert [row for _, row in await rows_of(path)] == rows


@pytest.mark.parametrize(
    "first", ["+12125550100", "(212) 555-0100", "12125550100", "Ada,+44 20 7946 0000", "'+12125550100"]
)
async def test_a_first_line_with_a_number_is_no_header(tmp_path: Path, first: str) -> None:
    path = tmp_path / "leads.csv"
    for text in (f"{first}\n", f"{first}\n+13125550101,Bo\n"):
        path.write_text(text)
        with pytest.raises(InvalidArgumentError, match="first line") as refused:
            await rows_of(path)
        assert refused.value.argument == "source"
        assert "555" not in str(refused.value)


@pytest.mark.parametrize("name", ["2026-05-01", "2025/2026", "1", "Q1 2026", "00000", "+5"])
async def test_names_of_columns_may_hold_digits(tmp_path: Path, name: str) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(f"phone,{name}\n+12125550100,x\n")
    assert await rows_of(path) == [(2, {"phone": "+12125550100", name: "x"})]


@pytest.mark.parametrize(
    "content", [gzip.compress(b"phone,name\n" * 99), b"phone\0,name\n+1,Al\n"], ids=["compressed", "with a null"]
)
async def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match="is no text"):
        await rows_of(path)


async def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('phone,note\n+1,"two\nlines"\n\n+2,\n')
    assert [(line, row["phone"]) for line, row in await rows_of(path)] == [(2, "+1"), (5, "+2")]


async def test_surplus_cells_are_kept_and_short_rows_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone,name\n+1,Al,Bo,Cy\n+2\n")
    first, second = await rows_of(path)
    assert first == (2, {"phone": "+1", "name": "Al", "(surplus cells)": "Bo Cy"})
    assert second == (3, {"phone": "+2"})


async def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone,name,phone\n+1,Al,+2\n")
    with pytest.raises(InvalidArgumentError, match="'phone' twice"):
        await rows_of(path)


async def test_quoted_delimiters_and_a_line_of_excel_do_not_mislead(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('name;phone\n"Doe, John, Jr, MD";+1\n"Roe, Jane, Dr, PhD";+2\n')
    assert [row["name"] for _, row in await rows_of(path)] == ["Doe, John, Jr, MD", "Roe, Jane, Dr, PhD"]
    path.write_text('"last, first, middle";phone\nDoe;+1\n')
    assert await rows_of(path) == [(2, {"last, first, middle": "Doe", "phone": "+1"})]
    path.write_text("sep=|\nname|phone\nDoe, A, B|+1\n")
    assert await rows_of(path) == [(3, {"name": "Doe, A, B", "phone": "+1"})]


async def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "leads.txt"
    path.write_text("phone\r\n+1\r\n+2\r\n")
    assert await rows_of(path) == [(2, {"phone": "+1"}), (3, {"phone": "+2"})]


async def test_bytes_of_another_encoding_far_down_are_found(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(b"phone,name\n" + b"+14155550100,Al\n" * 100_000 + "+1,Zoë\n".encode("cp1252"))
    async for _, row in read_rows(path):
        last = row
    assert last == {"phone": "+1", "name": "Zoë"}
    path.write_bytes(b"phone,name\n+1,\x81\xeb\n")  # no character of cp1252
    assert (await rows_of(path))[0][1]["name"] == "\x81ë"


async def test_what_is_empty_or_of_another_kind_is_told(tmp_path: Path) -> None:
    for text in ("", "\n\n", " , ,\n"):
        (tmp_path / "leads.csv").write_text(text)
        with pytest.raises(InvalidArgumentError, match="no header"):
            await rows_of(tmp_path / "leads.csv")
    (tmp_path / "leads.csv").write_text("\nphone,name\n")
    assert await rows_of(tmp_path / "leads.csv") == []
    (tmp_path / "leads.csv").write_text("\nphone,name\n+1,Al\n")
    assert await rows_of(tmp_path / "leads.csv") == [(3, {"phone": "+1", "name": "Al"})]
    (tmp_path / "leads.json").write_text("[]")
    with pytest.raises(InvalidArgumentError, match="JSON lines"):
        await rows_of(tmp_path / "leads.json")
    (tmp_path / "leads.xlsx").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(InvalidArgumentError, match="workbook"):
        await rows_of(tmp_path / "leads.xlsx")
    with pytest.raises(FileNotFoundError):
        await rows_of(tmp_path / "none.csv")


async def test_a_cell_too_large_is_an_error_near_its_line(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("phone,name\n+1,Al\n+2," + "x" * 200_000 + "\n")
    with pytest.raises(InvalidArgumentError, match="near line 3") as caught:
        await rows_of(tmp_path / "leads.csv")
    assert "xxx" not in str(caught.value)


async def test_of_several_sheets_one_is_to_be_named(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.create_sheet("Empty")
    book.create_sheet("Leads").append(["phone", "since"])
    book["Leads"].append(["+1", date(2026, 5, 1)])
    book["Leads"].append(["+2", datetime.fromisoformat("2026-05-01 09:30")])
    path = tmp_path / "leads.csv"  # whatever its name is
    book.save(path)
    rows = await rows_of(path)
    assert [cell_text(row["since"]) for _, row in rows] == ["2026-05-01", "2026-05-01 09:30:00"]
    book["Notes"].append(["read me"])
    book.save(path)
    with pytest.raises(InvalidArgumentError, match="Notes, Leads; say columns"):
        await rows_of(path)
    assert [row["phone"] async for _, row in read_rows(path, sheet="Leads")] == ["+1", "+2"]
    with pytest.raises(InvalidArgumentError, match=r"columns\.sheet"):
        [_ async for _ in read_rows(path, sheet="Kontakte")]


async def test_frames_of_pandas_and_polars() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    cells = {"phone": ["+14155550100", None], "name": ["Al", None], "calls": [3, None]}
    for frame in (pandas.DataFrame(cells), pandas.DataFrame(cells).convert_dtypes(), polars.DataFrame(cells)):
        rows = [{name: cell_text(cell) for name, cell in row.items()} for _, row in await rows_of(frame)]
        assert rows == [{"phone": "+14155550100", "name": "Al", "calls": "3"}, {"phone": "", "name": "", "calls": ""}]
    numbers = pandas.DataFrame({"phone": [14155550100]}).iloc[0]["phone"]
    for number, reason in ((numbers, "number_as_int"), (float(numbers), "number_as_float"), (pandas.NA, "empty")):
        read = read_number(number, "US")
        assert isinstance(read, Unreadable)
        assert read.reason == reason


async def test_a_sheet_of_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("phone\n+12125550100\n")
    (tmp_path / "leads.jsonl").write_text('{"phone": "+12125550100"}\n')
    for source in (tmp_path / "leads.csv", str(tmp_path / "leads.jsonl"), [{"phone": "+12125550100"}]):
        with pytest.raises(InvalidArgumentError, match=r"columns\.sheet"):
            [_ async for _ in read_rows(source, sheet="Leads")]
    with pytest.raises(FileNotFoundError):
        [_ async for _ in read_rows(tmp_path / "gone.xlsx", sheet="Leads")]


async def test_sheets(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["phone", "name"], ["+14155550100", "Al"], [None, None], [14155550101, "Bo"]):
        book.active.append(row)
    book.save(tmp_path / "leads.xlsx")
    first, second = await rows_of(tmp_path / "leads.xlsx")
    assert first == (2, {"phone": "+14155550100", "name": "Al"})
    assert second[0] == 4
    assert not isinstance(second[1]["phone"], str), "a number of a sheet is not made a text in silence"


async def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "leads.jsonl"
    path.write_text('{"phone": "+1"}\n\n{"phone": "+2"}\n')
    assert await rows_of(path) == [(1, {"phone": "+1"}), (3, {"phone": "+2"})]
    path.write_text('{"phone": "+1"}\n{"phone": \n')
    with pytest.raises(InvalidArgumentError, match="line 2"):
        await rows_of(path)
    path.write_text('["+1"]\n')
    with pytest.raises(InvalidArgumentError, match="row 1 must be a mapping"):
        await rows_of(path)


async def test_iterables_and_frames() -> None:
    async def pages() -> AsyncIterator[dict[str, str]]:
        for row in ROWS:
            yield row

    class Polars:
        def iter_rows(self, *, named: bool) -> object:
            assert named
            return iter(ROWS)

    class Pandas:
        columns = ("phone", "name")

        def itertuples(self, *, index: bool, name: None) -> object:
            assert (index, name) == (False, None)
            return (tuple(row.values()) for row in ROWS)

    expected = [(1, ROWS[0]), (2, ROWS[1])]
    for source in (ROWS, iter(ROWS), pages(), Polars(), Pandas()):
        assert await rows_of(source) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [5, None, b"leads.csv", {"phone": "+1"}])
async def test_what_is_no_source(source: object) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await rows_of(source)  # type: ignore[arg-type]
    assert caught.value.argument == "source"


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2)
    )
)
async def test_no_cell_of_a_csv_is_lost(tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "leads.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["phone", "name"], *cells])
    kept = [list(row.values()) for _, row in await rows_of(path)]
    assert kept == [row for row in cells if any(cell.strip() for cell in row)]


@settings(max_examples=40)
@given(
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    ending=st.sampled_from(["\n", "\r\n"]),
    cells=st.lists(st.tuples(st.text("+1 ,;|\t'\"\nAb", max_size=9), st.text('ab,;|"é', min_size=1, max_size=9))),
)
async def test_a_dialect_is_guessed_whatever_stands_in_the_cells(
    tmp_path_factory: pytest.TempPathFactory, delimiter: str, quoting: int, ending: str, cells: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "leads.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=ending)  # type: ignore[arg-type]
        writer.writerows([("phone", "name"), *cells])
    assert [tuple(row.values()) for _, row in await rows_of(path)] == cells


async def test_cells_of_a_column_without_a_name_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(",phone, ,name,\n0,+1,x,Al,\n1,+2,,Bo, \n")
    assert await rows_of(path) == [
        (2, {"(column 1)": "0", "phone": "+1", "(column 3)": "x", "name": "Al"}),
        (3, {"(column 1)": "1", "phone": "+2", "name": "Bo"}),
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("\ud83d", "\N{REPLACEMENT CHARACTER}"),
        ("cut \ud83d!", "cut \N{REPLACEMENT CHARACTER}!"),
        ("\ud83d\ude00", "\N{GRINNING FACE}"),
        ("Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} \N{GRINNING FACE}", "Zoë \N{GRINNING FACE}"),
    ],
)
async def test_half_a_character_fails_no_plan(tmp_path: Path, cell: str, text: str) -> None:
    path = tmp_path / "leads.jsonl"
    path.write_text(json.dumps({"phone": "+1", cell: cell}))
    ((_, row),) = await rows_of(path)
    assert {cell_text(name): cell_text(value) for name, value in row.items()} == {"phone": "+1", text: text}
    assert text in row
