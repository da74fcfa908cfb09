"""The life of a place: what status may follow which, who may say so, and every change with its reason in the place's trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.database import as_json
from models.enumerations import Field, PlaceKind, PlaceStatus, PostKind, Word
from statemachines.details import check_detail
from statemachines.errors import NotAllowed, Refused
from statemachines.load import Acting, Seated, seat
from statemachines.moves import Move, Moves
from statemachines.registry import OFFICE, add_to_trail, load_place, may_seal, open_hazards

S = PlaceStatus


class Keeper(Word):
    """Who keeps a place's status."""

    office = "office", "镇安办", "the office"
    supervising = "supervising", "监管站所检查人员和负责人", "inspectors and head of the supervising team"
    sealer = "sealer", "镇领导或有执法权限的站所", "a leader, or a team with enforcement authority"


THERE = (S.active, S.locked, S.not_found, S.shut, S.vacant, S.home_use, S.fitting)
GONE = (S.moved, S.demolished, S.dup)
STATUS_KEEPERS = frozenset({Keeper.office, Keeper.supervising})
# What somebody who stood before the door may say of it.
SEEN = (S.locked, S.not_found, S.shut, S.vacant, S.home_use, S.fitting, S.moved, S.demolished)


def _seen(dest: PlaceStatus, zh: str, en: str) -> Move:
    return Move(tuple(status for status in THERE if status != dest), dest, zh, en, STATUS_KEEPERS)


STATUS = Moves("场所", "place", PlaceStatus, (
    _seen(S.active, "恢复营业", "open again"),
    _seen(S.locked, "锁门", "found locked"),
    _seen(S.not_found, "找不到", "not found"),
    _seen(S.shut, "停业", "shut"),
    _seen(S.vacant, "空置", "vacant"),
    _seen(S.home_use, "改为自住", "used as a home"),
    _seen(S.fitting, "装修", "being fitted out"),
    Move(THERE, S.sealed, "查封", "seal", frozenset({Keeper.sealer})),
    Move((S.sealed,), S.active, "解除查封", "lift the seal", frozenset({Keeper.sealer})),
    Move(THERE, S.moved, "搬迁", "moved away", STATUS_KEEPERS),
    Move(THERE, S.demolished, "拆除", "demolished", STATUS_KEEPERS),
    Move(THERE, S.dup, "登记重复", "registered twice", frozenset({Keeper.office})),
    Move(GONE, S.active, "重新找到", "found again", frozenset({Keeper.office})),
), box=THERE, box_zh="在册（其间可互相变更）")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Changed:
    """What was changed at a place, as (column, before, after); `open_hazards` go on as they are, with the posts that they name."""

    place: str
    changes: tuple[tuple[str, str | None, str | None], ...]
    open_hazards: tuple[str, ...] = ()


def change_status(
    session: Session, acting: Acting, now: datetime, place_code: str, to: str, reason: str, note: str | None = None,
    same_as: str | None = None,
) -> Changed:
    """The place is `to` from `now` (business time) on. `same_as` is the code of the place that a duplicate (dup) repeats.

    Raises NotAllowed; Refused with place, status, reason, state, same_as, or open_hazards where a place would end that still has some.
    """  # fmt: skip
    seated = seat(session, acting, now)
    place = load_place(session, acting.township_id, place_code)
    status = _status(to)
    said = _reason(reason)
    move = STATUS.take(S(place.status), status)
    if not any(_keeps(session, acting, seated, place, Keeper(keeper)) for keeper in move.who):
        raise _not_yours(acting.post, move)
    master = _master(session, acting, place, same_as) if status == S.dup else None
    changed = set_status(session, acting, now, place, status, said, note)
    return Changed(place.code, (*changed.changes, *_same_as(session, acting, now, place, master, said)))


def _same_as(
    session: Session, acting: Acting, now: datetime, place: Row[Any], master: str | None, reason: str
) -> list[tuple[str, str | None, str | None]]:
    before = same_as_of(session, place.id)
    if master is None or before == master:
        return []
    add_to_trail(session, place.id, "same_as", before, master, reason=reason, post=acting.post, person=acting.person, now=now)
    return [("same_as", before, master)]


