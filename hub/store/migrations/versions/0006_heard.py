"""What each partner told last: the ledger learns it from the messages that are there. A cell may be of one that only told."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TOLD = """
    select dossier_id, origin, stream, max(seq) as seq from messages
    where origin is not null and not (full_state and exists (
        select 1 from messages before
        where before.dossier_id = messages.dossier_id and before.sender = messages.sender
        and before.stream = messages.stream and before.seq < messages.seq and before.version > messages.version
    ))
    group by dossier_id, origin, stream
"""


def upgrade() -> None:
    with op.batch_alter_table("ledger") as ledger:
        ledger.alter_column("routed_seq", existing_type=sa.BigInteger(), nullable=True)
        ledger.alter_column("routed_at", existing_type=sa.BigInteger(), nullable=True)
        ledger.add_column(sa.Column("heard_seq", sa.BigInteger(), nullable=True))
        ledger.add_column(sa.Column("heard_at", sa.BigInteger(), nullable=True))
        ledger.add_column(sa.Column("heard_message", sa.String(length=36), nullable=True))
    op.execute(
        f"""
        insert into ledger (dossier_id, endpoint, stream, heard_seq, heard_at, heard_message, open, dead, doubted)
        select told.dossier_id, told.origin, told.stream, told.seq, messages.accepted_at, messages.id, 0, 0, false
        from ({_TOLD}) told join messages on messages.dossier_id = told.dossier_id and messages.seq = told.seq
        where true
        on conflict (dossier_id, endpoint, stream) do update set
        heard_seq = excluded.heard_seq, heard_at = excluded.heard_at, heard_message = excluded.heard_message
        """
    )
