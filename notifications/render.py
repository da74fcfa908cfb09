"""A letter's words: which template, filled and cut to fit. Whatever the truth looks like, a message comes out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from string import Formatter
from typing import Protocol

from models.enumerations import Purpose
from notifications.letter import Letter
from notifications.manner import Manner
from notifications.templates import en, zh

BUNDLE_LIMIT = 1500
LEAST_SHOWN = 4
CUT = ("what", "because", "about", "place")
SHORTER = ("up", "late", "scope")


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
    BUNDLE: str
    LINE: str
    MORE: str
    EARLIEST: str
    AGAIN: str
    LIMIT: int

    def words(self, letter: Letter, now: datetime) -> dict[str, str]: ...
    def many(self, letters: Sequence[Letter]) -> str: ...
    def when(self, instant: datetime | None) -> str: ...


LANGUAGES: dict[str, Language] = {"zh": zh, "en": en}


def render(letter: Letter, manner: Manner, now: datetime, public_url: str) -> tuple[str, str]:
    """Title and body of one message; `now` is business time, `public_url` has no slash at its end."""
    language = LANGUAGES.get(manner.language, zh)
    if letter.purpose != Purpose.bundle:
        return _single(letter, language, now, public_url)
    if len(letter.members) == 1:
        return _single(letter.members[0], language, now, public_url)
    return _bundle(letter.members, language, manner.bundle_cap, now, public_url)


def _single(letter: Letter, language: Language, now: datetime, public_url: str) -> tuple[str, str]:
    label = language.LABELS[letter.purpose]
    body = _said(letter, language.TEMPLATES, language, now) or language.PLAIN.format(label=label, code=letter.code or "")
    return f"{label} {letter.code or ''}".strip(), f"{body} {_link(letter, public_url)}"


def _said(letter: Letter, templates: Mapping[str, str], language: Language, now: datetime) -> str:
    """The letter in words; empty, with a line in the log, where what the database says of it can't be told."""
    try:
        return _fit(templates[_pick(letter, templates)], language.words(letter, now), language.LIMIT)
    except NO_WORDS as error:
        log.warning("no words for message %d: %s: %s", letter.id, type(error).__name__, error)
        return ""


def _bundle(members: Sequence[Letter], language: Language, cap: int, now: datetime, public_url: str) -> tuple[str, str]:
    link = f"{public_url}/inbox"
    up = _goes_up(members, language)
    lines = [_line(number, each, language, now) for number, each in enumerate(members[:cap], start=1)]
    while True:
        left = len(members) - len(lines)
        said = {
            "count": len(members), "you": language.many(members), "lines": "\n".join(lines), "up": up,
            "more": language.MORE.format(count=left) if left else "",
        }  # fmt: skip
        body = f"{language.BUNDLE.format(**said)} {link}"
        if len(body) <= BUNDLE_LIMIT or len(lines) <= 1:
            return language.TITLE.format(count=len(members)), body
        lines.pop()


def _goes_up(members: Sequence[Letter], language: Language) -> str:
    """When the first of many goes up; where all are at the top, how often they are said again."""
    climbing = [(each.up.at, each.code) for each in members if each.up]
    if climbing:
        at, code = min(climbing)
        return language.EARLIEST.format(at=language.when(at), code=code)
    hours = [each.repeat_hours for each in members if each.level and each.repeat_hours]
    return language.AGAIN.format(hours=min(hours)) if hours else ""


def _line(number: int, letter: Letter, language: Language, now: datetime) -> str:
    said = _said(letter, language.LINES, language, now) or letter.code or "…"
    return language.LINE.format(number=number, label=language.LABELS[letter.purpose], said=said)


def _pick(letter: Letter, templates: Mapping[str, str]) -> str:
    """The most particular template that the language has."""
    moment = _moment(letter)
    particular = f"{letter.purpose}{moment}"
    keys = [f"{particular}.mine", particular, f"{letter.purpose}.mine"] if letter.mine else [particular]
    return next((key for key in keys if key in templates), letter.purpose)


def _moment(letter: Letter) -> str:
    """Reached (`.due`) or passed (`.late`), for the purposes that tell them apart; after a campaign's deadline `.over`."""
    if letter.purpose == Purpose.countdown:
        days = letter.facts.get("days", 0)
        return ".over" if days < 0 else "" if days else ".today"
    if letter.purpose == Purpose.approval and "rung" in letter.facts:
        return ".late" if letter.level else ".due"
    return ".due" if letter.purpose in (Purpose.overdue, Purpose.review_overdue) and letter.level == 0 else ""


def _fit(template: str, words: Mapping[str, str], limit: int) -> str:
    """Cuts the finding first, then the reason and the place's name, each to no less than a few characters; then says the rest shorter."""
    said = dict(words)
    for name in CUT:
        over = len(template.format(**said)) - limit
        if over > 0 and f"{{{name}}}" in template:
            said[name] = _cut(said[name], max(LEAST_SHOWN, len(said[name]) - over))
    for name in SHORTER:
        if len(template.format(**said)) > limit:
            said[name] = said[f"{name}_short"]
    return template.format(**said)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


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
        if purpose != Purpose.bundle and not all(purpose in each for each in (*tables, language.LABELS))
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
