"""Several workers on one store: what they must share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("canary", sa.Integer(), nullable=True))
    op.add_column("campaigns", sa.Column("running_since", sa.Float(), nullable=True))
    op.add_column("campaigns", sa.Column("claimed_at", sa.Float(), nullable=True))
    op.add_column("store", sa.Column("guarded_for", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "only_to",
        sa.Column("campaign", sa.String(length=36), nullable=False),
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign"],
            ["campaigns.id"],
        ),
        sa.PrimaryKeyConstraint("campaign", "number_hash"),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.execute("UPDATE store SET schema = 2")


def downgrade() -> None:
    op.execute("UPDATE store SET schema = 1")
    op.drop_table("workers")
    op.drop_table("only_to")
    op.drop_column("store", "guarded_for")
    op.drop_column("campaigns", "claimed_at")
    op.drop_column("campaigns", "running_since")
    op.drop_column("campaigns", "canary")