SAME_AS = text("select after from place_event where place_id = :place_id and what = 'same_as' order by seq desc limit 1")


def same_as_of(session: Session, place_id: int) -> str | None:
    """The code of the place that this one was last said to repeat; its trail says so."""
    found: str | None = session.execute(SAME_AS, {"place_id": place_id}).scalar()
    return found


STATUS_IS = text("update place set status = :status where id = :id")


def set_status(
    session: Session, acting: Acting, now: datetime, place: Row[Any], status: PlaceStatus, reason: str, note: str | None = None
) -> Changed:
    """The change itself, for who has been looked at already (an inspection that stood before the door); `place` is locked.

    Raises Refused(state), or Refused(open_hazards) where a place would end that still has some.
    """
    STATUS.take(S(place.status), status)
    if status in GONE:
        _refuse_open(session, place, status)
    session.execute(STATUS_IS, {"id": place.id, "status": status})
    add_to_trail(
        session, place.id, "status", place.status, status, reason=reason, note=note, post=acting.post, person=acting.person, now=now
    )
    return Changed(place.code, (("status", place.status, str(status)),))


def _refuse_open(session: Session, place: Row[Any], status: PlaceStatus) -> None:
    left = open_hazards(session, place.id)
    if left:
        named = "、".join(left[:5]) + ("等" if len(left) > 5 else "")
        raise Refused(
            "open_hazards",
            f"场所还有{len(left)}条未办结的隐患（{named}），请先销号、撤销或移送，再登记“{status.zh}”；此前可先登记“找不到”。",
            f"The place still has {len(left)} open hazards ({', '.join(left[:5])}); close, cancel or transfer them first.",
        )


def _status(said: object) -> PlaceStatus:
    if isinstance(said, str) and said in S.__members__:
        return S(said)
    raise Refused("status", f"“{said}”不是场所状态，请重新选择。", f"{said!r} is not one of {', '.join(S)}.")


def _reason(said: object) -> str:
    if isinstance(said, str) and said.strip():
        return said.strip()
    raise Refused("reason", "请填写变更原因。", "Say why it is changed.")


def _keeps(session: Session, acting: Acting, seated: Seated, place: Row[Any], keeper: Keeper) -> bool:
    if keeper == Keeper.office:
        return seated.actor.kind in OFFICE
    if keeper == Keeper.supervising:
        return seated.actor.kind in (PostKind.inspector, PostKind.station_head) and seated.unit_id == place.team_id
    return may_seal(session, acting, seated)


def _not_yours(post: str, move: Move) -> NotAllowed:
    who = [keeper for keeper in Keeper if keeper in move.who]
    return NotAllowed(
        post,
        f"你的岗位不能登记“{move.zh}”，须由{'或'.join(keeper.zh for keeper in who)}办理。",
        f"Your post can't record this change ({move.en}); it takes {' or '.join(keeper.en for keeper in who)}.",
    )


def _master(session: Session, acting: Acting, place: Row[Any], same_as: str | None) -> str:
    if not same_as:
        raise Refused("same_as", "请填写与哪个场所重复（场所编号）。", "Name the place that this one repeats.")
    other = load_place(session, acting.township_id, same_as, lock=False)
    if other.id == place.id or other.status == S.dup:
        raise Refused("same_as", "被重复的须是另一个未登记为重复的场所。", "It has to be another place that isn't a duplicate itself.")
    return str(other.code)


# What else changes at a place

COLUMNS = ("name", "team", "responsible_post", "field", "nine_small", "also_street_shop", "crowded", "details")
FLAGS = frozenset({"nine_small", "also_street_shop", "crowded"})
TEAM = text("select id from unit where township_id = :township_id and code = :code and kind = 'team'")
POST = text("select id from post where township_id = :township_id and code = :code and active")
COLUMN_OF = {"team": "team_id", "responsible_post": "responsible_post_id"}


