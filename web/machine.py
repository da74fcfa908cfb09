"""The hazard's machine, drawn live: where the case stands, where it has been, and what may happen next, by whom, and why not the rest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape

from models.enumerations import CaseKind, HazardState
from statemachines.laws import LAWS
from statemachines.machine import Offer, Seat, Transition
from web.english import either, step_name
from web.words import SHORT

S = HazardState
WIDE, HIGH = 760, 272
BOX = (88, 38)
AT = {
    S.found: (56, 136), S.assigned: (186, 136), S.rectifying: (316, 136), S.submitted: (446, 136), S.verified: (576, 136),
    S.closed: (704, 136), S.reopened: (640, 40), S.rejected: (116, 236), S.duplicate: (246, 236), S.transferred: (376, 236),
    S.cancelled: (506, 236),
}  # fmt: skip
SPINE = (S.found, S.assigned, S.rectifying, S.submitted, S.verified, S.closed)


@dataclass(frozen=True, slots=True)
class Next:
    """A step that starts here. `to` is None where it changes no state; `why` is empty where the caller may take it now."""

    zh: str
    to: str | None
    who: str
    allowed: bool
    why: str


def following(state: HazardState, offered: Sequence[Offer], possible: Collection[str]) -> list[Next]:
    """What may happen from here and moves the case, what the caller may do first. `possible`: the triggers that they may fire."""
    offers = {offer.trigger: offer for offer in offered}
    found = [_next(each, offers.get(each.trigger), each.trigger in possible) for each in _leaving(state)]
    return sorted(found, key=lambda each: not each.allowed)


def _leaving(state: HazardState) -> list[Transition]:
    return [each for each in LAWS[CaseKind.hazard].transitions if state in each.sources and each.dest is not None and each.dest != state]


def _next(transition: Transition, offer: Offer | None, allowed: bool) -> Next:
    follows = transition.who == {Seat.consequence}
    who = "" if follows else "、".join(dict.fromkeys(each.zh for each in sorted(transition.who, key=str)))
    why = "" if allowed else "随另一案卷的决定自动发生。" if follows else either(offer.detail, offer.detail_en) if offer else ""
    return Next(step_name(transition), SHORT[HazardState(transition.dest)] if transition.dest else None, who, allowed, why)


def drawn(state: HazardState, been: Collection[str], possible: Collection[str]) -> str:
    """An SVG of the machine. Bold arrows leave where the case stands: green what the caller may fire, dashed what others may."""
    ahead: dict[HazardState, list[Transition]] = {}
    for each in _leaving(state):
        if each.dest:
            ahead.setdefault(HazardState(each.dest), []).append(each)
    quiet = [(a, b) for a, b in _usual() if a != state]
    lines = "".join(f'<path class="usual" d="{_path(a, b)}"/>' for a, b in quiet)
    arrows = "".join(_arrow(state, dest, steps, possible) for dest, steps in ahead.items())
    boxes = "".join(_box(place, state, been, place in ahead) for place in AT)
    to = "、".join(dest.zh for dest in ahead)
    said = escape(f"状态图：现在是{state.zh}，" + (f"下一步可以到{to}" if ahead else "已了结"))
    return (
        f'<svg class="machine" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{said}"><defs>'
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">'
        f'<path d="M0 0l8 4-8 4Z" fill="context-stroke"/></marker></defs>{lines}{boxes}{arrows}</svg>'
    )


def _usual() -> list[tuple[HazardState, HazardState]]:
    """The way that most go, and the ways back."""
    steps = [each for each in LAWS[CaseKind.hazard].transitions if each.dest]
    ways = {(HazardState(a), HazardState(each.dest)) for each in steps if each.dest for a in each.sources if a}
    return sorted((a, b) for a, b in ways if a != b and {a, b} <= {*SPINE, S.reopened})


def _arrow(state: HazardState, dest: HazardState, steps: list[Transition], possible: Collection[str]) -> str:
    mine = any(each.trigger in possible for each in steps)
    name = escape(" / ".join(each.zh for each in steps))
    x, y = _middle(state, dest)
    tone = "mine" if mine else "theirs"
    return (
        f'<path class="{tone}" d="{_path(state, dest)}" marker-end="url(#tip)"/>'
        f'<text class="{tone}" x="{x:.0f}" y="{y:.0f}" text-anchor="middle">{name}</text>'
    )


def _path(a: HazardState, b: HazardState) -> str:
    """Straight to the neighbour and between the rows; an arc over the boxes backwards and over more than one."""
    (x, y), (to_x, to_y) = AT[a], AT[b]
    half, tall = BOX[0] / 2, BOX[1] / 2
    if y != to_y:
        down = 1 if to_y > y else -1
        return f"M{x} {y + down * tall}L{to_x} {to_y - down * tall}"
    if _neighbours(a, b):
        return f"M{x + half} {y}H{to_x - half - 2}"
    return f"M{x} {y - tall}Q{(x + to_x) / 2} {y - tall - 20 - abs(to_x - x) / 6} {to_x} {to_y - tall - 2}"


def _neighbours(a: HazardState, b: HazardState) -> bool:
    return a in SPINE and b in SPINE and SPINE.index(b) == SPINE.index(a) + 1


def _middle(a: HazardState, b: HazardState) -> tuple[float, float]:
    (x, y), (to_x, to_y) = AT[a], AT[b]
    if y != to_y:
        return x + 0.62 * (to_x - x), y + 0.62 * (to_y - y)
    return ((x + to_x) / 2, y - 26) if _neighbours(a, b) else ((x + to_x) / 2, y - BOX[1] / 2 - 14 - abs(to_x - x) / 12)


def _box(each: HazardState, state: HazardState, been: Collection[str], ahead: bool) -> str:
    x, y = AT[each]
    standing = "here" if each == state else "been" if each in been else "next" if ahead else "far"
    return (
        f'<g class="{standing}"><rect x="{x - BOX[0] / 2}" y="{y - BOX[1] / 2}" width="{BOX[0]}" height="{BOX[1]}" rx="11"/>'
        f'<text x="{x}" y="{y + 5}" text-anchor="middle">{SHORT[each]}</text></g>'
    )
