"""The numbers of a township as functions of the database: what counts of each hazard, and the sums by unit."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FUNCTIONS = (
    "numbers_by(integer, timestamptz, timestamptz, jsonb, text)", "judged_hazards(integer, timestamptz, timestamptz)",
    "is_in_scope(text, text, text, jsonb)",
)  # fmt: skip


def upgrade() -> None:
    functions = (Path(__file__).parent.parent / "sql" / "numbers.sql").read_text(encoding="utf8")
    op.get_bind().connection.cursor().execute(functions)


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"drop function {function}")
    op.execute("drop type unit_numbers")
