"""Of which dossier a partner's answer is: one that cannot come in as it stands is kept there."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("replies", sa.Column("dossier_id", sa.String(length=36), nullable=True))
    of_one = """
        select correlation_id, min(dossier_id) from messages where correlation_id in (select correlation_id from replies)
        group by correlation_id having count(distinct dossier_id) = 1
    """
    found = [{"of": correlation, "one": dossier} for correlation, dossier in op.get_bind().execute(sa.text(of_one))]
    if found:
        op.get_bind().execute(sa.text("update replies set dossier_id = :one where correlation_id = :of"), found)
