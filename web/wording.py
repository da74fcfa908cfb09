"""The township's own words for its messages, as the office reads and changes them; pages and programs alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.clock import local
from models.enumerations import LEADERS, PostKind, Purpose
from notifications import wording
from notifications.manner import manners
from notifications.render import LANGUAGES
from statemachines.registry import OFFICE
from web.caller import Caller
from web.problem import Problem

READERS = OFFICE | LEADERS
LONGEST = 2000
MOMENTS = {
    "mine": "发给办理人本人", "due": "期限刚到", "late": "逾期以后", "today": "截止当天", "over": "截止以后",
    "lifted": "解除以后", "open": "可以开工", "more": "没列出的",
}  # fmt: skip


class VariableView(BaseModel):
    """A name that the text may use in braces; `needed`: it has to."""

    name: str
    zh: str
    en: str
    needed: bool


class LengthView(BaseModel):
    """What the preview takes of one kind of channel; `most` is null where nobody says."""

    channel: str
    used: int
    most: int | None
    unit: str


class WordingView(BaseModel):
    """One message's text. `own`: the township's, else it is `standard`, the house's. `version` counts the changes there have been.

    `preview` is what it comes to with the newest message of this kind (`real`), or a made-up one. `language` is what this text is in;
    messages are sent in `spoken`.
    """

    model_config = ConfigDict(title="Wording")
    name: str
    purpose: Purpose
    language: str
    spoken: str
    text: str
    standard: str
    own: bool
    version: int
    since: datetime | None
    by_post: str | None
    variables: list[VariableView]
    preview: str
    real: bool
    lengths: list[LengthView]


@dataclass(frozen=True, slots=True)
class Change:
    """One version, as a page tells it; `text` is None where the house's words came back."""

    text: str | None
    at: datetime
    who: str


def title(name: str) -> str:
    """«逾期升级 · 期限刚到 · 发给办理人本人»."""
    purpose, *moments = name.split(".")
    return " · ".join([Purpose(purpose).zh, *(MOMENTS[each] for each in moments)])


def may_write(caller: Caller) -> bool:
    return PostKind.office_head in caller.kinds


def check_reader(caller: Caller) -> None:
    """Raises Problem 403 for who has no part in it."""
    if not caller.kinds & READERS:
        raise Problem(403, "消息文字由应急办和镇领导查看，应急办主任修改。", "The wording is the office's and the leaders'.", reason="post")


def own_texts(session: Session, caller: Caller, language: str) -> Mapping[str, str]:
    """The township's own texts in a language, by name."""
    return {
        name: found[0].text
        for name in wording.NAMES
        if (found := wording.versions(session, caller.township_id, language, name)) and found[0].text
    }


def one(session: Session, caller: Caller, name: str, language: str, public_url: str, said: str | None = None) -> WordingView:
    """The text as it stands; with `said` as it would stand. Raises Problem 403, 404, and 422 where `said` can't be used."""
    check_reader(caller)
    _known(name, language)
    spoken = LANGUAGES[language]
    changes = wording.versions(session, caller.township_id, language, name)
    standard, own = wording.standard(spoken, name), changes[0].text if changes else None
    shown = _fit(language, name, said) if said is not None else own or standard
    manner = manners(session)[caller.township_id]
    letter, now, real = wording.example(session, caller.township_id, name)
    preview = wording.preview(shown, name, letter, language, manner, now, public_url)
    needed = wording.needed(spoken, name)
    return WordingView(
        name=name, purpose=Purpose(name.split(".")[0]), language=language, spoken=manner.language, text=shown, standard=standard,
        own=own is not None, version=len(changes), since=local(changes[0].at) if changes else None,
        by_post=changes[0].by_post if changes else None, preview=preview, real=real,
        variables=[
            VariableView(name=each, zh=zh, en=en, needed=each in needed)
            for each, (zh, en) in wording.MEANINGS.items() if each in wording.usable(spoken, name)
        ],
        lengths=[LengthView(channel=each.channel, used=each.used, most=each.most, unit=each.unit) for each in wording.lengths(preview)],
    )  # fmt: skip


def _known(name: str, language: str) -> None:
    if name not in wording.NAMES or language not in LANGUAGES:
        raise Problem(404, "没有这条消息文字。", "There is no such message text.")


def _fit(language: str, name: str, said: str) -> str:
    said = said.replace("\r\n", "\n").strip()
    faults = wording.faults_of(LANGUAGES[language], name, said[:LONGEST])
    if faults:
        raise _unfit(wording.UnfitText(faults))
    return said


def _unfit(error: wording.UnfitText) -> Problem:
    errors = [{"where": "text", "message": each.en} for each in error.faults]
    return Problem(422, error.detail, error.detail_en, reason="wording", errors=errors)


def put(session: Session, caller: Caller, name: str, language: str, said: str | None, version: int | None) -> None:
    """A new version; None takes the house's words back. Raises Problem 403, 404, 409 where somebody else changed it meanwhile, 422."""
    check_reader(caller)
    _known(name, language)
    seat = next((seat for seat in caller.seats if seat.kind == PostKind.office_head), None)
    if seat is None:
        raise Problem(403, "消息文字由应急办主任修改。", "The office's head changes the wording.", reason="post")
    now = len(wording.versions(session, caller.township_id, language, name))
    if version is not None and version != now:
        said_en = "Somebody else has just changed this text."
        raise Problem(409, "别人刚改过这条文字，请看过再改。", said_en, reason="stale", current_version=now)
    try:
        wording.put(session, caller.township_id, language, name, said and said[:LONGEST], caller.now, seat.code, caller.person)
    except wording.UnfitText as error:
        raise _unfit(error) from error


def changes(session: Session, caller: Caller, name: str, language: str) -> list[Change]:
    """Every version, the newest first."""
    rows = wording.versions(session, caller.township_id, language, name)
    return [Change(row.text, local(row.at), _who(row)) for row in rows]


def _who(row: Any) -> str:
    return "本镇文件夹" if row.by_post is None else row.who or row.by_person
