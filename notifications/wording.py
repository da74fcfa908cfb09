"""A township's own words for its messages: what may be written, what it comes to with a real case, and every version there has been.

A text names what it needs in braces (`{code} {place}：{what}`). What isn't written here is the house's own (`templates`). Single messages
can be had otherwise, and what stands around the lines of a bundle or a daily list; the lines themselves are the house's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from string import Formatter
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.enumerations import Clock, PostKind, Purpose
from models.refusal import Refusal
from notifications.channels.room import ONE_SMS, ROOMS, SMS_PART, sms_parts
from notifications.letter import LETTERS, Letter, Seat, Step, in_order
from notifications.manner import Manner
from notifications.render import FRAME_WORDS, HEADS, LANGUAGES, Language, fit, pick, render, variables
from notifications.templates import zh
from notifications.templates.zh import SCHEMES

NAMES: tuple[str, ...] = (*zh.TEMPLATES, *zh.FRAMES)
"""Every text that can be had otherwise: a purpose, and which of its moments."""
MORE = "bundle.more"
LONGEST = 400
# Who reads it has to learn what about, why they, and when it goes up; some messages say nothing without their own word.
NEEDED = ("code", "you", "up", "late", "said", "nobody", "broken", "open", "gate", "control", "asked", "lines", "more", "count")
COMMON = frozenset({"code", "place", "what", "grade", "state", "due", "you"})
MEANINGS: dict[str, tuple[str, str]] = {
    "code": ("编号", "the case's code"), "place": ("场所", "the place"), "what": ("隐患或事项", "the finding or matter"),
    "grade": ("等级", "its grade"), "state": ("现在的状态", "its state"), "round": ("第几轮", "its round"),
    "act": ("该做什么", "what is to be done"), "doer": ("该谁做", "who has to do it"), "due": ("期限", "when it is due"),
    "left": ("还剩多久", "how long there is"), "over": ("已超多久", "how late it is"),
    "since": ("报验已多久", "how long since it was submitted"), "idle": ("已签收、至今未动", "acknowledged, nothing since"),
    "level": ("第几级", "the level"), "you": ("为什么是您", "why the reader"),
    "up": ("何时升级、报谁", "when it goes up, and to whom"),
    "late": ("停机期间错过的升级或未兑现的承诺", "what downtime or a promise missed"), "because": ("理由", "the reason given"),
    "supervisor": ("督导站所", "who supervises"), "control": ("临时管控措施", "the interim control"),
    "gate": ("能不能开工", "whether work may start"), "until": ("新期限", "the new limit"),
    "asked": ("申请了什么", "what was asked for"), "nobody": ("无人在岗的岗位", "the post that has nobody"),
    "broken": ("谁的通道坏了", "whose channel is broken"), "scheme": ("哪种通道", "which kind of channel"),
    "instead": ("改用什么", "what is used instead"), "said": ("自检发现了什么", "what was found"), "days": ("天数", "days"),
    "deadline": ("截止日", "the deadline"), "open": ("未销号几项", "how many are open"),
    "major": ("其中重大几项", "how many of them major"), "per_day": ("每天须销号几项", "how many a day"),
    "forecast": ("预计到期剩几项", "how many will be left"), "scope": ("您名下几项、谁最多", "the reader's own, who has most"),
    "about": ("附注", "a remark"), "count": ("共几项", "how many"), "lines": ("逐项列出", "the lines"),
    "more": ("没列出的还有几项", "how many are not listed"), "own": ("应办几项", "how many to do"),
    "overdue": ("逾期几项", "how many overdue"), "waiting": ("待审几项", "how many to decide"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a text can't be used, and what it should be."""

    zh: str
    en: str


class UnfitText(Refusal):
    """A text that would leave somebody without what they need to know. `faults` has every reason."""

    def __init__(self, faults: Sequence[Unfit]) -> None:
        self.faults = tuple(faults)
        super().__init__("；".join(each.zh for each in faults) + "。", "; ".join(each.en for each in faults) + ".")


