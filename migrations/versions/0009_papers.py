"""Papers: what was written, frozen, with its number and hash; and the scan of a signed one as evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        revoke all on paper from bihuan_app;
        grant select, insert on paper to bihuan_app;
        grant usage, select on sequence paper_id_seq to bihuan_app;
    end if;
end $$
"""
FORMS = (
    "inspection_record", "onsite_measure", "coercive_measure", "instruction_order", "notice", "advice", "dispatch", "review_opinion",
    "listing_notice", "extension_form", "acceptance_opinion", "transfer_form", "urge_letter",
)  # fmt: skip
TOWNSHIP = ("weekly", "monthly", "work_report", "statistics", "brief")
EVIDENCE = ("before", "after", "document", "signature", "photo")


def upgrade() -> None:
    op.create_table(
        "paper",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cut_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_post", sa.Text(), nullable=False),
        sa.Column("issued_person", sa.Text(), nullable=False),
        sa.Column("docx_sha256", sa.Text(), nullable=True),
        sa.Column("pdf_sha256", sa.Text(), nullable=True),
        sa.Column("previous_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(_one_of(*FORMS, *TOWNSHIP), name="kind_is_a_known_word"),
        sa.ForeignKeyConstraint(["township_id"], ["township.id"]),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["previous_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "number", name="paper_numbers_are_unique_in_their_township"),
    )
    op.create_index("papers_of_a_case", "paper", ["case_id", "id"], unique=False, postgresql_where="case_id is not null")
    op.create_index("papers_of_a_kind", "paper", ["township_id", "kind", "issued_at"], unique=False)
    _evidence_is(*EVIDENCE, "scan")
    op.execute(GRANTS)


def _one_of(*words: str) -> str:
    return f"kind in ({', '.join(repr(each) for each in words)})"


def _evidence_is(*words: str) -> None:
    op.drop_constraint("kind_is_a_known_word", "evidence", type_="check")
    op.create_check_constraint("kind_is_a_known_word", "evidence", _one_of(*words))


def downgrade() -> None:
    op.execute("update evidence set kind = 'document' where kind = 'scan'")
    _evidence_is(*EVIDENCE)
    op.drop_table("paper")
