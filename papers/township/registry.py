"""A township into the database: what its folder says becomes rows, in the caller's one transaction.

Loading is a comparison: the same folder again changes nothing. Nothing that history may name is deleted: a post that is gone becomes
inactive and its holdings end, a person who is gone loses user name and channels, a place that has cases stays.
Ladders and checklists are versioned; a timer that runs keeps the version it started with.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, text, update
from sqlmodel import Session

from models.clock import day_of, machine_time
from models.enumerations import StartWork
from notifications import wording
from papers.township import shape
from papers.township.calendar import WorkDay
from papers.township.channels import sync_channels, sync_groups
from papers.township.fault import Fault, Faults
from papers.township.group import Mode
from papers.township.rows import Key, Loaded, Values, change, point, put, sync, table_of
from papers.township.township import Township
from papers.township.upgrade import add_ladder


def load(session: Session, township: Township, now: datetime, salt: str | None = None) -> Loaded:
    """Brings the database to what `township` says. `now` is business time: what is gone from the folder ends the day before.

    `salt` goes into the hashes of free texts if the township is new; a random secret unless a replay gives one.
    Raises Faults when a user name belongs to a person of another township.
    """
    session.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"load {township.code}"})
    township_id, before = _township(session, township, salt)
    loaded = Loaded(township.code, township_id, shape.counts(township))
    units = _units(session, loaded, township)
    posts = _posts(session, loaded, township, units)
    people = _people(session, loaded, township)
    sync_groups(session, loaded, _hearing(township, posts, people))
    _holdings(session, loaded, township, posts, people, day_of(now))
    _places(session, loaded, township, units, posts)
    sync(session, loaded, "campaign", {township.campaign.code: shape.campaign(township.campaign, township)})
    _checklists(session, loaded, township)
    _clauses(session, loaded, township)
    _duties(session, loaded, township)
    _wordings(session, loaded, township, now)
    new_rules = [_ladders(session, loaded, township), _calendar(session, loaded, township), before != shape.township_row(township)]
    if before is None:
        loaded.note("township", added=1)
    elif any(new_rules):
        _revise(session, township, township_id)
        loaded.note("township", changed=1)
    return loaded


def _township(session: Session, township: Township, salt: str | None) -> tuple[int, Values | None]:
    """The township's id and what its row said, or None where it is new."""
    table, values = table_of("township"), shape.township_row(township)
    row = session.execute(select(table).where(table.c.code == township.code)).mappings().first()
    if row:
        return row["id"], {name: row[name] for name in values}
    fresh = {**values, "code": township.code, "salt": salt if salt is not None else secrets.token_hex(16), "revision": 1, "demo": False}
    return session.execute(insert(table).values(fresh).returning(table.c.id)).scalar_one(), None


def _revise(session: Session, township: Township, township_id: int) -> None:
    """A new revision: every process reads its copy of the rules again."""
    table = table_of("township")
    values = {**shape.township_row(township), "revision": table.c.revision + 1}
    session.execute(update(table).where(table.c.id == township_id).values(values))


def _units(session: Session, loaded: Loaded, township: Township) -> dict[str, int]:
    ids = sync(session, loaded, "unit", {unit.code: {"kind": unit.kind, "name": unit.name} for unit in township.units})
    point(session, loaded, "unit", "parent_id", {ids[unit.code]: ids[unit.parent] if unit.parent else None for unit in township.units})
    return ids


def _posts(session: Session, loaded: Loaded, township: Township, units: Mapping[str, int]) -> dict[str, int]:
    """Posts by code. Those that the folder no longer has become inactive; the closure of `reports_to` is rebuilt."""
    wanted = {post.code: {"kind": post.kind, "unit_id": units[post.unit], "active": True} for post in township.posts}
    ids = sync(session, loaded, "post", wanted)
    above = {ids[post.code]: ids[post.reports_to] if post.reports_to else None for post in township.posts}
    point(session, loaded, "post", "reports_to_id", above)
    table = table_of("post")
    gone = [row_id for code, row_id in ids.items() if code not in wanted]
    loaded.note("post", ended=_count(session.execute(update(table).where(table.c.id.in_(gone), table.c.active).values(active=False))))
    session.execute(text("select refresh_post_chain(:id)"), {"id": loaded.township_id})
    return ids


