"""What is foreseen as a picture: a line of moments from top to bottom, each with who hears of it. Plain SVG, for a page or a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from itertools import pairwise

from models.clock import say, say_left
from statemachines.foresee import Foreseen

WIDTH, LEFT, ROW, LINE = 640, 24, 74, 20
SHOWN = 42
CALM, WARM, HOT, NIGHT = "#5b8c6e", "#c98a1b", "#b3261e", "#6b675a"


def picture(foreseen: Sequence[Foreseen], title: str = "无人办理时的通知安排") -> str:
    """An SVG of the moments, in their order; its colours say how high a rung is. No styles, no scripts."""
    height = ROW * max(1, len(foreseen)) + LINE
    between = "".join(_gap(place, before.at, after.at) for place, (before, after) in enumerate(pairwise(foreseen)))
    moments = "".join(_moment(each, ROW * place + LINE) for place, each in enumerate(foreseen))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" font-size="14">'
        f"<title>{escape(title)}</title>{between}{moments or _text(LEFT, LINE, '没有安排 nothing ahead', NIGHT)}</svg>"
    )


def _gap(place: int, before: datetime, after: datetime) -> str:
    """The stretch between two moments, and how long it is."""
    top = ROW * place + LINE
    line = f'<path d="M{LEFT} {top + 8}v{ROW - 16}" stroke="#b9b5a7" stroke-width="2"/>'
    return line + (_text(LEFT + 14, top + 56, f"＋{say_left(after - before)}", NIGHT, 11) if after > before else "")


def _moment(moment: Foreseen, top: int) -> str:
    level = f"·{moment.level}级" if moment.level else ""
    heading = f"{say(moment.at)}　{moment.clock.zh if moment.clock else ''}{moment.purpose.zh}{level}"
    held = f"　{_held(moment)}" if moment.held_until else ""
    dot = f'<circle cx="{LEFT}" cy="{top}" r="7" fill="{_colour(moment.level)}"/>'
    who = _cut("、".join(dict.fromkeys(each.post_name or each.label for each in moment.hearings)) or "无人可达")
    return dot + _text(LEFT + 18, top + 5, heading + held, "currentColor") + _text(LEFT + 18, top + 26, f"→ {who}", "currentColor", 13)


def _held(moment: Foreseen) -> str:
    """«静默至…», «免打扰至…», «并入…的每日清单»: what holds it longest."""
    return next(each.waits for each in moment.hearings if each.held_until == moment.held_until)


def _colour(level: int) -> str:
    return CALM if level == 0 else WARM if level < 3 else HOT


def _cut(said: str) -> str:
    return said if len(said) <= SHOWN else f"{said[: SHOWN - 1]}…"


def _text(x: int, y: int, said: str, colour: str, size: int = 14) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}">{escape(said)}</text>'
