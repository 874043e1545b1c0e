"""Files of results: columns, cells that are no formulas, and a file that is whole or the old one."""

from __future__ import annotations

import json
import resource
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import pyarrow.parquet as pq
import pytest

from tests.dialer.conftest import Night, numbers_ending
from tests.dialer.exports import frames, table
from trudy.dialer import Columns, Hours, Policy
from trudy.dialer.export import RejectsFile, write
from trudy.dialer.exported import RESULTS
from trudy.dialer.frames import BATCH

pytestmark = pytest.mark.anyio


async def test_the_columns_of_every_row_and_the_results(night: Night) -> None:
    first, second = numbers_ending(0, 10)
    rows = [{"phone": first, "name": "Al"}, {"phone": second, "name": "Bo", "state": "NY", "note": "late"}]
    plan = await night.dialer.plan(
        rows,
        agent=night.agent,
        consent="form",
        region="US",
        policy=Policy(hours=Hours.always(), gap=0, retry={"no_answer": None}),
        rejects=None,
    )
    await night.dialer.run(plan, confirm=plan.hash)
    await night.dialer.export(plan.campaign, night.folder / "results.csv")
    answered, not_answered = table(night.folder / "results.csv")
    assert list(answered) == ["phone", "name", "input_state", "note", *RESULTS]
    assert (answered["state"], answered["outcome"], answered["attempts"]) == ("done", "answered", "1")
    assert answered["call_id"] == night.sandbox.placed_calls[0].id
    assert answered["started_at"] < answered["ended_at"]
    assert float(answered["duration_seconds"]) > 0
    assert float(answered["cost"]) > 0
    assert (not_answered["input_state"], not_answered["note"]) == ("NY", "late")
    assert (not_answered["state"], not_answered["outcome"]) == ("done", "no_answer")
    await night.dialer.export(plan.campaign, night.folder / "results.jsonl")
    lines = (night.folder / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["answered", "no_answer"]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\r=1", "'\r=1"),
        ("\n=1+1", "'\n=1+1"),
        (" =1+1", "' =1+1"),
        ("\ufeff=1+1", "'\ufeff=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\uff20SUM(A1)", "'\uff20SUM(A1)"),
        ("+1-800-FLOWERS", "'+1-800-FLOWERS"),
        ("a=1+1", "a=1+1"),
        ("'=1+1", "'=1+1"),
        ("+14155550100", "+14155550100"),
        ("+1 (415) 555-0100", "+1 (415) 555-0100"),
        ("-5", "-5"),
        ("", ""),
        ("plain", "plain"),
    ],
)
async def test_a_cell_is_no_formula(tmp_path: Path, cell: str, written: str) -> None:
    async def rows() -> AsyncIterator[Mapping[str, object]]:
        yield {"note": cell}

    assert await write(rows, tmp_path / "results.csv") == 1
    assert table(tmp_path / "results.csv")[0]["note"] == written
    with ExitStack() as files:
        RejectsFile(tmp_path / "rejects.csv", files).write(2, "empty", "", {"note": cell})
    assert table(tmp_path / "rejects.csv")[0]["note"] == written


async def test_the_name_of_a_column_is_no_formula(tmp_path: Path) -> None:
    async def rows() -> AsyncIterator[Mapping[str, object]]:
        yield {"=1+1": "a", "@x": "b"}

    await write(rows, tmp_path / "results.csv")
    assert table(tmp_path / "results.csv")[0]["'=1+1"] == "a"
    with ExitStack() as files:
        RejectsFile(tmp_path / "rejects.csv", files).write(2, "empty", "", {"=1+1": "a"})
    assert table(tmp_path / "rejects.csv")[0]["'=1+1"] == "a"
    await write(rows, tmp_path / "results.jsonl")
    assert json.loads((tmp_path / "results.jsonl").read_text()) == {"=1+1": "a", "@x": "b"}, "no spreadsheet opens it"


ODD = {
    "state": "NY",
    "outcome": "won",
    "attempts": "many",
    "": "unnamed",
    " blank ": "1",
    "naïve \N{GRINNING FACE}": "\N{GRINNING FACE}",
    "new\nline": 'a "quoted"\r\nline',
    "=1+1": "b",
    "line": "7",
    "phone_number": "not that one",
    "nul\0": "\0",
}