def _count(result: Any) -> int:
    return int(result.rowcount)


OTHERS_NAMES = text("select username from person where username = any(:names) and township_id <> :township_id")
RELEASE = text("""
update person set username = null where township_id = :township_id and username is not null
    and not exists (select from unnest(cast(:keys as text[]), cast(:names as text[])) as said(key, name)
        where said.key = person.key and said.name = person.username)
returning key
""")


def _people(session: Session, loaded: Loaded, township: Township) -> dict[str, int]:
    """People by key. A user name is taken from one before another gets it."""
    _check_usernames(session, loaded, township)
    named = {person.key: person.username for person in township.people if person.username}
    asked = {"township_id": loaded.township_id, "keys": list(named), "names": list(named.values())}
    released = session.execute(RELEASE, asked).scalars().all()
    present = {person.key: {"label": person.label, "username": person.username} for person in township.people}
    present |= {group.key: {"label": group.label, "username": None} for group in township.groups}
    ids = sync(session, loaded, "person", present, key="key")
    loaded.note("person", ended=len([key for key in released if key not in present]))
    wanted = {ids[person.key]: person.channels for person in township.people}
    wanted |= {ids[group.key]: group.channels for group in township.groups}
    sync_channels(session, loaded, wanted, machine_time())
    return ids


def _hearing(township: Township, posts: Mapping[str, int], people: Mapping[str, int]) -> dict[tuple[int, int], bool]:
    """Which group hears for which post, and whether instead of its people."""
    return {(posts[post], people[group.key]): group.mode == Mode.instead for group in township.groups for post in group.posts}


def _check_usernames(session: Session, loaded: Loaded, township: Township) -> None:
    """User names are unique in the whole house."""
    lines = {person.username: person.line for person in township.people if person.username}
    taken = session.execute(OTHERS_NAMES, {"names": list(lines), "township_id": loaded.township_id}).scalars().all()
    what = "username: 已被其他镇使用 belongs to a person of another township: 「{}」"
    if taken:
        raise Faults(Fault("people.csv", lines[name], what.format(name), "没有人用过的用户名 a user name nobody has") for name in taken)


def _holdings(
    session: Session, loaded: Loaded, township: Township, posts: Mapping[str, int], people: Mapping[str, int], today: date
) -> None:
    """Who holds what. What the folder no longer says ends yesterday, or is dropped where it had not begun. What was ordered here since
    (a hand-over, a stand-in) stands, whatever the folder says of it."""
    table, post = table_of("holding"), table_of("post")
    mine = select(table).join(post, post.c.id == table.c.post_id).where(post.c.township_id == loaded.township_id)
    rows = [dict(row) for row in session.execute(mine).mappings()]
    ordered = {(row["person_id"], row["post_id"], row["from_day"]) for row in rows if row["ordered_post"]}
    before: dict[Key, Values] = {
        (row["person_id"], row["post_id"], row["from_day"]): row for row in rows if not row["ordered_post"]
    }
    wanted: dict[Key, Values] = {}
    for each in township.holdings:
        deputy_of = people[each.deputy_of] if each.deputy_of else None
        wanted[people[each.person], posts[each.post], each.from_day] = {"to_day": each.to_day, "deputy_of_id": deputy_of}
    wanted = {key: values for key, values in wanted.items() if key not in ordered}
    added, changed = put(session, table, before, wanted, ["person_id", "post_id", "from_day"], {})
    ended = _end(session, [row for key, row in before.items() if key not in wanted], today)
    loaded.note("holding", added=added, changed=changed, ended=ended)


