"""Ways to reach people, in each person's order: what a changed roster does to the rows that sent messages already point at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlmodel import Session

from models.seal import seal
from notifications.addresses import keep
from papers.township.rows import Loaded, change, table_of

REMOVED = "removed"


def sync_channels(session: Session, loaded: Loaded, wanted: Mapping[int, Sequence[str]], wall: datetime) -> None:
    """Channels of the township's people, by person id, sealed. An address that is gone is disabled and kept: notices name it.

    One that the world refused (disabled for another reason) stays disabled until its address changes. One that was sealed with a key which
    is gone counts as another address.
    """
    keep(session)
    wanted = {owner: [seal(url) for url in urls] for owner, urls in wanted.items()}
    channel, person = table_of("channel"), table_of("person")
    mine = select(channel).join(person, person.c.id == channel.c.person_id).where(person.c.township_id == loaded.township_id)
    before: dict[tuple[int, str], RowMapping] = {}
    for row in session.execute(mine.order_by(channel.c.position.desc())).mappings():
        before[row["person_id"], row["url"]] = row
    positions = {(owner, url): number for owner, urls in wanted.items() for number, url in enumerate(urls, start=1)}
    added = [{"person_id": key[0], "url": key[1], "position": number} for key, number in positions.items() if key not in before]
    placed = [_placed(row, positions[key]) for key, row in before.items() if key in positions and _is_elsewhere(row, positions[key])]
    gone = [_gone(row, wall) for key, row in before.items() if key not in positions and row["disabled_reason"] != REMOVED]
    _step_aside(session, [each["row_id"] for each in [*placed, *gone]])
    change(session, channel, [*placed, *gone])
    if added:
        session.execute(insert(channel), added)
    loaded.note("channel", added=len(added), changed=len(placed), ended=len(gone))


def sync_groups(session: Session, loaded: Loaded, wanted: Mapping[tuple[int, int], bool]) -> None:
    """Which groups hear for which posts, by (post, group); whether instead of the post's people."""
    table, post = table_of("group_post"), table_of("post")
    mine = select(table).join(post, post.c.id == table.c.post_id).where(post.c.township_id == loaded.township_id)
    before = {(row.post_id, row.person_id): row.instead for row in session.execute(mine)}
    other = [key for key in {**before, **wanted} if before.get(key) != wanted.get(key)]
    for post_id, person_id in other:
        session.execute(delete(table).where(table.c.post_id == post_id, table.c.person_id == person_id))
    fresh = [{"post_id": key[0], "person_id": key[1], "instead": wanted[key]} for key in other if key in wanted]
    if fresh:
        session.execute(insert(table), fresh)
    added = len([key for key in other if key not in before])
    loaded.note("group", added=added, changed=len(fresh) - added, ended=len(other) - len(fresh))


def _is_elsewhere(row: RowMapping, position: int) -> bool:
    return bool(row["position"] != position or row["disabled_reason"] == REMOVED)


def _placed(row: RowMapping, position: int) -> dict[str, Any]:
    back = row["disabled_reason"] == REMOVED
    return {
        "row_id": row["id"],
        "position": position,
        "disabled_at": None if back else row["disabled_at"],
        "disabled_reason": None if back else row["disabled_reason"],
    }


def _gone(row: RowMapping, wall: datetime) -> dict[str, Any]:
    """Out of the order: a position of its own below zero."""
    return {"row_id": row["id"], "position": -row["id"], "disabled_at": wall, "disabled_reason": REMOVED}


def _step_aside(session: Session, ids: Sequence[int]) -> None:
    """Two that change places never stand in the same one."""
    channel = table_of("channel")
    session.execute(update(channel).where(channel.c.id.in_(ids)).values(position=-channel.c.id))
