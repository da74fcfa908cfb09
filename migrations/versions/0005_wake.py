"""A commit that queued a message says so: whoever sends needn't wait for the next minute."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What may only be told later wakes nobody, nor does a fallback, whose sender is awake. Both times are business time: no clock is asked.
WAKE = """
create function wake_the_sender() returns trigger language plpgsql as $$
begin
    if exists (select from fresh where state = 'planned' and not_before <= planned_at and fallback_of_id is null) then
        perform pg_notify('notices', '');
    end if;
    return null;
end
$$
"""


def upgrade() -> None:
    op.execute(WAKE)
    op.execute(
        "create trigger wake_the_sender after insert on notice referencing new table as fresh"
        " for each statement execute function wake_the_sender()"
    )


def downgrade() -> None:
    op.execute("drop trigger wake_the_sender on notice")
    op.execute("drop function wake_the_sender()")
