"""Whose links from before were made void, by whom and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        revoke all on links_voided from bihuan_app;
        grant select, insert on links_voided to bihuan_app;
        grant usage, select on sequence links_voided_id_seq to bihuan_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "links_voided",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_post", sa.Text(), nullable=False),
        sa.Column("by_person", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_links_voided_person_id", "links_voided", ["person_id"], unique=False)
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("links_voided")
