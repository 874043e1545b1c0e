"""Brings the tables of a store up to date, by alembic; each step of the schema is a file in `versions/`."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_MIGRATING: Final = Lock()
"""Alembic keeps what it works on for the whole process: two threads at once would mix their databases."""


def upgrade(connection: Connection) -> None:
    """Make the tables, or change those of an older version, in the connection's transaction."""
    with _MIGRATING:
        command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection) -> Config:
    """What alembic's commands need to work on a connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