@dataclass(frozen=True, slots=True)
class Length:
    """What a message takes of one kind of channel: `used` of `most` (None: nobody says) in `unit`."""

    channel: str
    used: int
    most: int | None
    unit: str

    @property
    def fits(self) -> bool:
        return self.most is None or self.used <= self.most


def standard(language: Language, name: str) -> str:
    """The house's own text."""
    return language.FRAMES.get(name) or language.TEMPLATES[name]


def known(language: Language, name: str) -> set[str]:
    """The names that a text may use."""
    if name in FRAME_WORDS:
        return set(FRAME_WORDS[name])
    return {name for name in language.words(sample(NAMES[0]), START) if not name.endswith("_short")}


def needed(language: Language, name: str) -> list[str]:
    """The names that this text has to use: those of NEEDED that the house's own text uses."""
    there = variables(standard(language, name))
    return [each for each in NEEDED if each in there]


def faults_of(language: Language, name: str, said: str) -> list[Unfit]:
    """Every reason against a text for `name`, which is one of NAMES."""
    shape = _shape(said, lines=name in HEADS)
    if shape:
        return shape
    used, all_names = variables(said), known(language, name)
    unknown = [_unknown(each, all_names) for each in sorted(used - all_names)]
    missing = [
        Unfit(f"缺少 {{{each}}}（{MEANINGS[each][0]}）", f"{{{each}}} is missing ({MEANINGS[each][1]})")
        for each in needed(language, name)
        if each not in used
    ]
    return [*unknown, *missing, *([] if unknown else _too_long(language, name, said))]


def _shape(said: str, *, lines: bool) -> list[Unfit]:
    """One line of printable text (`lines`: or several), braces in pairs with a plain name between them, no address of its own."""
    if not said.strip():
        return [Unfit("空着", "it is empty")]
    if not (said.replace("\n", "") if lines else said).isprintable() or "://" in said:
        return [Unfit("只能写一行文字，不含网址（链接自动加在末尾）", "one line of text without an address: the link is added at its end")]
    try:
        fields = [each for each in Formatter().parse(said) if each[1] is not None]
    except ValueError:
        return [Unfit("大括号不成对", "the braces don't match")]
    odd = [each for each in fields if each[2] or each[3] or not str(each[1]).isidentifier()]
    return [Unfit("大括号里只能写一个名称，如 {code}", "braces hold one name and nothing else, like {code}")] if odd else []


def _unknown(name: str, names: Iterable[str]) -> Unfit:
    close = get_close_matches(name, sorted(names), n=1)
    return Unfit(f"不认识 {{{name}}}{f'，是不是 {{{close[0]}}}' if close else ''}", f"{{{name}}} is unknown")


def _too_long(language: Language, name: str, said: str) -> list[Unfit]:
    """Long names and findings are cut to fit; what is left has to fit at the worst."""
    most = language.LIMIT // 4 if name == MORE else language.LIMIT
    words = _at_worst(language) if name in FRAME_WORDS else language.words(longest(name), START)
    length = len(said.format(**words) if name in FRAME_WORDS else fit(said, words, most))
    if length <= most:
        return []
    return [
        Unfit(
            f"太长：名称最长时有{length}字，最多{most}字，请删去{length - most}字",
            f"too long: {length} characters with the longest names, {most} at most",
        )
    ]


def _at_worst(language: Language) -> dict[str, str]:
    """The longest that may stand around the lines of many in one; the lines have their own limits."""
    numbers = dict.fromkeys(("count", "own", "overdue", "waiting"), "1234")
    seats = [replace(longest("overdue"), reached=Seat("grid_member", f"村{n}", "village")) for n in (39, 40, 41)]
    up = language.EARLIEST.format(at=language.when(START), code="YH-2023-12345")
    return numbers | {"lines": "", "more": "", "you": language.many(seats), "up": up}


