"""A letter's words: which template, filled and cut to fit. Whatever the truth looks like, a message comes out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any, Protocol

from models.enumerations import CaseKind, InterimControl, PostKind, Purpose, StartWork
from models.keys import key_for
from models.settings import Settings
from models.ticket import Ticket, issue
from notifications.channels.room import room_of
from notifications.letter import Letter, Seat
from notifications.manner import Manner
from notifications.templates import en, zh

BUNDLE_LIMIT = 1500
LEAST_SHOWN = 4
HEADS = frozenset({Purpose.bundle, Purpose.digest})
# What the texts around the lines of many in one may name.
FRAME_WORDS: dict[str, frozenset[str]] = {
    "bundle": frozenset({"count", "you", "lines", "more", "up"}),
    "bundle.more": frozenset({"count"}),
    "digest": frozenset({"own", "overdue", "waiting", "you", "lines", "more"}),
}
CUT, CUT_LAST = ("what", "about", "place"), ("because",)
SHORTER = ("idle", "up", "late", "scope")
GRACE = {"a": timedelta(days=7), "o": timedelta(days=30)}
OWNERS = frozenset({PostKind.enterprise_principal, PostKind.enterprise_safety})
ABOUT_A_HAZARD = frozenset(CaseKind) - {CaseKind.duty, CaseKind.report}

log = logging.getLogger("bihuan.deliver")

NO_WORDS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Unsayable(Exception):
    """A language lacks a text, or a text asks for what nobody knows."""


class Language(Protocol):
    """What a file of `notifications/templates` holds."""

    TEMPLATES: dict[str, str]
    LINES: dict[str, str]
    LABELS: dict[str, str]
    PLAIN: str
    TITLE: str
    FRAMES: dict[str, str]
    DIGEST_TITLE: str
    LINE: str
    EARLIEST: str
    SOON: str
    AGAIN: str
    LIMIT: int

    def words(self, letter: Letter, now: datetime) -> dict[str, str]: ...
    def many(self, letters: Sequence[Letter]) -> str: ...
    def when(self, instant: datetime | None) -> str: ...
    def seat(self, post: Seat | None) -> str: ...
    def item(self, number: int, said: Mapping[str, Any], now: datetime) -> str: ...


LANGUAGES: dict[str, Language] = {"zh": zh, "en": en}


def render(letter: Letter, manner: Manner, now: datetime, public_url: str) -> tuple[str, str]:
    """Title and body of one message as it may be kept and shown; `now` is business time, `public_url` has no slash at its end.

    A township's own texts (`manner.texts`) go before the house's. What leaves for a person alone is `opened`.
    """
    language = LANGUAGES.get(manner.language, zh)
    alone = _alone(letter)
    if letter.purpose == Purpose.digest:
        return _digest(letter, language, manner.texts, now, public_url)
    if alone:
        return _single(alone, language, manner.texts, now, public_url)
    return _bundle(letter, language, manner, now, public_url)


@dataclass(frozen=True, slots=True)
class Links:
    """Where links lead, without slashes at their ends, and the key that signs tickets; None: messages leave with plain links."""

    public_url: str
    owner_url: str
    key: bytes | None = field(repr=False)


def links_to(public_url: str) -> Links:
    """Owners' pages may stand alone on the public side; a caller's own address is kept for both."""
    settings = Settings.read()
    owner_url = settings.owner_url if public_url == settings.public_url else public_url
    try:
        return Links(public_url, owner_url, key_for("ticket", settings))
    except OSError as error:
        log.warning("no tickets in messages: %s", error)
        return Links(public_url, owner_url, None)


def opened(letter: Letter, body: str, now: datetime, wall: datetime, links: Links) -> str:
    """The body as it leaves: where it is about one case and goes to one person alone, its link lets that person act.

    By wall time `wall` the link is good until a week after the case is due, a responsible unit's for a month, as it has no other way in.
    A message in a chat that others read keeps its plain link.
    """
    alone = _alone(letter)
    if alone is None or alone.addressed is not None or not room_of(letter.url).private:
        return body
    page = "o" if alone.reached and alone.reached.kind in OWNERS and alone.kind in ABOUT_A_HAZARD else "a"
    ticket = _ticket(alone, now, wall + GRACE[page], links.key)
    plain = _link(alone, links.public_url)
    if ticket is None or not body.endswith(plain):
        return body
    return f"{body.removesuffix(plain)}{links.owner_url if page == 'o' else links.public_url}/{page}/{ticket}"


def _ticket(letter: Letter, now: datetime, least: datetime, key: bytes | None) -> str | None:
    if key is None or letter.case_id is None or letter.person_id is None or letter.post_id is None or letter.version is None:
        return None
    until = least + max(letter.due_at - now if letter.due_at else timedelta(), timedelta())
    return issue(Ticket(letter.case_id, letter.person_id, letter.post_id, letter.version, int(until.timestamp()), letter.serial), key)


def _alone(letter: Letter) -> Letter | None:
    """The one thing that a message is about: itself, or a bundle's only line."""
    if letter.purpose not in HEADS:
        return letter
    return letter.members[0] if len(letter.members) == 1 else None


