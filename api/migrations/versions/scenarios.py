"""Scenarios that planners save, and every version of each."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "scenarios",
        sa.Column("id", sa.String(22), primary_key=True),
        sa.Column("region", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(10), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_index("scenarios_owner", "scenarios", ["owner", "region"])
    op.create_table(
        "scenario_versions",
        sa.Column("scenario", sa.String(22), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("edition", sa.String(16), nullable=False),
        sa.Column("saved_by", sa.String(10), nullable=False),
        sa.Column("saved_at", _MOMENT, nullable=False),
    )
