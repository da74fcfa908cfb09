"""Who somebody is in another house's directory: what lets them sign in without a password of ours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import moment


class Identity(SQLModel, table=True):
    """`provider` is the name in signin.yaml, `subject` what that house calls the person. `linked_at` is wall time.

    Signing in makes nobody: a subject that stands here opens a login of its person, whose posts say what they may do.
    """

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("provider", "subject", name="a_subject_is_one_person"),)
    id: int | None = Field(default=None, primary_key=True)
    provider: str
    subject: str
    person_id: int = Field(foreign_key="person.id", index=True)
    linked_at: datetime = moment(nullable=False)
