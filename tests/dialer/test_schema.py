"""The tables: made by migrations, brought up to date, and an audit that nobody can change."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from tests.dialer.claiming import A, Worker, campaign_of, contacts
from tests.fakes.clock import FakeClock
from trudy.dialer.migrations import alembic_config
from trudy.dialer.schema import SCHEMA, metadata
from trudy.dialer.sql_database import Database
from trudy.dialer.sql_store import SqlStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("change", ["UPDATE events SET kind = 'nothing'", "DELETE FROM events"])
async def test_the_audit_is_append_only(store: SqlStore, store_url: str, change: str) -> None:
    await campaign_of(store, A)
    engine = Database(store_url, clock=FakeClock())._engine
    with pytest.raises(DBAPIError, match="events is append only"), engine.begin() as connection:
        connection.execute(text(change))
    engine.dispose()


async def test_the_migrations_make_the_tables_of_the_schema(store: SqlStore, store_url: str) -> None:
    await store.close()
    engine = Database(store_url, clock=FakeClock())._engine
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("SELECT schema FROM store")).scalar_one() == SCHEMA
        connection.rollback()
        command.downgrade(alembic_config(connection), "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()


async def test_a_store_of_the_first_version_is_brought_up_to_date_with_what_is_in_it(
    store: SqlStore, store_url: str
) -> None:
    campaign = await campaign_of(store, A)
    await store.close()
    engine = Database(store_url, clock=FakeClock())._engine
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0001")
        assert connection.execute(text("SELECT schema FROM store")).scalar_one() == 1
    engine.dispose()
    await store.open()
    if (change := await store.server_change()) is not None:
        await store.guarded(change.server)
    (contact,) = await contacts(store, campaign)
    await (await Worker(store, campaign).start()).must_claim(contact)
