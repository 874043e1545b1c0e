"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "caller_days",
        sa.Column("caller_id", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("caller_id", "day"),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plan_hash", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("consent", sa.JSON(), nullable=False),
        sa.Column("region", sa.String(length=2), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("live", sa.Integer(), server_default="0", nullable=False),
        sa.Column("dialed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Float(), server_default="0", nullable=False),
        sa.Column("spent", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("plan_hash"),
    )
    op.create_table(
        "dnc",
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("added_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("number_hash"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("campaign", sa.String(length=36), nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.String(length=36), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("events_row", "events", ["row"], unique=False)
    op.create_table(
        "store",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("last_activity_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "leases",
        sa.Column("campaign", sa.String(length=36), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign"],
            ["campaigns.id"],
        ),
        sa.PrimaryKeyConstraint("campaign", "shard"),
    )
    op.create_table(
        "rows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign", sa.String(length=36), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=True),
        sa.Column("number_hash", sa.String(length=64), nullable=True),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("region", sa.String(length=8), nullable=True),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("shard", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("caller_id", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign"],
            ["campaigns.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rows_due", "rows", ["campaign", "shard", "state", "due_at", "priority"], unique=False)
    op.create_index("rows_number", "rows", ["number_hash"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("campaign", sa.String(length=36), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.Column("from_number", sa.String(length=16), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("intent_at", sa.Float(), nullable=False),
        sa.Column("send_by", sa.Float(), nullable=False),
        sa.Column("zone_day", sa.String(length=10), nullable=False),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("price", sa.Float(), server_default="0", nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("cost", sa.Float(), nullable=True),
        sa.Column("clean_looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("looked_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign"],
            ["campaigns.id"],
        ),
        sa.ForeignKeyConstraint(
            ["row"],
            ["rows.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id"),
        sa.UniqueConstraint("campaign", "row", "n", name="attempts_once"),
    )
    op.create_index("attempts_number", "attempts", ["number_hash", "intent_at"], unique=False)
    op.create_index(
        "attempts_ringing",
        "attempts",
        ["number"],
        unique=True,
        sqlite_where=sa.text("state IN ('intent', 'placed', 'unknown')"),
        postgresql_where=sa.text("state IN ('intent', 'placed', 'unknown')"),
    )
    op.create_index("attempts_state", "attempts", ["campaign", "state"], unique=False)


def downgrade() -> None:
    op.drop_index("attempts_state", table_name="attempts")
    op.drop_index(
        "attempts_ringing",
        table_name="attempts",
        sqlite_where=sa.text("state IN ('intent', 'placed', 'unknown')"),
        postgresql_where=sa.text("state IN ('intent', 'placed', 'unknown')"),
    )
    op.drop_index("attempts_number", table_name="attempts")
    op.drop_table("attempts")
    op.drop_index("rows_number", table_name="rows")
    op.drop_index("rows_due", table_name="rows")
    op.drop_table("rows")
    op.drop_table("leases")
    op.drop_table("store")
    op.drop_index("events_row", table_name="events")
    op.drop_table("events")
    op.drop_table("dnc")
    op.drop_table("campaigns")
    op.drop_table("caller_days")
