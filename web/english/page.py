"""A finished page, read once more: its texts and its labels in English, its tags and what people wrote as they are."""

from __future__ import annotations

import re
from html import escape, unescape

from web.english.catalogue import CHINESE, MANY, WRITTEN, WROTE, capital, said

TAG = re.compile(r"""(<!--.*?-->|</?[a-zA-Z!](?:[^<>"']|"[^"]*"|'[^']*')*>)""", re.DOTALL)
NAME = re.compile(r"</?([a-zA-Z!][\w-]*)")
LABEL = re.compile(r'(?<=\s)(aria-label|placeholder|title|alt|label)="([^"]*)"')
STAYS = re.compile(r'\slang="zh-CN"')
NUMBER = re.compile(r"(\d+)\D*$")
KEPT = frozenset({"textarea", "script", "style"})
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
INLINE = frozenset({"a", "abbr", "b", "br", "code", "em", "i", "small", "span", "strong", "sub", "sup", "time"})
PLAIN = frozenset({"title", "option"})
DRAWN = frozenset({"text", "tspan"})
CLOSES, OPENS = ")%.,:;", "(“‘"


def english(page: str) -> str:
    """The page, or the part of one, in English as far as the catalogues know its words."""
    reading = _Reading()
    for at, piece in enumerate(TAG.split(page)):
        reading.pieces.append(reading.tag(piece) if at % 2 else reading.text(piece))
    return "".join(reading.pieces)


class _Reading:
    """How far the reading has come: `line` is what has been read since the last tag that begins a new one, `last` where its end stands
    among the pieces; `spaced`: a space stands after it, `spoke`: it has been said in English."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.kept = ""
        self.depth = 0
        self.open: list[str] = []
        self.line = ""
        self.last = 0
        self.spaced = False
        self.spoke = False

    def tag(self, tag: str) -> str:
        found = NAME.match(tag)
        name, closing = (found[1].lower() if found else "!"), tag.startswith("</")
        if self.kept:
            return self._in_kept(tag, name, closing)
        if name not in INLINE:
            self.line, self.spaced = "", False
        if closing or name == "!":
            return self._close(tag, name)
        if name != "html" and STAYS.search(tag):
            return self._keep(tag, name)
        if name in KEPT:
            return self._keep(_labels(tag), name)
        if name not in VOID and not tag.endswith("/>"):
            self.open.append(name)
        return _labels(tag) if name != "html" else STAYS.sub(' lang="en"', tag)

    def _close(self, tag: str, name: str) -> str:
        while name in self.open and self.open.pop() != name:
            pass
        return tag

    def _in_kept(self, tag: str, name: str, closing: bool) -> str:
        if name == self.kept and not tag.endswith("/>"):
            self.depth += -1 if closing else 1
            self.kept = name if self.depth else ""
        return tag

    def _keep(self, tag: str, name: str) -> str:
        if name in VOID or tag.endswith("/>"):
            return tag
        self.kept, self.depth = name, 1
        return self._apart(tag) if self.spoke and self._ends_in_a_word() else tag

    def text(self, text: str) -> str:
        if not text.strip():
            self.spaced = self.spaced or bool(text)
            return text
        spoken = text if self.kept else self._spoken(text)
        self.spoke = spoken != text
        self.line, self.spaced, self.last = spoken.rstrip(), spoken[-1].isspace(), len(self.pieces)
        return spoken

    def _spoken(self, text: str) -> str:
        bare = text.strip()
        inside = self.open[-1] if self.open else ""
        en = _said(bare, inside)
        if en is None:
            return self._apart(text) if self.spoke and self._ends_in_a_word() and text[:1].isalnum() else text
        marked = _marked(_plural(en if self.line else capital(en), self.line), inside)
        if self.line and en[0] in CLOSES:
            return marked + text[text.index(bare) + len(bare) :]
        told = text.replace(bare, marked, 1)
        return self._apart(told) if self._ends_in_a_word() and (told[0].isalnum() or told[0] in OPENS + "<") else told

    def _ends_in_a_word(self) -> bool:
        return bool(self.line) and not self.spaced and (self.line[-1].isalnum() or self.line[-1] in CLOSES)

    def _apart(self, piece: str) -> str:
        """A space, which Chinese needs nowhere, between what was read last and this piece: before the first tag that opens between them."""
        for at in range(self.last + 1, len(self.pieces)):
            if self.pieces[at] and not self.pieces[at].startswith("</"):
                self.pieces[at] = " " + self.pieces[at]
                return piece
        return " " + piece


def _marked(en: str, inside: str) -> str:
    safe = escape(en, quote=False)
    if inside in PLAIN:
        return safe.replace(WROTE, "").replace(WRITTEN, "")
    name = "tspan" if inside in DRAWN else "span"
    return safe.replace(WROTE, f'<{name} lang="zh-CN">').replace(WRITTEN, f"</{name}>")


def _said(text: str, inside: str = "") -> str | None:
    """None for what stays as it is."""
    if not CHINESE.search(text) or any(mark in text for mark in (MANY, WROTE, WRITTEN)):
        return None
    return said(" ".join(unescape(text).split()), inside)


def _labels(tag: str) -> str:
    if not CHINESE.search(tag):
        return tag
    return LABEL.sub(lambda found: f'{found[1]}="{_label(found[2])}"', tag)


def _label(text: str) -> str:
    en = _said(text)
    return text if en is None else escape(capital(_plural(en, "")).replace(WROTE, "").replace(WRITTEN, ""))


def _plural(en: str, before: str) -> str:
    """The noun's s, unless the number before it is 1."""
    while MANY in en:
        at = en.index(MANY)
        number = NUMBER.search(en[:at]) or NUMBER.search(before)
        en = en[:at] + ("" if number and number[1] == "1" else "s") + en[at + 1 :]
    return en