def change_place(
    session: Session, acting: Acting, now: datetime, place_code: str, *, reason: str, note: str | None = None, **changes: Any
) -> Changed:
    """Changes name, team, responsible_post (codes), field, nine_small, also_street_shop, crowded, details (merged; None takes a key away).

    Hazards that are open stay with the posts that they name; what is found from now on goes to the new ones.
    Raises NotAllowed but for the office; Refused with place, reason, column, or the name of the column whose value is wrong.
    """
    seated = seat(session, acting, now)
    if seated.actor.kind not in OFFICE:
        raise NotAllowed(acting.post, "场所台账由镇安办维护，你的岗位不能修改。", "The office keeps the registry of places.")
    unknown = sorted(set(changes) - set(COLUMNS))
    if unknown or not changes:
        raise Refused("column", f"没有可以修改的内容：{'、'.join(unknown) or '未填写'}。", f"Nothing of these can be changed: {unknown}.")
    place, said = load_place(session, acting.township_id, place_code), _reason(reason)
    done: list[tuple[str, str | None, str | None]] = []
    for name in (column for column in COLUMNS if column in changes):
        done += _change(session, acting, place, name, changes[name])
    for what, before, after in done:
        add_to_trail(session, place.id, what, before, after, reason=said, note=note, post=acting.post, person=acting.person, now=now)
    return Changed(place.code, tuple(done), tuple(open_hazards(session, place.id)))


def _change(session: Session, acting: Acting, place: Row[Any], name: str, value: Any) -> list[tuple[str, str | None, str | None]]:
    if name == "details":
        return _change_details(session, place, value)
    shown, stored = _value(session, acting, place, name, value)
    before = _shown(getattr(place, name))
    if shown == before:
        return []
    session.execute(text(f"update place set {COLUMN_OF.get(name, name)} = :value where id = :id"), {"value": stored, "id": place.id})
    return [(name, before, shown)]


def _shown(value: Any) -> str | None:
    """A value as the trail holds it."""
    if value is None or isinstance(value, bool):
        return None if value is None else "yes" if value else "no"
    return str(value)


def _value(session: Session, acting: Acting, place: Row[Any], name: str, value: Any) -> tuple[str, Any]:
    """A new value as the trail shows it and as the column holds it."""
    if name in FLAGS and isinstance(value, bool):
        return str(_shown(value)), value
    if name == "field" and value in Field.__members__:
        return str(value), str(value)
    if name == "name" and isinstance(value, str) and value.strip():
        return value.strip(), value.strip()
    if name in COLUMN_OF:
        found = session.execute(TEAM if name == "team" else POST, {"township_id": acting.township_id, "code": str(value)}).scalar()
        if found:
            return str(value), found
    raise Refused(name, f"“{value}”不能作为场所的{COLUMN_ZH[name]}，请核对。", f"{value!r} can't be the {name} of a place.")


COLUMN_ZH = {
    "name": "名称", "team": "监管站所", "responsible_post": "责任岗位", "field": "行业领域", "nine_small": "九小标记",
    "also_street_shop": "兼沿街门店标记", "crowded": "人员密集标记",
}  # fmt: skip


DETAILS_ARE = text("update place set details = cast(:details as jsonb) where id = :id")


def _change_details(session: Session, place: Row[Any], given: Any) -> list[tuple[str, str | None, str | None]]:
    if not isinstance(given, Mapping):
        raise Refused("details", "补充资料须逐项填写。", "Details are given one by one.")
    for key, value in given.items():
        check_detail(PlaceKind(place.kind), key, value)
    merged = {key: value for key, value in {**place.details, **given}.items() if value is not None}
    session.execute(DETAILS_ARE, {"id": place.id, "details": as_json(merged)})
    keys = [key for key in given if place.details.get(key) != merged.get(key)]
    return [(f"details.{key}", _shown(place.details.get(key)), _shown(merged.get(key))) for key in keys]
