"""Files of results and rejects: every column, no formulas, whole or not at all."""

from __future__ import annotations

import csv
import json
import resource
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import anyio
import anyio.lowlevel
import attrs
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.dialer.conftest import Night, numbers_ending
from trudy.dialer import Attempts, Columns, Dialer, DueRow, Hours, Plan, Policy, RetryAfter, SyncDialer
from trudy.dialer.export import AttemptRow, RejectsFile, write
from trudy.dialer.exported import ATTEMPTS, RESULTS
from trudy.dialer.frames import BATCH
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


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


Rows = Literal["contacts", "attempts"]
KINDS = {"contacts": RESULTS, "attempts": ATTEMPTS}


TWICE: Final = {"no_answer": RetryAfter(seconds=60, most=2)}


async def dialed(night: Night) -> Plan:
    """Two contacts, of whom the second does not answer twice."""
    numbers = numbers_ending(0, 10)
    plan = await night.dialer.plan(
        [{"phone": number, "name": "Al", "zip": f"0213{index}"} for index, number in enumerate(numbers)],
        agent=night.agent,
        consent="form",
        region="US",
        policy=Policy(hours=Hours.always(), gap=0, attempts=Attempts(a_day=2), retry=TWICE),
        rejects=None,
    )
    await night.dialer.run(plan, confirm=plan.hash)
    return plan


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON lines have it."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


@pytest.mark.parametrize("rows", ["contacts", "attempts"])
async def test_every_format_has_the_same_rows(night: Night, rows: Rows) -> None:
    plan = await dialed(night)
    for suffix in (".csv", ".jsonl", ".parquet"):
        assert await night.dialer.export(plan.campaign, night.folder / f"out{suffix}", rows=rows) == (
            2 if rows == "contacts" else len(night.sandbox.placed_calls)
        )
    lines = [json.loads(line) for line in (night.folder / "out.jsonl").read_text().splitlines()]
    cells = [{name: "" if value is None else str(value) for name, value in line.items()} for line in lines]
    assert table(night.folder / "out.csv") == cells
    parquet = pq.read_table(night.folder / "out.parquet")
    assert [shown(row) for row in parquet.to_pylist()] == lines
    polars = await night.dialer.to_polars(plan.campaign, rows=rows)
    assert [shown(row) for row in polars.to_dicts()] == lines
    pandas = await night.dialer.to_pandas(plan.campaign, rows=rows)
    assert list(pandas.columns) == polars.columns == parquet.column_names == list(lines[0])
    for name in pandas.columns:
        found = [None if pd.isna(value) else value for value in pandas[name]]
        assert [shown({name: value})[name] for value in found] == [line[name] for line in lines]


async def test_columns_have_types(night: Night) -> None:
    plan = await dialed(night)
    for rows in ("contacts", "attempts"):
        polars = await night.dialer.to_polars(plan.campaign, rows=rows)
        types = {str: pl.String, int: pl.Int64, float: pl.Float64, datetime: pl.Datetime("us", "UTC")}
        assert polars.schema == {name: types[KINDS[rows].get(name, str)] for name in polars.columns}
        pandas = await night.dialer.to_pandas(plan.campaign, rows=rows)
        for name, kind in KINDS[rows].items():
            kinds = {datetime: isinstance(pandas[name].dtype, pd.DatetimeTZDtype), int: pandas[name].dtype == "int64"}
            assert kinds.get(kind, True), name
    contacts = await night.dialer.to_pandas(plan.campaign)
    assert list(contacts["zip"]) == ["02130", "02131"]
    attempts = [attempt async for attempt in night.dialer.store.export_attempts(plan.campaign)]
    started = [attempt.started_at for attempt in attempts if attempt.line == 1]
    assert [contacts["started_at"][0]] == [datetime.fromtimestamp(at, UTC) for at in started if at is not None]


async def test_the_attempts_are_those_of_the_store(night: Night) -> None:
    assert list(ATTEMPTS) == [attribute.name for attribute in attrs.fields(AttemptRow)]
    plan = await dialed(night)
    frame = await night.dialer.to_polars(plan.campaign, rows="attempts")
    assert sorted(frame["call_id"]) == sorted(call.id for call in night.sandbox.placed_calls)
    assert sorted(zip(frame["line"], frame["n"], strict=True)) == [(1, 1), (2, 1), (2, 2)]
    assert set(frame["phone_number"]) == set(numbers_ending(0, 10))


