"""How often a far end, and a person, may be spoken to. What is too much waits under its name and is never dropped.

A far end's limits hold by wall time, for all senders together: who claims a message holds the row of its far end, and counts there. A
person's cap holds by business time, as quiet hours do, and what waits for it is told in one message. Urgent messages (major hazards) go
first, keep a fifth of every limit to themselves, and know no cap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlmodel import Session

from notifications.manner import Manner
from notifications.reason import Reason

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """No more than `count` messages in any span of this length."""

    count: int
    within: timedelta


# What the services themselves say of one robot, one topic, one sender:
# - WeCom, developer.work.weixin.qq.com/document/path/99110 «消息推送（原“群机器人”）配置说明» (formerly path/91770), 消息发送频率限制:
#   20 a minute.
# - DingTalk, open.dingtalk.com «自定义机器人接入»: 20 a minute; who sends more is shut out for ten minutes.
# - Feishu and Lark, open.feishu.cn «自定义机器人使用指南»: 100 a minute and 5 a second.
# - ntfy.sh, docs.ntfy.sh/publish «Limitations»: 60 at once, then one every 5 s. Somebody's own server has no limit of ours.
# - Mail: no standard says; 30 a minute is Exchange Online's «message rate limit» (learn.microsoft.com, Exchange Online limits) and is
#   below what the usual providers take from one sender.
TIERS: Mapping[str, tuple[Limit, ...]] = {
    "wecombot": (Limit(20, MINUTE),),
    "dingtalk": (Limit(20, MINUTE),),
    "feishu": (Limit(100, MINUTE), Limit(5, SECOND)),
    "lark": (Limit(100, MINUTE), Limit(5, SECOND)),
    "ntfy.sh": (Limit(60, 5 * MINUTE),),
    "mailto": (Limit(30, MINUTE),),
}
UNLIMITED: tuple[Limit, ...] = ()
# The services' own addresses, which Apprise takes as well, and its second names.
SAME = {
    "qyapi.weixin.qq.com": "wecombot", "oapi.dingtalk.com": "dingtalk", "open.feishu.cn": "feishu", "open.larksuite.com": "lark",
    "mailtos": "mailto",
}  # fmt: skip
AT_HOME = ("127.0.0.1", "localhost", "::1")
SPARE = 5


@dataclass(frozen=True, slots=True)
class Tier:
    """What holds for one address: the name of its far end (without its secret), and the limits there."""

    key: str
    limits: tuple[Limit, ...]


def tier_of(url: str) -> Tier:
    """Mail is counted by server and sender, all else by address; what stands on this machine has no limits."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    service = SAME.get(host) or SAME.get(parts.scheme, parts.scheme)
    if host in AT_HOME:
        return Tier("", UNLIMITED)
    if service == "mailto":
        return Tier(f"mail {parts.username or ''}@{host}", TIERS["mailto"])
    if service in ("ntfy", "ntfys"):
        cloud = host == "ntfy.sh" or not parts.path.strip("/")
        return Tier("ntfy.sh", TIERS["ntfy.sh"]) if cloud else Tier("", UNLIMITED)
    if service not in TIERS:
        return Tier("", UNLIMITED)
    return Tier(f"{service} {hashlib.sha256(url.encode()).hexdigest()[:32]}", TIERS[service])


def first_moment(limits: Sequence[Limit], spent: Sequence[datetime], wall: datetime) -> datetime:
    """When one more may follow what has been `spent` (oldest first): `wall` itself, or when enough of it is old enough."""
    return max([wall, *(spent[-each.count] + each.within for each in limits if len(spent) >= each.count)])


@dataclass(slots=True)
class Far:
    """A far end and what it has been handed. Instants are wall time."""

    limits: tuple[Limit, ...]
    spent: list[datetime] = field(default_factory=list)
    queued_until: datetime | None = None

    def ask(self, wall: datetime, *, urgent: bool, waited: bool) -> datetime | None:
        """None: it may go now, and has been counted. Otherwise when to come again; who has `waited` isn't sent to the queue's end twice."""
        limits = self.limits if urgent else [Limit(each.count - each.count // SPARE, each.within) for each in self.limits]
        free = first_moment(limits, self.spent, wall)
        if free <= wall:
            self.spent = [*self.spent, wall][-max(each.count for each in self.limits) :]
            return None
        if urgent or waited:
            return free
        self.queued_until = max(free, self.queued_until + self._pace) if self.queued_until and self.queued_until > wall else free
        return self.queued_until

    @property
    def _pace(self) -> timedelta:
        return max(each.within / (each.count - each.count // SPARE) for each in self.limits)


KNOW = text("insert into throttle (key, spent) select unnest(cast(:keys as text[])), '{}' on conflict do nothing")
LOOK = text("select key, spent, queued_until from throttle where key = any(:keys) order by key for update")
COUNT = text("update throttle set spent = :spent, queued_until = :queued_until where key = :key")


@dataclass(frozen=True, slots=True)
class Asking:
    """A message that would leave now."""

    id: int
    url: str = field(repr=False)
    urgent: bool
    waited: bool


def throttle(session: Session, asking: Sequence[Asking], wall: datetime) -> dict[int, datetime]:
    """Which of these must wait, and until when (wall time); the others are counted where they go. Free for far ends without limits."""
    tiers = {each.id: tier for each in asking if (tier := tier_of(each.url)).limits}
    if not tiers:
        return {}
    far = _look(session, {tier.key: tier for tier in tiers.values()})
    waiting = {}
    for each in asking:
        if each.id in tiers and (until := far[tiers[each.id].key].ask(wall, urgent=each.urgent, waited=each.waited)):
            waiting[each.id] = until
    session.execute(COUNT, [{"key": key, "spent": one.spent, "queued_until": one.queued_until} for key, one in sorted(far.items())])
    return waiting


def _look(session: Session, tiers: Mapping[str, Tier]) -> dict[str, Far]:
    keys = sorted(tiers)
    session.execute(KNOW, {"keys": keys})
    return {row.key: Far(tiers[row.key].limits, list(row.spent), row.queued_until) for row in session.execute(LOOK, {"keys": keys})}


# A message on its way or without an answer hasn't been heard as far as we know, and isn't counted.
SPARE_PEOPLE = text("""
with heard as (
    select asked.township, person_id, (array_agg(sent_at order by sent_at desc))[asked.cap] as since
    from unnest(cast(:townships as integer[]), cast(:caps as integer[])) as asked(township, cap)
    join notice on notice.township_id = asked.township and sent_at > :since and sent_at <= :now
    group by asked.township, asked.cap, person_id having count(*) >= asked.cap
)
update notice set state = 'held', reason = :reason, not_before = since + interval '1 hour'
from heard
where id in (
    select waiting.id from notice waiting join heard on heard.person_id = waiting.person_id and heard.township = waiting.township_id
    where waiting.state in ('planned', 'held') and waiting.not_before <= :now and not waiting.urgent
    order by waiting.id for update of waiting skip locked
) and heard.person_id = notice.person_id and heard.township = notice.township_id
""")


def spare_people(session: Session, known: Mapping[int, Manner], now: datetime) -> int:
    """Puts off what isn't urgent for whoever has had their township's `hourly_cap` within the last hour of business time `now`.

    Returns how many messages were put off.
    """
    asked = {"townships": list(known), "caps": [each.hourly_cap for each in known.values()], "now": now, "since": now - HOUR}
    return int(session.execute(SPARE_PEOPLE, {**asked, "reason": Reason.person_limit}).rowcount)  # type: ignore[attr-defined]
