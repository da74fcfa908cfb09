"""Groups (工作群): a chat with a robot that hears what is said to posts."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer
from sqlmodel import Field, SQLModel


class GroupPost(SQLModel, table=True):
    """What is said to the post is said in the group: too, or `instead` of to the post's people. A group is a person without posts whose
    channels are its robots."""

    __tablename__ = "group_post"
    post_id: int = Field(sa_column=Column(Integer, ForeignKey("post.id", ondelete="CASCADE"), primary_key=True))
    person_id: int = Field(sa_column=Column(Integer, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True))
    instead: bool
