"""A township's own wording of its messages; and when somebody said, by a message's link, that they had seen it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        revoke all on wording from bihuan_app;
        grant select, insert on wording to bihuan_app;
        grant usage, select on sequence wording_id_seq to bihuan_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "wording",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_post", sa.Text(), nullable=True),
        sa.Column("by_person", sa.Text(), nullable=True),
        sa.CheckConstraint("btrim(text) <> ''", name="a_wording_says_something"),
        sa.ForeignKeyConstraint(["township_id"], ["township.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("newest_wording", "wording", ["township_id", "language", "name", "id"], unique=False)
    op.add_column("notice", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_column("notice", "seen_at")
    op.drop_table("wording")
