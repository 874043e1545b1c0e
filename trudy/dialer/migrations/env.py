"""What alembic runs: the migrations, on the connection that `upgrade` brought."""

from __future__ import annotations

from alembic import context

from trudy.dialer.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
