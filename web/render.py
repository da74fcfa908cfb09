"""From values to HTML: the templates, what they may call, and the pages that need nobody signed in."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import lucide
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from sqlmodel import Session

from models.clock import local, say
from models.enumerations import ENDED, CaseKind, EvidenceKind, Grade, HazardState
from notifications.templates.zh import SCHEMES
from statemachines.foresee import Foreseen
from statemachines.timeline import picture
from web import inbox, menu, offline, when
from web.caller import Caller, named
from web.english import as_known, either, in_english, step_name, written
from web.house import Progress, house_of
from web.problem import Problem
from web.words import SHORT, short

ROOM = Path(__file__).parent
NO_HAZARDS = [kind for kind in CaseKind if kind != CaseKind.hazard]
ASKS_AT_MOST = 99


@lru_cache(maxsize=256)
def icon(name: str, size: int = 20) -> Markup:
    """An icon drawn into the page; decoration, so that readers aloud pass over it."""
    drawn = lucide._render_icon(name, size, **{"aria-hidden": "true", "focusable": "false", "class": "icon"})
    return Markup("".join(line.strip() + " " for line in str(drawn).splitlines()))


@lru_cache(maxsize=32)
def asset(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it."""
    return f"/static/{name}?v={_version((ROOM / 'static' / name).read_bytes())}"


@lru_cache(maxsize=1)
def htmx() -> str:
    """The same for htmx, which comes as it is from its package."""
    return f"/vendor/htmx.min.js?v={_version((files('js_lib_htmx') / 'static' / 'htmx' / 'htmx.min.js').read_bytes())}"


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:10]


def day(moment: datetime) -> str:
    """«3月5日»."""
    at = local(moment)
    return f"{at.month}月{at.day}日"


def stamp(moment: datetime) -> str:
    """For `<time datetime>`."""
    return local(moment).isoformat(timespec="seconds")


def percent(rate: float | None) -> str:
    return "—" if rate is None else f"{rate:g}%"


OURS = re.compile(r"https?://[^\s/]+(/(?:h/[\w-]+|inbox)?)(?=\s|$)")


def linked(body: str) -> Markup:
    """A message's text with the addresses of our own pages as links."""
    pieces, done = [], 0
    for found in OURS.finditer(body):
        link = Markup('<a href="{}">{}</a>').format(found[1] or "/", found[0])
        pieces += [escape(body[done : found.start()]), link]
        done = found.end()
    return Markup("").join([*pieces, escape(body[done:])])


def drawn(foreseen: Sequence[Foreseen]) -> Markup:
    """The moments as a picture; what is written in it is escaped where it is drawn."""
    return Markup(picture(foreseen))


def channel(scheme: str) -> str:
    """«企业微信», «邮件»: the kind of channel."""
    return SCHEMES.get(scheme, scheme)


def share(part: float, whole: float) -> str:
    """A width in percent for a bar of an SVG."""
    return f"{100 * part / whole:.2f}%" if whole else "0%"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(ROOM / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined,
    )  # fmt: skip
    made.globals.update(
        icon=icon, asset=asset, htmx=htmx, named=named, SHORT=SHORT, short=short, ENDED=ENDED,
        HazardState=HazardState, EvidenceKind=EvidenceKind, Grade=Grade, Todo=inbox.Todo, groups=menu.groups,
        either=either, in_english=in_english, step_name=step_name,
    )  # fmt: skip
    made.filters.update(
        say=say, day=day, stamp=stamp, percent=percent, share=share, linked=linked, due=when.due, ago=when.ago, hence=when.hence,
        written=written, as_known=as_known, drawn=drawn, channel=channel,
        query=lambda values: urlencode([(k, v) for k, v in values.items() if v not in (None, "")]),
    )  # fmt: skip
    return made


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page of somebody who is signed in."""

    caller: Caller
    piles: list[inbox.Pile]
    asks: list[inbox.WaitingView]

    @property
    def waiting(self) -> int:
        """What is to be done now: a duty counts from its last day on."""
        tonight = inbox.tonight(self.now)
        pressing = [each for each in self.asks if each.kind != CaseKind.duty or each.due_at is None or each.due_at <= tonight]
        return sum(pile.all for pile in self.piles) + len(pressing)

    @property
    def late(self) -> int:
        return sum(pile.overdue for pile in self.piles)

    @property
    def role(self) -> str:
        """The caller's posts in short."""
        return "、".join(seat.zh for seat in self.caller.seats[:2]) or "今日无岗位"

    @property
    def now(self) -> datetime:
        return self.caller.now


def frame(session: Session, caller: Caller) -> Frame:
    return Frame(caller, inbox.piles(session, caller), inbox.everything(session, caller, NO_HAZARDS, ASKS_AT_MOST)[0])


def page(request: Request, template: str, frame: Frame, status: int = 200, **values: Any) -> Response:
    """A page of somebody who is signed in."""
    body = _environment().get_template(template).render(request=request, frame=frame, caller=frame.caller, now=frame.now, **values)
    headers = {offline.HEADER: offline.said_of(request, frame.caller.token, status)}
    return HTMLResponse(body, status, headers)


def bare(template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> Response:
    """A page that stands alone: login, errors, the start."""
    return HTMLResponse(_environment().get_template(template).render(**values), status, headers=dict(headers or {}))


def error_page(request: Request, problem: Problem) -> Response:
    """What went wrong, in plain words; to an owner without the ways into a house that they have no account of."""
    parts = request.url.path.split("/")
    if parts[1] == "o" or getattr(request.app.state, "owners_only", False):
        again = "/".join(parts[:3]) if parts[1] == "o" and problem.status not in (404, 410) else ""
        return bare("owner_sorry.html", problem.status, problem.headers, problem=problem, again=again)
    before = page_before(request) if request.method == "POST" else "/"
    return bare("error.html", problem.status, problem.headers, problem=problem, path=request.url.path, before=before)


def progress_page(progress: Progress) -> Response:
    return bare("progress.html", 503, {"Retry-After": "2", "Cache-Control": "no-store"}, progress=progress)


def way_to_login(request: Request) -> str:
    """The login page, which leads back here."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/login" if back == "/" else f"/login?next={quote(back)}"


def page_before(request: Request) -> str:
    """The page of ours that a form stood on, as its browser says; else the front page."""
    said = urlsplit(request.headers.get("referer", ""))
    here = said.path + (f"?{said.query}" if said.query else "")
    return way_back(here) if said.netloc == request.headers.get("host") else "/"


def way_back(said: str | None, otherwise: str = "/") -> str:
    """An address of our own from what a form said; anything else is `otherwise`."""
    safe = (
        said and said.startswith("/") and not said.startswith(("//", "/\\")) and "\\" not in said and "\n" not in said and "\r" not in said
    )
    return said if said and safe else otherwise


def prefect_events(request: Request, code: str) -> str:
    """Where Prefect's own pages show the events of this hazard."""
    resource = quote(json.dumps([f"hazard.{code}"], separators=(",", ":")))
    port = house_of(request).settings.prefect_port
    return f"{request.url.scheme}://{request.url.hostname}:{port}/v2/events?resource={resource}&seconds=-31536000"