def _single(letter: Letter, language: Language, own: Mapping[str, str], now: datetime, public_url: str) -> tuple[str, str]:
    label = language.LABELS[letter.purpose]
    key = pick(letter, language.TEMPLATES)
    body = _said(letter, own, key, language, now) or _said(letter, language.TEMPLATES, key, language, now)
    body = body or language.PLAIN.format(label=label, code=letter.code or "")
    return f"{label} {letter.code or ''}".strip(), f"{_calling(letter, language)}{body} {_link(letter, public_url)}"


def _said(letter: Letter, templates: Mapping[str, str], key: str, language: Language, now: datetime) -> str:
    """The letter in words; empty where there is no such text, and, with a line in the log, where what the database says can't be told."""
    if key not in templates:
        return ""
    try:
        return fit(templates[key], language.words(letter, now), language.LIMIT)
    except NO_WORDS as error:
        log.warning("no words for message %d: %s: %s", letter.id, type(error).__name__, error)
        return ""


def _bundle(letter: Letter, language: Language, manner: Manner, now: datetime, public_url: str) -> tuple[str, str]:
    link = f"{public_url}/inbox"
    members, room = letter.members, room_of(letter.url)
    up = _goes_up(members, language, now)
    lines = [_line(number, each, language, now) for number, each in enumerate(members[: manner.bundle_cap], start=1)]
    while True:
        left = len(members) - len(lines)
        said = {
            "count": len(members), "you": language.many(members), "lines": "\n".join(lines), "up": up,
            "more": _more(left, language, manner.texts),
        }  # fmt: skip
        body = f"{_framed('bundle', language, manner.texts, said)} {link}"
        if (len(body) <= BUNDLE_LIMIT and room.holds(body)) or len(lines) <= 1:
            return language.TITLE.format(count=len(members)), body
        lines.pop()


def _framed(name: str, language: Language, own: Mapping[str, str], said: Mapping[str, Any]) -> str:
    """The text around the lines, the township's own where it can be filled."""
    try:
        return own.get(name, language.FRAMES[name]).format(**said)
    except NO_WORDS as error:
        log.warning("no words for %s: %s: %s", name, type(error).__name__, error)
        return language.FRAMES[name].format(**said)


def _more(left: int, language: Language, own: Mapping[str, str]) -> str:
    return f"{_framed('bundle.more', language, own, {'count': left})}\n" if left else ""


def _digest(letter: Letter, language: Language, own: Mapping[str, str], now: datetime, public_url: str) -> tuple[str, str]:
    """A daily list: its numbers and its first lines are those of the morning on which it was made."""
    facts, room = letter.facts, room_of(letter.url)
    lines = [language.item(number, each, now) for number, each in enumerate(facts["lines"], start=1)]
    numbers = {name: facts[name] for name in ("own", "overdue", "waiting")}
    while True:
        left = facts["total"] - len(lines)
        said = numbers | {"you": language.many([letter]), "lines": "\n".join(lines), "more": _more(left, language, own)}
        body = f"{_framed('digest', language, own, said).rstrip()}\n{public_url}/inbox"
        if (len(body) <= BUNDLE_LIMIT and room.holds(body)) or len(lines) <= 1:
            return language.DIGEST_TITLE.format(count=facts["total"]), body
        lines.pop()


def _goes_up(members: Sequence[Letter], language: Language, now: datetime) -> str:
    """When the first of many goes up; where all are at the top, how often they are said again."""
    climbing = [(each.up.at, each.code) for each in members if each.up]
    if climbing:
        at, code = min(climbing)
        return language.SOON.format(code=code) if at <= now else language.EARLIEST.format(at=language.when(at), code=code)
    hours = [each.repeat_hours for each in members if each.level and each.repeat_hours]
    return language.AGAIN.format(hours=min(hours)) if hours else ""


