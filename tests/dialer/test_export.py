"""Files of results and rejects: every column, no formulas, whole or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.dialer.conftest import Night, numbers_ending
from trudy.dialer import Hours, Policy
from trudy.dialer.export import RESULTS, RejectsFile, write

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
