"""Rows in the order in which they are called, and attempts in that in which they ended, for campaigns of many rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("rows_order", "rows", ["campaign", "state", sa.text("priority DESC"), "due_at", "id", "shard"])
    op.drop_index("rows_due", table_name="rows")
    op.create_index("attempts_ends", "attempts", ["campaign", "ended_at"])


def downgrade() -> None:
    op.drop_index("attempts_ends", table_name="attempts")
    op.create_index("rows_due", "rows", ["campaign", "shard", "state", "due_at", "priority"])
    op.drop_index("rows_order", table_name="rows")