def usable(language: Language, name: str) -> set[str]:
    """The names that come to something in this text: those that the house uses for the purpose at any moment, and what every case has."""
    if name in FRAME_WORDS:
        return known(language, name)
    family = [text for each, text in language.TEMPLATES.items() if each.split(".")[0] == name.split(".")[0]]
    common = COMMON if "code" in variables(language.TEMPLATES[name]) else frozenset[str]()
    return known(language, name) & common.union(*map(variables, family))


def preview(said: str, name: str, letter: Letter, language: str, manner: Manner, now: datetime, public_url: str) -> str:
    """The message as it would read, with its plain link."""
    cap = LISTED if name == MORE else manner.bundle_cap
    return render(letter, replace(manner, language=language, texts={name: said}, bundle_cap=cap), now, public_url)[1]


@dataclass(frozen=True, slots=True)
class Previewed:
    """A text and what it comes to; `own`: the township's, `real`: with a message that was really sent."""

    township: str
    name: str
    language: str
    text: str
    own: bool
    real: bool
    body: str


def previewed(session: Session, township_id: int, manner: Manner, name: str, language: str, public_url: str) -> Previewed:
    """The text as it stands, with the newest message that it was for."""
    newest = versions(session, township_id, language, name)[:1]
    own = newest[0].text if newest else None
    said = own or standard(LANGUAGES[language], name)
    letter, now, real = example(session, township_id, name)
    body = preview(said, name, letter, language, manner, now, public_url)
    return Previewed(manner.name, name, language, said, own is not None, real, body)


def lengths(body: str) -> list[Length]:
    """What the message takes of the channels that have a limit, and how many text messages it makes."""
    size, parts = len(body.encode()), sms_parts(body)
    sms = Length(f"短信（{ONE_SMS}字一条，长短信每段{SMS_PART}字）", parts, None, "条")
    robots = {SCHEMES.get(scheme, scheme): room.bytes for scheme, room in ROOMS.items() if room.bytes}
    return [sms, *(Length(channel, size, most, "字节") for channel, most in robots.items())]


# Examples: a letter that this text is for

START = datetime(2023, 3, 5, 2, 0, tzinfo=UTC)
DEADLINE = 1680278399000000
LISTED = 3


def sample(name: str) -> Letter:
    """A made-up letter, for a township that has not sent one like it yet."""
    if name in FRAME_WORDS:
        return _many(name)
    village = Seat("village_secretary", "东村", "village")
    owner = Seat("enterprise_principal", "东村", "village")
    plain = Letter(
        id=0, township_id=0, purpose=name.split(".")[0], channel_id=0, url="", person="", urgent=False, planned_at=START, case_id=0,
        facts={"deadline": DEADLINE, "days": 12, "open": 45, "major": 1, "per_day": 4, "forecast": 6, "mine": 3, "channel": 1, "left": True,
            "post": "grid_member", "text": "1项无时钟"},
        code="YH-2023-0001", state="rectifying", grade="general", place="小商店", what="灭火器压力不足", clock=Clock.rectify,
        due_at=START - timedelta(days=1, hours=2), since=START - timedelta(days=2), owner=owner, owner_place=True,
        supervisor="消防服务中心", reached=village, meant=village, up=Step(3, START + timedelta(days=2)),
        up_to=(Seat("township_head", "镇", "township"),), approver=Seat("office_head", "应急办", "team"), broken="网格员",
        broken_scheme="dingtalk", nobody=Seat("grid_member", "东村", "village"),
    )  # fmt: skip
    return _fitting(name, replace(plain, **TURNS.get(plain.purpose, {})))


