"""Ledgers that came in: which workbook, which line, which hazard; added to and never rewritten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        revoke all on ledger_import, ledger_row from bihuan_app;
        grant select, insert on ledger_import, ledger_row to bihuan_app;
        grant usage, select on sequence ledger_import_id_seq, ledger_row_id_seq to bihuan_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "ledger_import",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("by_post", sa.Text(), nullable=False),
        sa.Column("by_person", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["township_id"], ["township.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "ledger_row",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["township_id"], ["township.id"]),
        sa.ForeignKeyConstraint(["import_id"], ["ledger_import.id"]),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "key", name="a_line_comes_in_once"),
    )
    op.create_index("ledger_rows_of_a_case", "ledger_row", ["case_id"], unique=False)
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("ledger_row")
    op.drop_table("ledger_import")
