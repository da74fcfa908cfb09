"""What people ask for about a hazard, duties, inspections, public reports, clauses: each a noun, the living ones cases of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHECKS = {
    "evidence": {"kind_is_a_known_word": "kind in ('before', 'after', 'document', 'signature', 'photo')"},
    "cases": {
        "kind_is_a_known_word": ("kind in ('hazard', 'extension', 'appeal', 'transfer', 'listing', 'duty', 'report')"),
        "state_is_one_of_its_kind": (
            "kind = 'hazard' and state in ('found', 'assigned', 'rectifying', 'submitted', 'verified', 'closed', "
            "'reopened', 'rejected', 'duplicate', 'cancelled', 'transferred') or kind = 'extension' and state in ('asked', "
            "'granted', 'declined', 'withdrawn', 'lapsed') or kind = 'appeal' and state in ('asked', 'opined', 'upheld', "
            "'dismissed', 'withdrawn', 'lapsed') or kind = 'transfer' and state in ('sent', 'accepted', 'sent_back') or "
            "kind = 'listing' and state in ('proposed', 'listed', 'delisting', 'delisted', 'declined', 'lapsed') or kind = "
            "'duty' and state in ('open', 'done', 'excused', 'missed', 'cancelled') or kind = 'report' and state in "
            "('received', 'substantiated', 'unfounded', 'answered', 'disputed', 'settled')"
        ),
    },
    "ladder": {
        "clock_is_a_known_word": (
            "clock in ('dispatch', 'acknowledge', 'rectify', 'review', 'approve', 'decide', 'reply', 'answer', 'progress', "
            "'duty', 'leader_duty')"
        ),
    },
    "timer": {
        "clock_is_a_known_word": (
            "clock in ('dispatch', 'acknowledge', 'rectify', 'review', 'approve', 'decide', 'reply', 'answer', 'progress', "
            "'duty', 'leader_duty')"
        ),
    },
    "notice": {
        "purpose_is_a_known_word": (
            "purpose in ('to_dispatch', 'dispatch', 'review', 'reminder', 'overdue', 'review_overdue', 'approval', "
            "'returned', 'outcome', 'countdown', 'undeliverable', 'channel_failed', 'bundle', 'operations', 'application', "
            "'decision', 'interim', 'task', 'report', 'start_work')"
        ),
    },
    "hazard": {
        "recurrence_kind_is_a_known_word": ("recurrence_kind in ('same_item', 'same_words', 'village_family')"),
    },
    "place": {
        "start_work_is_a_known_word": ("start_work in ('allowed', 'blocked', 'pending')"),
    },
}

# The words of before, and the checks that go with them; the one on a case's state is by its kind from now on.
BEFORE = {
    "evidence": {"kind_is_a_known_word": "kind in ('before', 'after', 'document', 'signature')"},
    "cases": {
        "kind_is_a_known_word": "kind in ('hazard')",
        "state_is_a_known_word": (
            "state in ('found', 'assigned', 'rectifying', 'submitted', 'verified', 'closed', 'reopened', "
            "'rejected', 'duplicate', 'cancelled', 'transferred')"
        ),
    },
    "ladder": {"clock_is_a_known_word": "clock in ('dispatch', 'acknowledge', 'rectify', 'review', 'approve')"},
    "timer": {"clock_is_a_known_word": "clock in ('dispatch', 'acknowledge', 'rectify', 'review', 'approve')"},
    "notice": {
        "purpose_is_a_known_word": (
            "purpose in ('to_dispatch', 'dispatch', 'review', 'reminder', 'overdue', 'review_overdue', 'approval', 'returned', "
            "'outcome', 'countdown', 'undeliverable', 'channel_failed', 'bundle', 'operations')"
        ),
    },
}

# A place's paper trail is added to, never rewritten; so is what an inspection found.
GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        grant select, insert, update, delete on all tables in schema public to bihuan_app;
        grant usage, select on all sequences in schema public to bihuan_app;
        revoke update, delete, truncate on event, place_event from bihuan_app;
        revoke insert, update, delete on alembic_version from bihuan_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "clause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.CheckConstraint("to_day is null or to_day >= from_day", name="clause_ends_after_it_starts"),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "instrument", "article", "from_day", name="one_edition_of_a_clause_a_day"),
    )
    op.create_index("clauses_of_an_instrument", "clause", ["township_id", "instrument"], unique=False)
    op.create_table(
        "duty",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=True),
        sa.Column("leader", sa.Boolean(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "code", "version", name="duty_versions_are_numbered"),
    )
    op.create_table(
        "inspection",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("leader_post", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("paper", sa.Text(), nullable=True),
        sa.Column("paper_no", sa.Text(), nullable=True),
        sa.Column("unit_signed", sa.Boolean(), nullable=False),
        sa.Column("refused_to_sign", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_person", sa.Text(), nullable=False),
        sa.Column("recorded_post", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "paper in ('inspection_record', 'notice', 'dispatch', 'instruction_order', 'onsite_measure', 'review_opinion')",
            name="paper_is_a_known_word",
        ),
        sa.CheckConstraint("result in ('passed', 'issues', 'not_accessible')", name="result_is_a_known_word"),
        sa.CheckConstraint(
            "trigger in ('campaign', 'routine', 'leader_led', 'resumption', 'holiday', 'season', 'law_change', "
            "'process_change', 'event', 'accident', 'recheck', 'report', 'patrol')",
            name="trigger_is_a_known_word",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["place.id"],
        ),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "code", name="inspection_code_is_unique_in_its_township"),
    )
    op.create_index("inspections_by_time", "inspection", ["township_id", "started_at"], unique=False)
    op.create_index("inspections_of_a_place", "inspection", ["place_id", "started_at"], unique=False)
    op.create_table(
        "place_event",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("case_code", sa.Text(), nullable=True),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["place.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("place_id", "seq", name="events_of_a_place_are_numbered"),
    )
    op.create_table(
        "answer",
        sa.Column("inspection_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("checklist_id", sa.Integer(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("fixed_on_spot", sa.Boolean(), nullable=False),
        sa.Column("hazard_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("said in ('yes', 'no', 'na')", name="said_is_a_known_word"),
        sa.ForeignKeyConstraint(
            ["checklist_id"],
            ["checklist.id"],
        ),
        sa.ForeignKeyConstraint(
            ["hazard_id"],
            ["cases.id"],
        ),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("inspection_id", "item"),
    )
    op.create_index("answers_that_found_something", "answer", ["hazard_id"], unique=False)
    op.create_table(
        "appeal",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("applicant_person", sa.Text(), nullable=False),
        sa.Column("applicant_post", sa.Text(), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("opined_person", sa.Text(), nullable=True),
        sa.Column("opined_post", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_person", sa.Text(), nullable=True),
        sa.Column("decided_post", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "duty_run",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("duty_id", sa.Integer(), nullable=True),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("owner_post_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("occasion", sa.Text(), nullable=True),
        sa.Column("leader", sa.Boolean(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wanted", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("barred", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_person", sa.Text(), nullable=True),
        sa.Column("done_post", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("inspection_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_person", sa.Text(), nullable=True),
        sa.Column("ended_post", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "task in ('duty', 'recheck', 'publish', 'power_cut_notice', 'talk', 'start_work_check', 'regrade')", name="task_is_a_known_word"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["duty_id"],
            ["duty.id"],
        ),
        sa.ForeignKeyConstraint(
            ["inspection_id"],
            ["inspection.id"],
        ),
        sa.ForeignKeyConstraint(
            ["owner_post_id"],
            ["post.id"],
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["place.id"],
        ),
        sa.PrimaryKeyConstraint("case_id"),
        sa.UniqueConstraint(
            "duty_id",
            "task",
            "period",
            "owner_post_id",
            "place_id",
            "occasion",
            name="a_duty_runs_once_a_period",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("duty_runs_by_due", "duty_run", ["due_at"], unique=False)
    op.create_table(
        "extension",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("interim_measures", sa.Text(), nullable=False),
        sa.Column("requested_due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applicant_person", sa.Text(), nullable=False),
        sa.Column("applicant_post", sa.Text(), nullable=False),
        sa.Column("granted_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_person", sa.Text(), nullable=True),
        sa.Column("decided_post", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason in ('not_a_hazard', 'wrong_place', 'out_of_jurisdiction', 'place_gone', 'entered_by_mistake', "
            "'evidence_missing', 'measure_incomplete', 'new_hazard_found', 'fake_rectification', 'weather', 'funding', "
            "'supply', 'approval_needed', 'external_factor')",
            name="reason_is_a_known_word",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "listing",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("proposed_person", sa.Text(), nullable=False),
        sa.Column("proposed_post", sa.Text(), nullable=False),
        sa.Column("notice_no", sa.Text(), nullable=True),
        sa.Column("treat_by", sa.Date(), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_person", sa.Text(), nullable=True),
        sa.Column("listed_post", sa.Text(), nullable=True),
        sa.Column("progress_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delist_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delist_person", sa.Text(), nullable=True),
        sa.Column("delist_post", sa.Text(), nullable=True),
        sa.Column("delisted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("level in ('none', 'township', 'county', 'city', 'province')", name="level_is_a_known_word"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "officer",
        sa.Column("inspection_id", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("inspection_id", "person"),
    )
    op.create_table(
        "public_report",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("said_place", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("hazard_id", sa.BigInteger(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_person", sa.Text(), nullable=True),
        sa.Column("verified_post", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_post", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("verdict_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel in ('qr', 'form', 'phone', 'visit')", name="channel_is_a_known_word"),
        sa.CheckConstraint("verdict in ('satisfied', 'not_fixed')", name="verdict_is_a_known_word"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["hazard_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("case_id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_table(
        "reporter",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "transfer",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("letter_no", sa.Text(), nullable=True),
        sa.Column("sent_person", sa.Text(), nullable=False),
        sa.Column("sent_post", sa.Text(), nullable=False),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("reply_no", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.add_column("cases", sa.Column("parent_id", sa.BigInteger(), nullable=True))
    op.alter_column("cases", "place_id", nullable=True)
    op.alter_column("cases", "village_id", nullable=True)
    op.create_index("cases_of_a_kind", "cases", ["township_id", "kind", "state", "due_at"], unique=False)
    op.create_index("cases_of_a_parent", "cases", ["parent_id"], unique=False, postgresql_where="parent_id is not null")
    op.drop_index("cases_of_a_place", "cases")
    op.create_index("cases_of_a_place", "cases", ["place_id", "opened_at", "code"], unique=False)
    op.create_index(
        "closed_hazards_of_a_village",
        "cases",
        ["village_id", "ended_at", "code"],
        unique=False,
        postgresql_where="kind = 'hazard' and state = 'closed'",
    )
    op.create_foreign_key("cases_parent_id_fkey", "cases", "cases", ["parent_id"], ["id"])
    op.add_column("evidence", sa.Column("look", sa.BigInteger(), nullable=True))
    op.add_column("hazard", sa.Column("interim_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("hazard", sa.Column("interim_post", sa.Text(), nullable=True))
    op.add_column("hazard", sa.Column("recurrence_kind", sa.Text(), nullable=True))
    op.add_column("hazard", sa.Column("root_cause", sa.Text(), nullable=True))
    for column in ADDED["holding"]:
        op.add_column("holding", sa.Column(column, sa.Text(), nullable=True))
    op.add_column("place", sa.Column("start_work", sa.Text(), nullable=False, server_default="allowed"))
    op.alter_column("place", "start_work", server_default=None)
    op.add_column("place", sa.Column("qr_token", sa.Text(), nullable=True))
    op.add_column("place", sa.Column("details", postgresql.JSONB(), nullable=False, server_default="{}"))
    op.alter_column("place", "details", server_default=None)
    op.create_unique_constraint("place_qr_token_key", "place", ["qr_token"])
    _replace_checks(BEFORE, CHECKS)
    op.execute(GRANTS)


def _replace_checks(old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> None:
    for table, checks in old.items():
        for name in checks:
            op.drop_constraint(name, table)
    for table, checks in new.items():
        for name, check in checks.items():
            op.create_check_constraint(name, table, check)


def downgrade() -> None:
    """Only hazards are left; what else was a case goes with its kind."""
    op.execute("alter table event disable trigger event_is_append_only")
    for table in ("answer", "officer", "duty_run", "inspection", "extension", "appeal", "transfer", "listing", "public_report", "reporter"):
        op.drop_table(table)
    for table in ("place_event", "duty", "clause"):
        op.drop_table(table)
    op.execute("delete from event where case_id in (select id from cases where kind <> 'hazard')")
    op.execute("delete from cases where kind <> 'hazard'")
    op.execute("alter table event enable trigger event_is_append_only")
    _replace_checks(CHECKS, BEFORE)
    for table, columns in ADDED.items():
        for column in columns:
            op.drop_column(table, column)
    op.alter_column("cases", "place_id", nullable=False)
    op.alter_column("cases", "village_id", nullable=False)
    op.drop_index("cases_of_a_kind", "cases")
    op.drop_index("closed_hazards_of_a_village", "cases")
    op.drop_index("cases_of_a_place", "cases")
    op.create_index("cases_of_a_place", "cases", ["place_id"], unique=False)


ADDED = {
    "cases": ("parent_id",), "evidence": ("look",), "hazard": ("interim_at", "interim_post", "recurrence_kind", "root_cause"),
    "holding": ("reason", "ordered_person", "ordered_post"), "place": ("start_work", "qr_token", "details"),
}  # fmt: skip
