"""A notice: one message to one person over one channel, with its reason, its key and its outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import json, moment, one_of, texts, word
from models.enumerations import NoticeState, Purpose


class Notice(SQLModel, table=True):
    """Unique by (timer, run, rung, repeat, purpose, occasion, person, channel): planning it twice adds nothing.

    Business time: `planned_at`, `not_before` (quiet hours and the ten minutes of an undo move it), `sent_at`. Wall time: `try_at`
    (back-off), `claimed_until`, `settled_at`, `seen_at` (its reader pressed a button behind its link). `while_states` are the states of
    the case in which the message still makes sense (empty: always). `fallback_of` is the notice whose channel failed for good. `reason`
    says in a word why it is in its state.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint(
            "timer_id", "run", "rung", "repeat", "purpose", "occasion", "person_id", "channel_id",
            name="a_notice_is_planned_once", postgresql_nulls_not_distinct=True,
        ),
        one_of("state", NoticeState),
        one_of("purpose", Purpose),
        Index("notices_to_deliver", "not_before", "id", postgresql_where="state in ('planned', 'held', 'pending', 'retry')"),
        Index("notices_sent_lately", "sent_at", postgresql_where="sent_at is not null"),
        Index(
            "notices_to_look_after", "state",
            postgresql_where="state in ('planned', 'held', 'pending', 'sending', 'retry', 'failed', 'unknown')",
        ),
        Index("notices_in_flight", "claimed_until", postgresql_where="state = 'sending'"),
        Index("notices_of_a_case", "case_id", "id"),
        Index("notices_of_a_person", "person_id", "id"),
        Index("notices_in_a_bundle", "bundle_id", postgresql_where="bundle_id is not null"),
    )  # fmt: skip
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    township_id: int = Field(foreign_key="township.id")
    case_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE")))
    timer_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("timer.id", ondelete="CASCADE")))
    run: int | None = None
    rung: int | None = None
    repeat: int | None = None
    purpose: Purpose = word(Purpose)
    occasion: str | None = None
    person_id: int = Field(foreign_key="person.id")
    channel_id: int = Field(foreign_key="channel.id")
    post_id: int | None = Field(default=None, foreign_key="post.id")
    for_post_id: int | None = Field(default=None, foreign_key="post.id")
    standing_in_for_id: int | None = Field(default=None, foreign_key="person.id")
    urgent: bool = False
    while_states: list[str] = texts()
    facts: dict[str, Any] = json()
    state: NoticeState = word(NoticeState, default=NoticeState.planned)
    reason: str | None = None
    planned_at: datetime = moment(nullable=False)
    not_before: datetime = moment(nullable=False)
    body: str | None = None
    bundle_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("notice.id", ondelete="CASCADE")))
    fallback_of_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("notice.id", ondelete="CASCADE")))
    attempts: int = 0
    error: str | None = None
    try_at: datetime | None = moment()
    claimed_until: datetime | None = moment()
    sent_at: datetime | None = moment()
    settled_at: datetime | None = moment()
    seen_at: datetime | None = moment()
