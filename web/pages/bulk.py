"""Many hazards at once: assigned after a look at what that does, or approved after their photos were seen; and what became of each."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from models.enumerations import PostKind, SlaClass
from web import bulk
from web.bulk import Fate
from web.caller import Caller, Visitor
from web.house import house_of
from web.pages.form import Form, word
from web.problem import Problem
from web.render import frame, page, way_back

router = APIRouter()
DISPATCHERS = frozenset({PostKind.office_dispatcher, PostKind.office_head})
CLASSES = tuple(each for each in SlaClass if each != SlaClass.major)


def may_dispatch(caller: Caller) -> bool:
    return bool(caller.kinds & DISPATCHERS)


def _facts(form: Form) -> dict[str, Any]:
    """What an assignment says of all: a class, where one was chosen, and a measure."""
    said = {name: word(form, name) for name in ("sla_class", "measure")}
    if said["sla_class"] and said["sla_class"] not in CLASSES:
        raise Problem(422, "整改时限不在可选范围内。", "No such class of time limit.", reason="sla_class")
    return {name: value[:2000] for name, value in said.items() if value}


def _picked(form: Form) -> list[bulk.Pick]:
    return bulk.picks([each for each in form.getlist("pick") if isinstance(each, str)])


@router.post("/hazards/preview")
def preview(request: Request, caller: Visitor, form: Form) -> Response:
    """What assigning them would change; nothing has changed yet."""
    wanted, facts = _picked(form), _facts(form)
    with house_of(request).transaction() as session:
        fates = bulk.rehearse(session, caller, "assign", wanted, facts)
        around = frame(session, caller)
        return page(
            request, "bulk.html", around, fates=fates, able=[each for each in fates if not each.refusal], before=True, facts=facts,
            key=secrets.token_urlsafe(9), back=way_back(word(form, "back"), "/hazards?show=dispatch"), verb="交办",
            refused=[each for each in fates if each.refusal],
        )  # fmt: skip


@router.post("/hazards/assign")
def assign(request: Request, caller: Visitor, form: Form) -> Response:
    fates = bulk.carry_out(house_of(request), caller, "assign", _picked(form), _facts(form), word(form, "key"))
    return _summary(request, caller, fates, "交办", way_back(word(form, "back"), "/hazards?show=dispatch"))


@router.post("/inbox/approve")
def approve(request: Request, caller: Visitor, form: Form) -> Response:
    """General closures whose photos were seen; a major one is refused here whoever asks."""
    fates = bulk.carry_out(house_of(request), caller, "approve_close", _picked(form), {}, word(form, "key"))
    return _summary(request, caller, fates, "同意销号", "/inbox?todo=approve")


def _summary(request: Request, caller: Caller, fates: list[Fate], verb: str, back: str) -> Response:
    with house_of(request).transaction() as session:
        return page(
            request, "bulk.html", frame(session, caller), fates=fates, able=[each for each in fates if not each.refusal], before=False,
            facts={}, key="", back=back, verb=verb, refused=[each for each in fates if each.refusal],
        )  # fmt: skip
