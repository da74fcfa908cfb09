"""What the numbers keep ready: an index that holds all that is counted of a hazard.

None of it but the grade moves unless something else indexed does, so that a case that merely climbs still needs no new index entries.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "hazards_as_counted", "cases", ["township_id", "state"], unique=False, postgresql_where="kind = 'hazard'",
        postgresql_include=["grade", "village_id", "place_id", "opened_at", "due_at", "ended_at"],
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("hazards_as_counted", table_name="cases")
