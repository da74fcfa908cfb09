"""What the pages keep: the owners' links that officials have made by hand, added to and never rewritten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        revoke all on owner_link from bihuan_app;
        grant select, insert on owner_link to bihuan_app;
        grant usage, select on sequence owner_link_id_seq to bihuan_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "owner_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_person", sa.Text(), nullable=False),
        sa.Column("made_post", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_owner_link_case_id"), "owner_link", ["case_id"], unique=False)
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("owner_link")