async def test_odd_columns_come_out_of_every_format_as_they_went_in(night: Night) -> None:
    plan = await night.dialer.plan(
        [{"phone": numbers_ending(0)[0], "name": "Al", **ODD}],
        agent=night.agent,
        consent="form",
        region="US",
        columns=Columns(number="phone"),
        rejects=None,
    )
    own = {f"input_{name}" if name in RESULTS else name: cell for name, cell in ODD.items()}
    lines = night.folder / "o.jsonl"
    await night.dialer.export(plan.campaign, lines)
    row = json.loads(lines.read_text())
    assert {name: row[name] for name in own} == own
    assert (row["state"], row["reason"]) == ("waiting", None)
    await night.dialer.export(plan.campaign, night.folder / "o.csv")
    (cells,) = table(night.folder / "o.csv")
    assert {name.removeprefix("'"): cell for name, cell in cells.items() if name.removeprefix("'") in own} == own
    await night.dialer.export(plan.campaign, night.folder / "o.parquet")
    assert pq.read_table(night.folder / "o.parquet").to_pylist() == [row]
    pandas, polars = await frames(night.dialer, plan, "contacts")
    assert list(pandas.columns) == polars.columns == list(row)
    assert {name: polars[name][0] for name in own} == {name: pandas[name][0] for name in own} == own


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
async def test_a_full_disk_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    """The disk is as full as the process may make a file: both fail at a write."""

    async def rows() -> AsyncIterator[Mapping[str, object]]:
        for index in range(20_000):
            yield {"note": f"{index * 7919 % 20_011} {index}"}

    path = tmp_path / f"results{suffix}"
    path.write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"large|File|space"):
            await write(rows, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(path.name, "old")]


async def some_rows() -> AsyncIterator[Mapping[str, object]]:
    yield {"note": "new"}


async def test_an_existing_file_keeps_its_mode_and_a_link_its_target(tmp_path: Path) -> None:
    target, link = tmp_path / "kept" / "results.csv", tmp_path / "latest.csv"
    target.parent.mkdir()
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    await write(some_rows, link)
    assert link.is_symlink()
    assert "new" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o640


async def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 251}.csv"
    await write(some_rows, path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


async def test_where_nothing_can_be_written_the_error_names_the_path(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for path in (tmp_path / "none" / "results.csv", tmp_path / "folder.csv", tmp_path / f"{'x' * 300}.csv"):
        with pytest.raises(OSError, match=str(path)) as caught:
            await write(some_rows, path)
        assert ".part" not in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["folder.csv"]


async def test_two_exports_at_once_to_one_file(tmp_path: Path) -> None:
    """Each is whole; the last one stays."""

    async def rows(letter: str) -> AsyncIterator[Mapping[str, object]]:
        for _ in range(50):
            await anyio.lowlevel.checkpoint()
            yield {"note": letter * 1_000}

    path = tmp_path / "results.csv"
    async with anyio.create_task_group() as tasks:
        for letter in "abc":
            tasks.start_soon(write, partial(rows, letter), path)
    assert len({row["note"] for row in table(path)}) == 1
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


async def test_a_file_is_whole_or_the_old_one(tmp_path: Path) -> None:
    async def rows() -> AsyncIterator[Mapping[str, object]]:
        yield {"note": "a"}
        raise OSError("gone")

    (tmp_path / "results.jsonl").write_text("old")
    with pytest.raises(OSError, match="gone"):
        await write(rows, tmp_path / "results.jsonl")
    assert (tmp_path / "results.jsonl").read_text() == "old"


async def test_no_rows_make_a_file_with_a_header_only(tmp_path: Path) -> None:
    async def rows() -> AsyncIterator[Mapping[str, object]]:
        for row in ():
            yield row

    assert await write(rows, tmp_path / "results.csv") == 0
    assert (tmp_path / "results.csv").read_text().strip() == ",".join(RESULTS)
    assert await write(rows, tmp_path / "results.parquet") == 0
    assert pq.read_schema(tmp_path / "results.parquet").names == list(RESULTS)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
async def test_nothing_is_left_of_a_file_that_fails(tmp_path: Path, suffix: str) -> None:
    async def rows() -> AsyncIterator[Mapping[str, object]]:
        yield {"note": "a"}
        raise OSError("gone")

    path = tmp_path / f"results{suffix}"
    path.write_text("old")
    with pytest.raises(OSError, match="gone"):
        await write(rows, path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(path.name, "old")]


async def test_parquet_is_written_in_batches(tmp_path: Path) -> None:
    async def rows() -> AsyncIterator[Mapping[str, object]]:
        for index in range(BATCH + 1):
            yield {"note": str(index)} if index < BATCH else {"other": "x"}

    assert await write(rows, tmp_path / "results.parquet") == BATCH + 1
    file = pq.ParquetFile(tmp_path / "results.parquet")
    assert [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)] == [BATCH, 1]
    last = file.read().to_pylist()[-1]
    assert (last["note"], last["other"]) == (None, "x")
