"""Silences: who has muted what until when, added to and never rewritten; and whether one holds for a message."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        revoke all on silence from bihuan_app;
        grant select, insert, update (lifted_at, lifted_post, lifted_person) on silence to bihuan_app;
        grant usage, select on sequence silence_id_seq to bihuan_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "silence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("village_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_post", sa.Text(), nullable=False),
        sa.Column("by_person", sa.Text(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_post", sa.Text(), nullable=True),
        sa.Column("lifted_person", sa.Text(), nullable=True),
        sa.CheckConstraint("num_nonnulls(case_id, place_id, village_id, person_id) = 1", name="silence_is_about_one_thing"),
        sa.CheckConstraint("until_at > from_at", name="every_silence_ends"),
        sa.CheckConstraint("btrim(reason) <> ''", name="every_silence_has_a_reason"),
        sa.ForeignKeyConstraint(["township_id"], ["township.id"]),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"]),
        sa.ForeignKeyConstraint(["village_id"], ["unit.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("silences_by_end", "silence", ["township_id", "until_at"], unique=False)
    rule = (Path(__file__).parent.parent / "sql" / "silences.sql").read_text(encoding="utf8")
    op.get_bind().connection.cursor().execute(rule)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("drop function silenced_until(notice, timestamptz, date)")
    op.drop_table("silence")