OFFICE, INSPECTOR = Seat("office_dispatcher", "应急办", "team"), Seat("inspector", "消防服务中心", "team")
LEADER, HEAD = Seat("deputy_in_charge", "镇", "township"), Seat("office_head", "应急办", "team")
AHEAD = START + timedelta(hours=30)
TURNS: dict[str, dict[str, Any]] = {
    "to_dispatch": {"clock": Clock.dispatch, "state": "found", "due_at": AHEAD, "reached": OFFICE, "meant": OFFICE},
    "dispatch": {"clock": Clock.acknowledge, "state": "assigned", "due_at": AHEAD},
    "review": {"clock": Clock.review, "state": "submitted", "due_at": AHEAD, "reached": INSPECTOR, "meant": INSPECTOR},
    "review_overdue": {"clock": Clock.review, "state": "submitted", "reached": INSPECTOR, "meant": INSPECTOR},
    "reminder": {"due_at": AHEAD},
    "returned": {"due_at": AHEAD, "because": "measure_incomplete", "round": 2},
    "approval": {"clock": Clock.approve, "state": "verified", "reached": HEAD, "meant": HEAD},
    "outcome": {"state": "closed"},
    "application": {
        "kind": "extension", "code": "YH-2023-0001-YQ1", "state": "asked", "clock": Clock.decide, "due_at": AHEAD, "reached": LEADER,
        "meant": LEADER,
    },
    "decision": {"kind": "extension", "code": "YH-2023-0001-YQ1", "state": "granted", "clock": None},
    "interim": {"control": "guard"},
    "task": {"kind": "duty", "code": "LZ-2023-00001", "state": "open", "what": "每月入户检查", "clock": Clock.duty, "due_at": AHEAD},
    "report": {
        "kind": "report", "code": "JB-2023-0001", "state": "received", "what": "群众举报", "clock": Clock.answer, "due_at": AHEAD,
        "reached": OFFICE, "meant": OFFICE,
    },
    "start_work": {"gate": "blocked"},
}  # fmt: skip


def _many(name: str) -> Letter:
    """A bundle of a few, more than are LISTED; or a daily list of as many."""
    members = tuple(replace(sample(each), id=number) for number, each in enumerate(("overdue", "review", "reminder", "approval"), start=1))
    one = replace(sample("overdue"), purpose=name.split(".")[0])
    if one.purpose == Purpose.bundle:
        return replace(one, members=members)
    lines = [
        {"code": each.code, "place": each.place, "clock": each.clock, "due": _micros(each.due_at or START)} for each in members[:LISTED]
    ]  # fmt: skip
    return replace(one, facts={"own": 2, "overdue": 1, "waiting": 1, "total": len(members), "lines": lines})


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def longest(name: str) -> Letter:
    """The letter with the longest names that a township may have."""
    village, head = Seat("village_secretary", "村41", "village"), Seat("station_head", "消防服务中心", "team")
    plain = replace(
        sample(name), code="YH-2023-12345", place="宜村街道某某某某食品加工有限责任公司第二扶贫车间", what="二楼疏散通道堆放杂物，" * 9,
        grade="major", reached=village, meant=Seat("grid_member", "村41", "village"), idle=START - timedelta(days=9),
        up=Step(5, START + timedelta(days=7, hours=5)), up_to=(Seat("district_department", "某某区", "district"), head),
        late=Step(3, START - timedelta(days=12)) if _level(name) else None, because="measure_incomplete", round=12,
    )  # fmt: skip
    most = [{"post": {"kind": PostKind.village_secretary, "unit": f"村{n}", "unit_kind": "village"}, "open": 99} for n in (39, 40, 41)]
    numbers = {"open": 1234, "major": 123, "per_day": 103, "forecast": 999, "mine": 123}
    return replace(plain, facts={**plain.facts, **numbers, "most": most, "about": "时限将被截止日压缩"})


def _level(name: str) -> int:
    return 0 if ".due" in name or name.split(".")[0] in ("reminder", "dispatch", "to_dispatch", "review") else 2


