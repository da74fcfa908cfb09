"""Scopes of tokens, and who somebody is in another house's directory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        grant select, insert, update, delete on identity to bihuan_app;
        grant usage, select on sequence identity_id_seq to bihuan_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.add_column("login", sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("login", sa.Column("name", sa.Text(), nullable=True))
    op.create_table(
        "identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "subject", name="a_subject_is_one_person"),
    )
    op.create_index("ix_identity_person_id", "identity", ["person_id"], unique=False)
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("identity")
    op.drop_column("login", "name")
    op.drop_column("login", "scopes")
