"""What was exported, read again."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

import pandas as pd
import polars as pl

from trudy.dialer import Dialer, Plan


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


Rows = Literal["contacts", "attempts"]


async def frames(dialer: Dialer, plan: Plan, rows: Rows) -> tuple[pd.DataFrame, pl.DataFrame]:
    return await dialer.to_pandas(plan.campaign, rows=rows), await dialer.to_polars(plan.campaign, rows=rows)