def _end(session: Session, rows: Sequence[Values], today: date) -> int:
    """Ends holdings, none before its own first day. Gives how many that changed."""
    table, yesterday, changed = table_of("holding"), today - timedelta(days=1), 0
    for row in rows:
        this, last = table.c.id == row["id"], max(row["from_day"], yesterday)
        if row["from_day"] > today:
            session.execute(delete(table).where(this))
        elif row["to_day"] is None or row["to_day"] > last:
            session.execute(update(table).where(this).values(to_day=last))
        else:
            continue
        changed += 1
    return changed


UNUSED_PLACES = text("""
delete from place where township_id = :township_id and not code = any(:codes)
    and not exists (select from cases where cases.place_id = place.id)
    and not exists (select from inspection where inspection.place_id = place.id)
    and not exists (select from duty_run where duty_run.place_id = place.id)
    and not exists (select from place_event where place_event.place_id = place.id)
""")


def _places(session: Session, loaded: Loaded, township: Township, units: Mapping[str, int], posts: Mapping[str, int]) -> None:
    """Places by code. A new one begins with its status; what happened to it since isn't undone. One that is gone from the folder goes here
    too, unless history names it."""
    wanted = {place.code: shape.place(place, units, posts) for place in township.places}
    first = {place.code: {"status": place.status, "start_work": StartWork.allowed} for place in township.places}
    sync(session, loaded, "place", wanted, at_first=first)
    codes = [place.code for place in township.places]
    gone = session.execute(UNUSED_PLACES, {"township_id": loaded.township_id, "codes": codes})
    loaded.note("place", ended=_count(gone))


def _checklists(session: Session, loaded: Loaded, township: Township) -> None:
    """A changed list is a new version; one that is gone is a version without items."""
    table = table_of("checklist")
    newest = _newest(session.execute(select(table).where(table.c.township_id == loaded.township_id)).mappings(), ["code"])
    wanted = {(each.code,): shape.checklist(each) for each in township.checklists}
    gone = {key: {**row["body"], "items": []} for key, row in newest.items() if key not in wanted and row["body"]["items"]}
    for key, body in {**wanted, **gone}.items():
        version = newest[key]["version"] if key in newest else 0
        if not version or newest[key]["body"] != body:
            values = {"township_id": loaded.township_id, "code": key[0], "version": version + 1, "body": body}
            session.execute(insert(table).values(values))
            loaded.note("checklist", added=not version, changed=bool(version and key not in gone), ended=key in gone)


def _duties(session: Session, loaded: Loaded, township: Township) -> None:
    """A changed duty is a new version, the only active one of its code; one that is gone has none. Runs keep the version they were
    planned from."""
    table = table_of("duty")
    newest = _newest(session.execute(select(table).where(table.c.township_id == loaded.township_id)).mappings(), ["code"])
    wanted = {each.code: shape.duty(each) for each in township.duties.duties}
    fresh = {code: values for code, values in wanted.items() if (code,) not in newest or newest[code,]["body"] != values["body"]}
    sleeping = [row["id"] for (code,), row in newest.items() if code in wanted and code not in fresh and not row["active"]]
    over = [row["id"] for (code,), row in newest.items() if row["active"] and (code not in wanted or code in fresh)]
    _set_active(session, {row_id: row_id in sleeping for row_id in (*over, *sleeping)})
    versions = {code: newest[code,]["version"] + 1 if (code,) in newest else 1 for code in fresh}
    rows = [{"township_id": loaded.township_id, "code": code, "version": versions[code], **values} for code, values in fresh.items()]
    if rows:
        session.execute(insert(table), rows)
    new = [code for code, version in versions.items() if version == 1]
    ended = [code for (code,), row in newest.items() if row["active"] and code not in wanted]
    loaded.note("duty", added=len(new), changed=len(fresh) - len(new) + len(sleeping), ended=len(ended))


def _set_active(session: Session, wanted: Mapping[int, bool]) -> None:
    change(session, table_of("duty"), [{"row_id": row_id, "active": active} for row_id, active in wanted.items()])


