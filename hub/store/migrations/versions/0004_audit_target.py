"""What was done to one thing: an index of the audit trail by target."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_target", "audit", ["target"], unique=False)
