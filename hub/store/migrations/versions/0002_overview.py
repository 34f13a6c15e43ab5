"""Roles of keys; indexes for the overview's counts of what is open or dead, and for the lists of one sender's arrivals."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('pending', 'claimed', 'in_doubt', 'dead')")
_DEAD = sa.text("state = 'dead'")


def upgrade() -> None:
    op.create_index("ix_arrivals_sender", "arrivals", ["sender", "id"], unique=False)
    op.add_column("keys", sa.Column("role", sa.String(length=10), nullable=False, server_default="sender"))
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["endpoint", "route", "state", "created_at"],
        unique=False,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.drop_index("ix_deliveries_dead", "deliveries")
    op.create_index(
        "ix_deliveries_dead",
        "deliveries",
        ["settled_at", "endpoint", "code", "id"],
        unique=False,
        sqlite_where=_DEAD,
        postgresql_where=_DEAD,
    )
