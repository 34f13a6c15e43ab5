"""Of which dossier a partner's answer is: one that cannot come in as it stands is kept there."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("replies", sa.Column("dossier_id", sa.String(length=36), nullable=True))
    op.execute(
        """
        update replies set dossier_id = (
            select min(dossier_id) from messages where messages.correlation_id = replies.correlation_id
            having count(distinct dossier_id) = 1
        )
        """
    )
