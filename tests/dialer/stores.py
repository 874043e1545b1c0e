"""New stores for tests, in whichever database: a file, or a schema of a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TypeAlias

import psycopg

NewStore: TypeAlias = Callable[[], str]
"""Each time another path or URL of a store that nobody has opened."""


def files_in(folder: Path) -> NewStore:
    """SQLite files of a folder."""
    numbers = count(1)
    return lambda: str(folder / f"store-{next(numbers)}.db")


def schemas_of(url: str) -> NewStore:
    """Schemas of a database, which take a tenth of the time that databases do."""
    numbers = count(1)

    def new_store() -> str:
        name = f"store_{next(numbers)}"
        with psycopg.connect(url) as connection:
            connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[call-overload]
        return f"{url}?options=-csearch_path%3D{name}"

    return new_store