def _fitting(name: str, letter: Letter) -> Letter:
    """The letter turned so that `name` is the text for it."""
    days = 0 if ".today" in name else -2 if ".over" in name else abs(letter.facts.get("days") or 12)
    facts: dict[str, Any] = {**letter.facts, "days": days}
    if letter.purpose == Purpose.approval:
        facts = {key: value for key, value in facts.items() if key != "rung"} | ({"rung": 1} if "." in name else {})
    freed: dict[str, Any] = {"control": "none"} if name.endswith(".lifted") else {"gate": "allowed"} if name.endswith(".open") else {}
    if "." in name and not name.endswith(".mine") and letter.purpose == Purpose.approval:
        letter = replace(letter, reached=LEADER, meant=LEADER)
    if not name.endswith(".mine") and letter.purpose == Purpose.review_overdue:
        letter = replace(letter, reached=LEADER, meant=LEADER)
    if name.endswith(".mine") and letter.purpose in ("dispatch", "reminder", "overdue", "returned", "start_work"):
        letter = replace(letter, reached=letter.owner, meant=letter.owner)
    return replace(letter, facts=facts, mine=name.endswith(".mine"), level=_level(name), **freed)


NEWEST = text("select id from notice where township_id = :township and purpose = :purpose order by id desc limit 30")
# A message of any state, read as if it were about to leave.
EXAMPLES = text(
    """
with notice as (
    select said.* from notice n
    cross join lateral jsonb_populate_record(null::notice, to_jsonb(n) || '{"state": "pending", "bundle_id": null}') said
    where n.id = any(:ids)
    union all
    select member.* from notice member where member.bundle_id = any(:ids) and member.state = 'bundled'
),"""
    + LETTERS.text.strip().removeprefix("with")
)


def example(session: Session, township_id: int, name: str) -> tuple[Letter, datetime, bool]:
    """The newest real letter that this text was for, the moment it was planned, and True; else a made-up one, and False."""
    asked = {"township": township_id, "purpose": name.split(".")[0]}
    ids = list(session.execute(NEWEST, asked).scalars())
    for letter in in_order(session.execute(EXAMPLES, {"ids": ids}).all(), ids) if ids else []:
        if _is_for(letter, name):
            return letter, letter.planned_at, True
    return sample(name), START, False


def _is_for(letter: Letter, name: str) -> bool:
    if name in FRAME_WORDS:
        return letter.purpose == Purpose.digest or len(letter.members) > (LISTED if name == MORE else 1)
    return pick(letter, zh.TEMPLATES) == name


# Versions

VERSIONS = text("""
select wording.*, person.label as who from wording
left join person on person.township_id = wording.township_id and person.key = by_person
where wording.township_id = :township and language = :language and name = :name order by wording.id desc
""")
ADD = text("""
insert into wording (township_id, language, name, text, at, by_post, by_person)
values (:township, :language, :name, :text, :now, :post, :person) returning id
""")


def versions(session: Session, township_id: int, language: str, name: str) -> list[Row[Any]]:
    """Every version there has been, the newest first: id, text (None: the house's), at, by_post, by_person, who."""
    return list(session.execute(VERSIONS, {"township": township_id, "language": language, "name": name}).all())


def put(
    session: Session, township_id: int, language: str, name: str, said: str | None, now: datetime, post: str | None, person: str | None
) -> bool:
    """A new version from business time `now` on; None takes the house's own back. False where nothing changes. Raises UnfitText."""
    said = said.replace("\r\n", "\n").strip() if said is not None else None
    if said is not None and (faults := faults_of(LANGUAGES[language], name, said)):
        raise UnfitText(faults)
    before = versions(session, township_id, language, name)
    if (before[0].text if before else None) == said:
        return False
    asked: Mapping[str, Any] = {
        "township": township_id, "language": language, "name": name, "text": said, "now": now, "post": post, "person": person
    }  # fmt: skip
    session.execute(ADD, asked)
    return True
