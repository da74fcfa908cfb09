"""The first schema: every noun, the functions that hash history and find who stands behind a post, and who may do what."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Everybody but the owner works as bihuan_app, which can write history but never rewrite it.
GRANTS = """
do $$ begin
    if exists (select from pg_roles where rolname = 'bihuan_app') then
        grant usage on schema public to bihuan_app;
        grant select, insert, update, delete on all tables in schema public to bihuan_app;
        grant usage, select on all sequences in schema public to bihuan_app;
        revoke update, delete, truncate on event from bihuan_app;
        revoke insert, update, delete on alembic_version from bihuan_app;
    end if;
end $$
"""

FUNCTIONS = (
    "post_contacts(integer, date)", "case_posts(cases, text)", "refresh_post_chain(integer)",
    "event_hash(text, text)", "event_body(text, text, integer, text, text, text, text, text, timestamptz, jsonb)",
)  # fmt: skip


TABLES = (
    "notice", "feed", "remark", "timer", "hazard", "evidence", "event", "cases", "post_chain", "place", "holding", "rung", "post",
    "login", "channel", "workday", "unit", "person", "occasion", "ladder", "counter", "checklist", "campaign",
    "township", "request_key", "clock",
)  # fmt: skip


def upgrade() -> None:
    _tables()
    functions = (Path(__file__).parent.parent / "sql" / "functions.sql").read_text(encoding="utf8")
    op.get_bind().connection.cursor().execute(functions)
    op.execute("alter table cases set (fillfactor = 80)")  # a step rewrites the row; with room beside it, no index has to know
    op.execute("alter table timer set (fillfactor = 80)")
    op.execute("alter table notice set (fillfactor = 80)")
    op.execute(GRANTS)


def _tables() -> None:
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wall_anchor", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_anchor", sa.DateTime(timezone=True), nullable=False),
        sa.Column("speed", sa.Float(), nullable=False),
        sa.Column("slow_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("beat_wall", sa.DateTime(timezone=True), nullable=True),
        sa.Column("beat_business", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name="there_is_one_clock"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "request_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "person"),
    )
    op.create_table(
        "township",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("targets", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("scope", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reminders", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("deadline > starts_at", name="campaign_ends_after_it_starts"),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "code", name="campaign_code_is_unique_in_its_township"),
    )
    op.create_table(
        "checklist",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "code", "version", name="checklist_versions_are_numbered"),
    )
    op.create_table(
        "counter",
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.CheckConstraint("value >= 0", name="counter_never_negative"),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("township_id", "series"),
    )
    op.create_table(
        "ladder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("repeat_hours", sa.Integer(), nullable=False),
        sa.CheckConstraint("clock in ('dispatch', 'acknowledge', 'rectify', 'review', 'approve')", name="clock_is_a_known_word"),
        sa.CheckConstraint("grade in ('general', 'major')", name="grade_is_a_known_word"),
        sa.CheckConstraint("repeat_hours > 0", name="the_top_level_never_ends_silently"),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "clock", "grade", "version", name="ladder_versions_are_numbered"),
    )
    op.create_table(
        "occasion",
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("township_id", "name", "day"),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "key", name="person_key_is_unique_in_its_township"),
        sa.UniqueConstraint("username", name="username_is_unique"),
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind in ('district', 'township', 'village', 'team')", name="kind_is_a_known_word"),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["unit.id"],
        ),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "code", name="unit_code_is_unique_in_its_township"),
    )
    op.create_table(
        "workday",
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('work', 'rest', 'holiday', 'makeup')", name="kind_is_a_known_word"),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("township_id", "day"),
    )
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person_id", "position", name="channels_are_ordered"),
    )
    op.create_index("usable_channels", "channel", ["person_id", "position"], unique=False, postgresql_where="disabled_at is null")
    op.create_table(
        "login",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(op.f("ix_login_person_id"), "login", ["person_id"], unique=False)
    op.create_table(
        "post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("reports_to_id", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind in ('enterprise_principal', 'enterprise_safety', 'grid_member', 'village_secretary', 'ranger', "
            "'checkpoint_guard', 'inspector', 'station_head', 'office_dispatcher', 'office_head', "
            "'deputy_in_charge', 'township_head', 'party_secretary', 'district_department', 'district_office', "
            "'discipline_viewer', 'reporter', 'system')",
            name="kind_is_a_known_word",
        ),
        sa.ForeignKeyConstraint(
            ["reports_to_id"],
            ["post.id"],
        ),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"],
            ["unit.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "code", name="post_code_is_unique_in_its_township"),
    )
    op.create_index("post_of_a_kind", "post", ["township_id", "kind", "unit_id"], unique=False)
    op.create_table(
        "rung",
        sa.Column("ladder_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("offset_hours", sa.Float(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("told", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("urge_letter", sa.Boolean(), nullable=False),
        sa.CheckConstraint("cardinality(told) > 0", name="every_rung_tells_somebody"),
        sa.ForeignKeyConstraint(["ladder_id"], ["ladder.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ladder_id", "position"),
    )
    op.create_table(
        "holding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=True),
        sa.Column("deputy_of_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("to_day is null or to_day >= from_day", name="holding_ends_after_it_starts"),
        sa.ForeignKeyConstraint(
            ["deputy_of_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["post_id"],
            ["post.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person_id", "post_id", "from_day", name="one_holding_a_person_post_and_day"),
    )
    op.create_index("holders_of_a_post", "holding", ["post_id", "from_day"], unique=False)
    op.create_index(op.f("ix_holding_person_id"), "holding", ["person_id"], unique=False)
    op.create_table(
        "place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("village_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("responsible_post_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("market_street", sa.Text(), nullable=True),
        sa.Column("also_street_shop", sa.Boolean(), nullable=False),
        sa.Column("nine_small", sa.Boolean(), nullable=False),
        sa.Column("crowded", sa.Boolean(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('small_factory', 'small_shop', 'small_beauty_bath', 'small_hotel', 'small_clinic', "
            "'small_restaurant', 'street_shop', 'school', 'kindergarten', 'hospital', 'nursing_home', "
            "'supermarket', 'workshop', 'mine', 'tailings_pond', 'abandoned_opening', 'enterprise', "
            "'village_public')",
            name="kind_is_a_known_word",
        ),
        sa.CheckConstraint(
            "status in ('active', 'locked', 'not_found', 'moved', 'shut', 'vacant', 'home_use', 'fitting', 'sealed', 'demolished', 'dup')",
            name="status_is_a_known_word",
        ),
        sa.ForeignKeyConstraint(
            ["responsible_post_id"],
            ["post.id"],
        ),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["unit.id"],
        ),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.ForeignKeyConstraint(
            ["village_id"],
            ["unit.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "code", name="place_code_is_unique_in_its_township"),
    )
    op.create_index("places_of_a_village", "place", ["village_id", "kind"], unique=False)
    op.create_table(
        "post_chain",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("ancestor_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ancestor_id"],
            ["post.id"],
        ),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", "depth"),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("last_hash", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("village_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("responsible_post_id", sa.Integer(), nullable=True),
        sa.Column("approver_post_id", sa.Integer(), nullable=True),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("grade in ('general', 'major')", name="grade_is_a_known_word"),
        sa.CheckConstraint("kind in ('hazard')", name="kind_is_a_known_word"),
        sa.CheckConstraint(
            "state in ('found', 'assigned', 'rectifying', 'submitted', 'verified', 'closed', 'reopened', "
            "'rejected', 'duplicate', 'cancelled', 'transferred')",
            name="state_is_a_known_word",
        ),
        sa.CheckConstraint("version > 0 and round > 0 and events >= 0", name="case_counters_never_fall_below_their_start"),
        sa.ForeignKeyConstraint(
            ["approver_post_id"],
            ["post.id"],
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
            ["responsible_post_id"],
            ["post.id"],
        ),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["unit.id"],
        ),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.ForeignKeyConstraint(
            ["village_id"],
            ["unit.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("township_id", "code", name="case_code_is_unique_in_its_township"),
    )
    op.create_index("cases_by_state_and_due", "cases", ["township_id", "state", "due_at"], unique=False)
    op.create_index("cases_of_a_place", "cases", ["place_id"], unique=False)
    op.create_index("cases_of_a_responsible_post", "cases", ["responsible_post_id", "state"], unique=False)
    op.create_index("cases_of_a_village", "cases", ["village_id", "state"], unique=False)
    op.create_index("newest_cases_first", "cases", ["township_id", "opened_at", "id"], unique=False)
    op.create_index("open_cases", "cases", ["township_id", "id"], unique=False, postgresql_where="ended_at is null")
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flow_run", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "seq", name="events_of_a_case_are_numbered"),
    )
    op.create_index("events_by_business_time", "event", ["at"], unique=False)
    op.create_table(
        "remark",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", "seq", "name"),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("stored", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_person", sa.Text(), nullable=False),
        sa.Column("added_post", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('before', 'after', 'document', 'signature')", name="kind_is_a_known_word"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "sha256", "kind", name="the_same_picture_once_a_case"),
    )
    op.create_index("evidence_by_bytes", "evidence", ["sha256"], unique=False)
    op.create_table(
        "hazard",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("sla_class", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("threat", sa.Text(), nullable=False),
        sa.Column("nature", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=True),
        sa.Column("legal_basis", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_person", sa.Text(), nullable=False),
        sa.Column("found_post", sa.Text(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("original_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("campaign_capped", sa.Boolean(), nullable=False),
        sa.Column("beyond_campaign", sa.Boolean(), nullable=False),
        sa.Column("due_estimated", sa.Boolean(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_person", sa.Text(), nullable=True),
        sa.Column("submitted_post", sa.Text(), nullable=True),
        sa.Column("submitted_text", sa.Text(), nullable=True),
        sa.Column("on_spot", sa.Boolean(), nullable=False),
        sa.Column("recorder_person", sa.Text(), nullable=True),
        sa.Column("recorder_post", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reinspected_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_person", sa.Text(), nullable=True),
        sa.Column("closed_post", sa.Text(), nullable=True),
        sa.Column("interim_control", sa.Text(), nullable=False),
        sa.Column("interim_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("interim_kept", sa.Boolean(), nullable=False),
        sa.Column("needs_gov_coordination", sa.Boolean(), nullable=False),
        sa.Column("stop_scope", sa.Text(), nullable=True),
        sa.Column("fund_planned", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("fund_actual", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("recurrence_of_id", sa.BigInteger(), nullable=True),
        sa.Column("recurrence_count", sa.Integer(), nullable=False),
        sa.Column("duplicate_of_id", sa.BigInteger(), nullable=True),
        sa.Column("extension_count", sa.Integer(), nullable=False),
        sa.Column("confidentiality", sa.Text(), nullable=True),
        sa.Column("district_consent_no", sa.Text(), nullable=True),
        sa.Column("plan", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("returned_count", sa.Integer(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "field in ('mine', 'tailings', 'hazchem', 'fireworks', 'road', 'construction', 'food_drug', "
            "'crowded', 'fire_nine', 'street_shop', 'forest', 'abandoned', 'power', 'education', 'other')",
            name="field_is_a_known_word",
        ),
        sa.CheckConstraint(
            "interim_control in ('none', 'warning', 'guard', 'evacuate', 'stop_equipment', 'partial_stop', "
            "'full_stop', 'sealed', 'power_cut')",
            name="interim_control_is_a_known_word",
        ),
        sa.CheckConstraint("listing in ('none', 'township', 'county', 'city', 'province')", name="listing_is_a_known_word"),
        sa.CheckConstraint("nature in ('thing', 'person', 'management')", name="nature_is_a_known_word"),
        sa.CheckConstraint("sla_class in ('on_spot', 'g3', 'g7', 'g15', 'g30', 'major')", name="sla_class_is_a_known_word"),
        sa.CheckConstraint(
            "source in ('inspection', 'leader_led', 'self_check', 'patrol', 'public', 'upper', 'joint', 'recheck')",
            name="source_is_a_known_word",
        ),
        sa.CheckConstraint("threat in ('fire', 'leak', 'explosion', 'poison', 'collapse', 'fall')", name="threat_is_a_known_word"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["duplicate_of_id"],
            ["cases.id"],
        ),
        sa.ForeignKeyConstraint(
            ["recurrence_of_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index("hazards_by_item", "hazard", ["item"], unique=False)
    op.create_table(
        "timer",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("ladder_id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung_at", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("fired", sa.Integer(), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_rung", sa.Integer(), nullable=True),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quarantined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quarantine_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("clock in ('dispatch', 'acknowledge', 'rectify', 'review', 'approve')", name="clock_is_a_known_word"),
        sa.CheckConstraint("run > 0 and fired >= 0 and repeat >= 0", name="timer_counters_never_fall"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["ladder_id"],
            ["ladder.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "clock", name="one_timer_a_case_and_clock"),
    )
    op.create_index("timers_in_quarantine", "timer", ["quarantined_at"], unique=False, postgresql_where="quarantined_at is not null")
    op.create_index(
        "timers_to_act_on", "timer", ["next_at", "id"], unique=False, postgresql_where="stopped_at is null and quarantined_at is null"
    )
    op.create_table(
        "feed",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("township_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("timer_id", sa.BigInteger(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("rung", sa.Integer(), nullable=True),
        sa.Column("repeat", sa.Integer(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=True),
        sa.Column("for_post_id", sa.Integer(), nullable=True),
        sa.Column("standing_in_for_id", sa.Integer(), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("while_states", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("bundle_id", sa.BigInteger(), nullable=True),
        sa.Column("fallback_of_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose in ('to_dispatch', 'dispatch', 'review', 'reminder', 'overdue', 'review_overdue', "
            "'approval', 'returned', 'outcome', 'countdown', 'undeliverable', 'channel_failed', 'bundle', "
            "'operations')",
            name="purpose_is_a_known_word",
        ),
        sa.CheckConstraint(
            "state in ('planned', 'held', 'pending', 'sending', 'sent', 'delivered', 'retry', 'failed', "
            "'unknown', 'bundled', 'cancelled', 'expired')",
            name="state_is_a_known_word",
        ),
        sa.ForeignKeyConstraint(["bundle_id"], ["notice.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["channel.id"],
        ),
        sa.ForeignKeyConstraint(["fallback_of_id"], ["notice.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["for_post_id"],
            ["post.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["post_id"],
            ["post.id"],
        ),
        sa.ForeignKeyConstraint(
            ["standing_in_for_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(["timer_id"], ["timer.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["township_id"],
            ["township.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "timer_id",
            "run",
            "rung",
            "repeat",
            "purpose",
            "occasion",
            "person_id",
            "channel_id",
            name="a_notice_is_planned_once",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("notices_in_a_bundle", "notice", ["bundle_id"], unique=False, postgresql_where="bundle_id is not null")
    op.create_index("notices_in_flight", "notice", ["claimed_until"], unique=False, postgresql_where="state = 'sending'")
    op.create_index("notices_of_a_case", "notice", ["case_id", "id"], unique=False)
    op.create_index("notices_of_a_person", "notice", ["person_id", "id"], unique=False)
    op.create_index(
        "notices_to_deliver",
        "notice",
        ["not_before", "id"],
        unique=False,
        postgresql_where="state in ('planned', 'held', 'pending', 'retry')",
    )


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"drop function {function}")
    op.execute("drop function refuse_change cascade")
    for table in TABLES:
        op.drop_table(table)
