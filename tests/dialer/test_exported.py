"""Two tables, contacts and attempts, with the same rows in every format, at any time."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.dialer.conftest import Night, numbers_ending
from tests.dialer.exports import Rows, frames, table
from trudy.dialer import Attempts, DueRow, Hours, Plan, Policy, RetryAfter, SyncDialer
from trudy.dialer.export import AttemptRow
from trudy.dialer.exported import ATTEMPTS, RESULTS
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio
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
