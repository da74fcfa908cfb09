"""Digests and throttles: a purpose of its own, what far ends were handed lately, and what is asked of the outbox every minute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        grant select, insert, update, delete on throttle to bihuan_app;
    end if;
end $$
"""
PURPOSES = (
    "to_dispatch", "dispatch", "review", "reminder", "overdue", "review_overdue", "approval", "returned", "outcome", "countdown",
    "undeliverable", "channel_failed", "bundle", "operations", "application", "decision", "interim", "task", "report", "start_work",
)  # fmt: skip
LIVE = "state in ('planned', 'held', 'pending', 'sending', 'retry', 'failed', 'unknown')"


def upgrade() -> None:
    op.create_table(
        "throttle",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("spent", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("queued_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("notices_sent_lately", "notice", ["sent_at"], unique=False, postgresql_where="sent_at is not null")
    op.create_index("notices_to_look_after", "notice", ["state"], unique=False, postgresql_where=LIVE)
    _purpose_is(*PURPOSES, "digest")
    op.execute(GRANTS)


def _purpose_is(*words: str) -> None:
    op.drop_constraint("purpose_is_a_known_word", "notice", type_="check")
    op.create_check_constraint("purpose_is_a_known_word", "notice", f"purpose in ({', '.join(repr(each) for each in words)})")


def downgrade() -> None:
    op.execute("delete from notice where purpose = 'digest'")
    _purpose_is(*PURPOSES)
    op.drop_index("notices_to_look_after", "notice")
    op.drop_index("notices_sent_lately", "notice")
    op.drop_table("throttle")
