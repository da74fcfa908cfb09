"""The database: its schema, its clock, the addresses in it, and rows that stand still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlmodel import Session

from models.clock import Clock, say, utc
from models.database import alembic_config
from models.keys import FILE
from models.seal import SEALED, Locked, opened
from models.settings import Settings
from papers.checkup.check import Check, State, broken, ok, skipped, warning
from statemachines.watch import KINDS, LOOKS_BACK, LOST, Finding, look

APART, FAR_APART = timedelta(seconds=5), timedelta(minutes=1)
# Organisation, not machinery: the house works, somebody has to be named.
PEOPLES = ("approver", "vacant")
RESTS_WHILE_STOPPED = ("late", "stuck")


def schema(session: Session) -> list[Check]:
    """Whether code and tables fit."""
    script = ScriptDirectory.from_config(alembic_config("postgresql://"))
    if session.execute(text("select to_regclass('public.alembic_version')")).scalar() is None:
        return [warning("schema", "数据库还是空的，下次启动时建表。", "The database is empty; its tables are made at the next start.")]
    here, head = session.execute(text("select version_num from alembic_version")).scalar_one(), script.get_current_head()
    if here == head:
        return [ok("schema", f"数据库结构是最新的（{here}）", f"The schema is the newest ({here})")]
    if here in {each.revision for each in script.walk_revisions()}:
        said = f"数据库结构是 {here}，下次启动时升到 {head}，请先备份。"
        return [warning("schema", said, f"The schema is {here}; the next start makes it {head}: back up before.")]
    return [broken("schema", f"数据库结构 {here} 比程序新，请升级闭环。", f"The schema {here} is later than this Bihuan: upgrade.")]


# As a literal, since no query of ours may ask the server for the time and mean it: here it is only compared.
THEIR_CLOCK = text("select timestamptz 'now'")
NEWEST = text("select max(at) from event")


def clock(session: Session, here: Clock) -> list[Check]:
    """Whether the machine and the database's agree, and whether time has run backwards."""
    apart = abs(utc(session.execute(THEIR_CLOCK).scalar_one()) - here.wall())
    newest = session.execute(NEWEST).scalar()
    if newest and utc(newest) > here.now() + FAR_APART:
        said = f"最新的事件在将来（{say(newest, year=True)}）：时钟被拨回过，请校时。"
        return [broken("clock", said, f"The newest event lies ahead ({newest.isoformat()}): set the clock right.")]
    if apart > APART:
        seconds = int(apart.total_seconds())
        said = f"本机与数据库的时钟相差 {seconds} 秒，请开启校时。"
        return [(broken if apart > FAR_APART else warning)("clock", said, f"Here and there clocks are {seconds} s apart: use NTP.")]
    return [ok("clock", "本机与数据库的时钟一致", "The clocks here and at the database agree")]


CHANNELS = text("select url, disabled_at, disabled_reason from channel where position > 0")
SUBSCRIBERS = text("select url from subscriber")


def addresses(session: Session, settings: Settings, parseable: Callable[[str], bool]) -> list[Check]:
    """Whether sealed addresses open with the key that is here, and a channel can be made of each. No key is made for it."""
    rows, keyed = session.execute(CHANNELS).all(), _keyed(settings)
    found = Counter(_of(row.url, parseable, keyed) for row in rows)
    found["locked"] += sum(_of(url, lambda _: True, keyed) == "locked" for url in session.execute(SUBSCRIBERS).scalars())
    if found["locked"]:
        return [
            broken(
                "addresses",
                f"{found['locked']} 个地址用现在的密钥打不开：请找回 BIHUAN_HOME/key（或 BIHUAN_KEY），或重新载入镇的文件夹。",
                f"{found['locked']} addresses don't open with the key that is here: bring back BIHUAN_HOME/key (or BIHUAN_KEY), or load "
                "the township again.",
            )
        ]
    if found["wrong"]:
        said = f"{found['wrong']} 个通道地址不能用，请改正 people.csv 再载入。"
        return [broken("addresses", said, f"{found['wrong']} addresses are no channels: correct people.csv and load it again.")]
    gone = sum(row.disabled_at is not None for row in rows)
    if gone:
        said = f"{len(rows)} 个通道中有 {gone} 个已停用，请核对 people.csv。"
        return [warning("addresses", said, f"{gone} of {len(rows)} channels are disabled: look through people.csv.")]
    return [ok("addresses", f"{len(rows)} 个通道地址都能用", f"All {len(rows)} addresses are channels")]


def _keyed(settings: Settings) -> bool:
    """Reading an address would make a key where there is none."""
    return settings.key is not None or (settings.home / FILE).exists()


def _of(url: str, parseable: Callable[[str], bool], keyed: bool) -> str:
    if not keyed and SEALED.fullmatch(url):
        return "locked"
    try:
        return "good" if parseable(opened(url)) else "wrong"
    except Locked:
        return "locked"


def rows(session: Session, settings: Settings, here: Clock, *, running: bool, deep: bool) -> list[Check]:
    """What the self-audit would find, by the same eyes; nothing is mended. While Bihuan is stopped, waiting is nobody's fault."""
    now = here.now()
    if not _keyed(settings):
        return [skipped("rows", "没有密钥，停滞的消息和历史没有检查", "There is no key; what stands still was not looked at")]
    found = look(session, now, here.wall(), since=None if deep else now - LOOKS_BACK)
    found += [Finding("timerless", "没有在走的时钟", None) for _ in session.execute(LOST, {"listed": 500})]
    kinds: dict[str, list[Finding]] = {}
    for each in found:
        kinds.setdefault(each.kind, []).append(each)
    checks = [_row(kind, those, running) for kind, those in kinds.items()]
    return checks or [ok("rows", "没有停滞、隔离的时钟和消息，历史相符", "Nothing stands still, and history holds")]


def _row(kind: str, found: list[Finding], running: bool) -> Check:
    state = State.warning if kind in PEOPLES or (kind in RESTS_WHILE_STOPPED and not running) else State.broken
    first = " ".join(filter(None, (found[0].code, found[0].what)))
    way = "启动后会自动补上" if kind in RESTS_WHILE_STOPPED and not running else "见 docs/reliability.md “自己查自己”"
    return Check(kind, state, f"{KINDS[kind]} {len(found)} 处，例如 {first}；{way}。", f"{kind}: {len(found)}, see docs/reliability.md.")