@pytest.mark.parametrize("rows", ["contacts", "attempts"])
async def test_a_campaign_before_its_first_call(night: Night, rows: Rows) -> None:
    plan = await night.plan(numbers_ending(0))
    most = 1 if rows == "contacts" else 0
    for suffix in (".csv", ".jsonl", ".parquet"):
        assert await night.dialer.export(plan.campaign, night.folder / f"out{suffix}", rows=rows) == most
    pandas, polars = await frames(night.dialer, plan, rows)
    assert len(pandas) == len(polars) == most
    assert set(KINDS[rows]) <= set(pandas.columns)
    assert list(pandas.columns) == polars.columns
    assert isinstance(pandas["started_at"].dtype, pd.DatetimeTZDtype)
    assert polars.schema["started_at"] == pl.Datetime("us", "UTC")


async def frames(dialer: Dialer, plan: Plan, rows: Rows) -> tuple[pd.DataFrame, pl.DataFrame]:
    return await dialer.to_pandas(plan.campaign, rows=rows), await dialer.to_polars(plan.campaign, rows=rows)


async def test_during_a_run(night: Night) -> None:
    plan = await night.plan(numbers_ending(0, 1))
    seen: list[tuple[int, int]] = []

    async def look(row: DueRow) -> None:
        path = night.folder / "now.parquet"
        contacts = await night.dialer.export(plan.campaign, path)
        seen.append((contacts, await night.dialer.export(plan.campaign, path, rows="attempts")))

    await night.dialer.run(plan, confirm=plan.hash, should_dial=look)
    assert seen == [(2, 0), (2, 1)]


async def test_an_export_that_is_dialed_again_keeps_each_column(night: Night) -> None:
    row = {
        "phone": numbers_ending(0)[0],
        "name": "Al",
        "state": "a",
        "input_state": "b",
        "input_input_state": "c",
        "input_x": "d",
    }
    plan = await night.dialer.plan([row], agent=night.agent, consent="form", region="US", rejects=None)
    frame = await night.dialer.to_polars(plan.campaign)
    kept = ["input_state", "input_input_state", "input_input_input_state", "input_x"]
    assert [frame[name][0] for name in kept] == ["a", "b", "c", "d"]


async def test_parquet_is_written_in_batches(tmp_path: Path) -> None:
    async def rows() -> AsyncIterator[Mapping[str, object]]:
        for index in range(BATCH + 1):
            yield {"note": str(index)} if index < BATCH else {"other": "x"}

    assert await write(rows, tmp_path / "results.parquet") == BATCH + 1
    file = pq.ParquetFile(tmp_path / "results.parquet")
    assert [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)] == [BATCH, 1]
    last = file.read().to_pylist()[-1]
    assert (last["note"], last["other"]) == (None, "x")


async def test_a_missing_package_is_named(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await night.plan(numbers_ending(0))
    for name in ("pyarrow", "pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match=r"trudy-python-sdk\[parquet\]"):
        await night.dialer.export(plan.campaign, night.folder / "out.parquet")
    with pytest.raises(ConfigurationError, match="pip install pandas"):
        await night.dialer.to_pandas(plan.campaign)
    with pytest.raises(ConfigurationError, match="pip install polars"):
        await night.dialer.to_polars(plan.campaign)
    assert not list(night.folder.glob("out*"))


async def test_bad_arguments_are_named(night: Night) -> None:
    plan = await night.plan(numbers_ending(0))
    for path in ("", "results", "results.xlsx", "results.csv.gz", "results\0.csv", b"results.csv", None, 3):
        with pytest.raises(InvalidArgumentError, match="path"):
            await night.dialer.export(plan.campaign, path)  # type: ignore[arg-type]
    for rows in ("calls", None, 3):
        with pytest.raises(InvalidArgumentError, match="rows"):
            await night.dialer.export(plan.campaign, night.folder / "out.csv", rows=rows)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match="rows"):
            await night.dialer.to_pandas(plan.campaign, rows=rows)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="campaign"):
        await night.dialer.to_polars("none")


def test_without_an_event_loop(tmp_path: Path) -> None:
    sandbox = Sandbox(rate_limit=None)
    with sandbox.client() as client, SyncDialer(client, store=tmp_path / "leads.db") as dialer:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
        rows = [{"phone": numbers_ending(0)[0]}]
        plan = dialer.plan(rows, agent=agent.id, consent="form", region="US", rejects=None)
        assert dialer.export(plan.campaign, tmp_path / "out.parquet") == 1
        assert len(dialer.to_pandas(plan.campaign)) == len(dialer.to_polars(plan.campaign)) == 1
        assert len(dialer.to_pandas(plan.campaign, rows="attempts")) == 0