def _line(number: int, letter: Letter, language: Language, now: datetime) -> str:
    said = _said(letter, language.LINES, pick(letter, language.LINES), language, now) or letter.code or "…"
    return language.LINE.format(number=number, label=language.LABELS[letter.purpose], said=f"{_calling(letter, language)}{said}")


def _calling(letter: Letter, language: Language) -> str:
    """In a group, whom it speaks to; nothing for a person alone."""
    return "" if letter.addressed is None else f"@{language.seat(letter.reached)} {letter.addressed} ".replace("  ", " ")


def pick(letter: Letter, templates: Mapping[str, str]) -> str:
    """The most particular template that the language has."""
    moment = _moment(letter)
    particular = f"{letter.purpose}{moment}"
    keys = [f"{particular}.mine", particular, f"{letter.purpose}.mine"] if letter.mine else [particular]
    return next((key for key in keys if key in templates), letter.purpose)


FREED: dict[str, str] = {Purpose.interim: ".lifted", Purpose.start_work: ".open"}


def _freed(letter: Letter) -> bool:
    if letter.purpose == Purpose.interim:
        return (letter.control or InterimControl.none) == InterimControl.none
    return (letter.gate or StartWork.allowed) == StartWork.allowed


def _moment(letter: Letter) -> str:
    """Reached (`.due`) or passed (`.late`), for the purposes that tell them apart; after a campaign's deadline `.over`; what was forbidden
    and is so no longer (`.lifted`, `.open`)."""
    if letter.purpose in FREED and _freed(letter):
        return FREED[letter.purpose]
    if letter.purpose == Purpose.countdown:
        days = letter.facts.get("days", 0)
        return ".over" if days < 0 else "" if days else ".today"
    if letter.purpose == Purpose.approval and "rung" in letter.facts:
        return ".late" if letter.level else ".due"
    return ".due" if letter.purpose in (Purpose.overdue, Purpose.review_overdue) and letter.level == 0 else ""


def fit(template: str, words: Mapping[str, str], limit: int) -> str:
    """Cuts the finding first, then the place's name, each to no less than a few characters; then says the rest shorter, and cuts the reason
    last: what to do better is what its reader has to know."""
    said = dict(words)
    _cut_to_fit(template, said, limit, CUT)
    for name in SHORTER:
        if len(template.format(**said)) > limit:
            said[name] = said[f"{name}_short"]
    _cut_to_fit(template, said, limit, CUT_LAST)
    return template.format(**said)


def _cut_to_fit(template: str, said: dict[str, str], limit: int, names: Sequence[str]) -> None:
    for name in names:
        over = len(template.format(**said)) - limit
        if over > 0 and f"{{{name}}}" in template:
            said[name] = _cut(said[name], max(LEAST_SHOWN, len(said[name]) - over))


def _cut(text: str, length: int) -> str:
    """A sentence keeps its end."""
    end = text[len(text.rstrip("。. ")) :]
    return text if len(text) <= length else f"{text[: length - 1 - len(end)]}…{end}"


def _link(letter: Letter, public_url: str) -> str:
    return f"{public_url}/h/{letter.code}" if letter.code else public_url


def faults(language: Language) -> list[str]:
    """What a language can't tell: purposes without words, and templates that ask for what nobody knows."""
    start = datetime.fromtimestamp(0, UTC)
    blank = Letter(id=0, township_id=0, purpose="", channel_id=0, url="", person="", urgent=False, facts={}, planned_at=start)
    known = set(language.words(blank, start))
    tables = (language.TEMPLATES, language.LINES)
    missing = [
        f"{purpose}: no text"
        for purpose in Purpose
        if purpose not in HEADS and not all(purpose in each for each in (*tables, language.LABELS))
    ]
    missing += [f"{name}: no text" for name in FRAME_WORDS if name not in language.FRAMES]
    missing += [
        f"{name}: unknown {{{each}}}" for name, said in language.FRAMES.items() for each in sorted(variables(said) - FRAME_WORDS[name])
    ]
    return missing + [
        f"{key}: unknown {{{name}}}" for table in tables for key, template in table.items() for name in sorted(variables(template) - known)
    ]


def variables(template: str) -> set[str]:
    """The names a template asks for."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


# A text that can't be filled stops whoever starts with it, not the message that one day needs it.
for _name, _language in LANGUAGES.items():
    if _found := faults(_language):
        raise Unsayable(f"templates/{_name}.py: {'; '.join(_found)}")