def _clauses(session: Session, loaded: Loaded, township: Township) -> None:
    """The library of law. Nothing points at an edition, so one that is gone from the folder goes here too."""
    table = table_of("clause")
    rows = session.execute(select(table).where(table.c.township_id == loaded.township_id)).mappings()
    before: dict[Key, Values] = {(row["instrument"], row["article"], row["from_day"]): dict(row) for row in rows}
    wanted: dict[Key, Values] = {each.key: shape.clause(each) for each in township.clauses}
    gone = [row["id"] for key, row in before.items() if key not in wanted]
    session.execute(delete(table).where(table.c.id.in_(gone)))
    fixed = {"township_id": loaded.township_id}
    added, changed = put(session, table, before, wanted, ["instrument", "article", "from_day"], fixed)
    loaded.note("clause", added=added, changed=changed, ended=len(gone))


FOLDERS_WORDS = text("""
select distinct on (language, name) language, name, text, exists (
        select from wording later where (later.township_id, later.language, later.name) = (w.township_id, w.language, w.name)
            and later.id > w.id and later.text is not null
    ) as rewritten
from wording w where township_id = :township_id and by_post is null order by language, name, id desc
""")


def _wordings(session: Session, loaded: Loaded, township: Township, now: datetime) -> None:
    """What the folder says otherwise than it did last time is a new version; what it says no longer, the house's words again, unless the
    office has written its own since."""
    rows = session.execute(FOLDERS_WORDS, {"township_id": loaded.township_id}).all()
    before: dict[Key, str | None] = {(row.language, row.name): row.text for row in rows}
    rewritten = {(row.language, row.name) for row in rows if row.rewritten}
    wanted: dict[Key, str] = {(each.language, each.name): each.text for each in township.wordings}
    for key in [key for key in {**before, **wanted} if key in wanted or key not in rewritten]:
        said = wanted.get(key)
        if before.get(key) != said and wording.put(session, loaded.township_id, key[0], key[1], said, now, None, None):
            loaded.note("wording", added=key not in before, changed=key in before and key in wanted, ended=key not in wanted)


def _newest(rows: Iterable[RowMapping], keys: Sequence[str]) -> dict[Key, RowMapping]:
    """The highest version of each."""
    return {tuple(row[key] for key in keys): row for row in sorted(rows, key=lambda row: int(row["version"]))}


def _ladders(session: Session, loaded: Loaded, township: Township) -> bool:
    """A changed ladder is a new version. Whether there was one."""
    table = table_of("ladder")
    newest = _newest(session.execute(select(table).where(table.c.township_id == loaded.township_id)).mappings(), ["clock", "grade"])
    changed = False
    for each in township.ladders:
        row, rungs = newest.get((each.clock, each.grade)), shape.rungs(each)
        if row and row["repeat_hours"] == each.repeat_hours and _rungs(session, row["id"]) == rungs:
            continue
        add_ladder(session, loaded.township_id, each, row["version"] + 1 if row else 1)
        loaded.note("ladder", added=row is None, changed=row is not None)
        changed = True
    return changed


def _rungs(session: Session, ladder_id: int) -> list[dict[str, Any]]:
    rung = table_of("rung")
    rows = session.execute(select(rung).where(rung.c.ladder_id == ladder_id).order_by(rung.c.position)).mappings()
    return [{name: value for name, value in row.items() if name != "ladder_id"} for row in rows]


def _calendar(session: Session, loaded: Loaded, township: Township) -> bool:
    """The office's own days, exactly as the folder has them. Whether that changed any."""
    table = table_of("workday")
    mine = table.c.township_id == loaded.township_id
    before = {row["day"]: (row["kind"], row["note"]) for row in session.execute(select(table).where(mine)).mappings()}
    wanted = {each.day: (each.kind, each.note) for each in township.calendar}
    other = [day for day in {**before, **wanted} if before.get(day) != wanted.get(day)]
    session.execute(delete(table).where(mine, table.c.day.in_(other)))
    new = [{"township_id": loaded.township_id, **_day(each)} for each in township.calendar if each.day in other]
    if new:
        session.execute(insert(table), new)
    loaded.note("calendar", changed=len(other))
    return bool(other)


def _day(each: WorkDay) -> dict[str, Any]:
    return {"day": each.day, "kind": each.kind, "note": each.note}
