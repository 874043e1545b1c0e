"""What is exported, as a frame of pandas or polars or as a Parquet file. The libraries are imported when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trudy.dialer.exported import Kinds, Rows, column_names, read_column_names, typed
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

BATCH: Final = 10_000
"""Rows in a row group of a Parquet file: more cost memory while it is written, fewer make it larger."""


async def pandas_frame(rows: Rows, kinds: Kinds) -> pd.DataFrame:
    """Times are aware, also where no row has one; the cells of the source are text."""
    try:
        import pandas as pd
    except ImportError:
        raise ConfigurationError("to_pandas() needs pandas: pip install pandas") from None
    frame = pd.DataFrame(await _read(rows, kinds))
    for name, kind in kinds.items():
        if kind is datetime:
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif kind is not str:
            frame[name] = frame[name].astype("int64" if kind is int else "float64")
    return frame


async def polars_frame(rows: Rows, kinds: Kinds) -> pl.DataFrame:
    """The same for polars."""
    try:
        import polars as pl
    except ImportError:
        raise ConfigurationError("to_polars() needs polars: pip install polars") from None
    types = {str: pl.String(), int: pl.Int64(), float: pl.Float64(), datetime: pl.Datetime("us", "UTC")}
    columns = await _read(rows, kinds)
    return pl.DataFrame(columns, schema={name: types[kinds.get(name, str)] for name in columns})


async def write_parquet(rows: Rows, path: Path, kinds: Kinds) -> int:
    """Write a Parquet file, a batch at a time; how many rows there were."""
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise ConfigurationError("a .parquet file needs pyarrow: pip install 'trudy-python-sdk[parquet]'") from None
    types = {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), datetime: arrow.timestamp("us", "UTC")}
    names = await read_column_names(rows, kinds)
    schema = arrow.schema([(name, types[kinds.get(name, str)]) for name in names])
    count = 0
    batch: list[Mapping[str, object]] = []
    with parquet.ParquetWriter(path, schema) as writer:
        async for row in rows():
            batch.append(row)
            count += 1
            if len(batch) == BATCH:
                writer.write_table(arrow.table(_columns(batch, names, kinds), schema=schema))
                batch.clear()
        if batch:
            writer.write_table(arrow.table(_columns(batch, names, kinds), schema=schema))
    return count


async def _read(rows: Rows, kinds: Kinds) -> dict[str, list[object]]:
    found = [row async for row in rows()]
    return _columns(found, column_names((name for row in found for name in row), kinds), kinds)


def _columns(rows: Sequence[Mapping[str, object]], names: Sequence[str], kinds: Kinds) -> dict[str, list[object]]:
    return {name: [typed(row.get(name), kinds.get(name, str)) for row in rows] for name in names}
