"""What the server draws: a scene in place of a photo that exists only as a row (it says that it is one), and bars of chances."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import takewhile
from math import exp, factorial

SCENES = (
    (("灭火器", "消火栓"), "extinguisher"),
    (("插座", "配电", "用电", "线路", "充电"), "socket"),
    (("气瓶", "燃气", "软管", "液化气"), "gas"),
    (("坝", "矿", "坑口", "边坡", "山", "林", "井", "塌"), "hill"),
    (("占道", "停车", "消防车", "门前"), "street"),
    (("记录", "制度", "演练", "预案", "培训", "责任", "登记", "图纸", "告知", "标志"), "board"),
)
ROOM = (
    '<rect width="520" height="520" fill="#d9d5c3"/><path d="M0 0h520L400 96H120Z" fill="#efece0"/>'
    '<path d="M0 0v520l120-150V96Z" fill="#cfcbb8"/><path d="M520 0v520L400 370V96Z" fill="#c6c2ae"/>'
    '<path d="M120 250v120L0 520V260Z" fill="#8fb5a3"/><path d="M400 250v120l120 150V260Z" fill="#84ab99"/>'
    '<rect x="120" y="250" width="280" height="120" fill="#9cc0af"/><path d="M0 520l120-150h280l120 150Z" fill="#8b877c"/>'
    '<path d="M220 8h80l10 40H210Z" fill="#fffbe6"/>'
)
DOOR = (
    '<rect x="205" y="150" width="110" height="220" fill="#2e6b4f"/><path d="M260 150v220" stroke="#1d4a36" stroke-width="4"/>'
    '<rect x="218" y="170" width="30" height="60" fill="#bcd9cc"/><rect x="272" y="170" width="30" height="60" fill="#bcd9cc"/>'
    '<rect x="215" y="118" width="90" height="24" rx="2" fill="#0f8a4b"/>'
    '<text x="260" y="136" font-size="17" text-anchor="middle" fill="#fff">安全出口</text>'
)
BOX = (
    '<g transform="translate({x} {y})"><rect width="{s}" height="{s}" fill="#c08a4e"/>'
    '<path d="M0 0h{s}v{f}H0Z" fill="#d29d60"/><path d="M{m} 0v{s}" stroke="#a8763d" stroke-width="5"/></g>'
)


def draw(kind: str, description: str, seed: str) -> str:
    """An SVG of a room as it was before, or is after, the fix; the same for the same seed."""
    scene = next((name for words, name in SCENES if any(word in description for word in words)), "boxes")
    before = kind == "before"
    label = "整改前示意图" if before else "整改后示意图"
    shift = int(seed[:2], 16) % 24 - 12 if seed[:2].isalnum() and all(c in "0123456789abcdef" for c in seed[:2]) else 0
    if scene in OUTDOORS:
        return _framed(label, OUTDOORS[scene](before, shift))
    things = {"board": _board, "boxes": _boxes, "extinguisher": _extinguisher, "socket": _socket, "gas": _gas}[scene](before, shift)
    return _framed(label, ROOM + (DOOR if scene != "board" else "") + things)


def _framed(label: str, drawn: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 520" role="img" font-family="sans-serif"><title>{escape(label)}</title>'
        f'{drawn}<text x="506" y="30" font-size="20" text-anchor="end" fill="#6b675a">示意图</text></svg>'
    )


def _boxes(before: bool, shift: int) -> str:
    if before:
        places = ((60, 330, 90), (80, 250, 80), (150, 360, 110), (330, 300, 85), (345, 380, 120), (300, 215, 60))
        return "".join(BOX.format(x=x + shift, y=y, s=s, f=s // 3, m=s // 2) for x, y, s in places)
    return '<path d="M215 370L130 520M305 370l85 150" stroke="#f0c64a" stroke-width="9"/>'


def _extinguisher(before: bool, shift: int) -> str:
    x, needle, face = 350 + shift, (-20 if before else 14), ("#f4d7d3" if before else "#d6efdf")
    rust = '<path d="M4 60h60M4 110h60" stroke="#8a2c20" stroke-width="6" stroke-dasharray="9 7"/>' if before else ""
    return (
        f'<g transform="translate({x} 270)"><rect width="68" height="170" rx="26" fill="#c8281e"/>{rust}'
        f'<rect x="22" y="-26" width="24" height="30" fill="#333"/><path d="M34-18q56 6 44 76" fill="none" stroke="#222" stroke-width="9"/>'
        f'<circle cx="34" cy="76" r="22" fill="{face}" stroke="#fff" stroke-width="4"/>'
        f'<path d="M34 76l{needle}-12" stroke="#222" stroke-width="4"/></g>'
    )


def _socket(before: bool, shift: int) -> str:
    x = 330 + shift
    box = f'<rect x="{x}" y="240" width="80" height="64" rx="6" fill="#f6f4ec" stroke="#9b978a" stroke-width="3"/>'
    holes = "".join(f'<path d="M{x + 22 + 34 * n} 262v20" stroke="#333" stroke-width="5"/>' for n in range(2))
    mess = (
        f'<path d="M{x + 20} 300q-90 60-40 120t-120 70M{x + 60} 300q20 90-60 110t-170 90" fill="none" stroke="#2b2b2b" stroke-width="7"/>'
    )
    tidy = f'<path d="M{x + 40} 304v66H150" fill="none" stroke="#e9e7de" stroke-width="12"/>'
    return (mess if before else tidy) + box + holes


def _gas(before: bool, shift: int) -> str:
    x = 330 + shift
    body = '<rect width="84" height="150" rx="30" fill="#7d8f99"/><rect x="28" y="-24" width="28" height="30" fill="#55646c"/>'
    bottle = f'<g transform="translate({x} 280)">{body}</g>'
    stove = '<rect x="90" y="330" width="110" height="60" fill="#44484a"/><path d="M120 330q14-44 24 0q12-34 26 0" fill="#f08a24"/>'
    hose = f'<path d="M{x + 40} 262q-60-50-140 70" fill="none" stroke="#b5651d" stroke-width="8" stroke-dasharray="16 6"/>'
    fence = f'<rect x="{x - 18}" y="240" width="120" height="200" rx="8" fill="none" stroke="#f0c64a" stroke-width="9"/>'
    return bottle + (stove + hose if before else fence)


def _board(before: bool, shift: int) -> str:
    sheets = ((150, 150), (235, 150), (320, 150), (150, 235), (235, 235), (320, 235))
    full = "".join(
        f'<rect x="{x + shift}" y="{y}" width="64" height="72" fill="#fffdf4"/>'
        f'<path d="M{x + shift + 8} {y + 16}h48m-48 14h48m-48 14h34" stroke="#5d7d6f" stroke-width="4"/>'
        for x, y in (sheets[:1] if before else sheets)
    )
    return f'<rect x="{134 + shift}" y="134" width="268" height="190" rx="6" fill="#2e6b4f" stroke="#1d4a36" stroke-width="8"/>{full}'


def _hill(before: bool, shift: int) -> str:
    sky = '<rect width="520" height="520" fill="#cfe3ea"/><path d="M0 250L150 120l110 90 120-130 140 120v320H0Z" fill="#8aa98f"/>'
    wall = '<path d="M60 470l90-190h220l90 190Z" fill="#a9987a"/>'
    rows = '<path d="M105 375h310M80 425h360M130 325h260" stroke="#8d7d60" stroke-width="5"/>'
    crack = '<path d="M260 282l-22 50 34 38-26 42 20 56" fill="none" stroke="#3d3426" stroke-width="9"/>'
    sign = (
        f'<path d="M{400 + shift} 470v-130" stroke="#5d5d5d" stroke-width="9"/>'
        f'<path d="M{400 + shift} 268l46 78h-92Z" fill="#ffc24b" stroke="#3a3a3a" stroke-width="6"/>'
        f'<path d="M{400 + shift} 296v24m0 10v8" stroke="#3a3a3a" stroke-width="8"/>'
    )
    return f'{sky}<path d="M0 470h520v50H0Z" fill="#73866f"/>{wall}{rows}{crack if before else sign}'


def _street(before: bool, shift: int) -> str:
    sky = '<rect width="520" height="520" fill="#d8e6ea"/><path d="M0 60h190v270H0ZM330 90h190v240H330Z" fill="#cdbfa6"/>'
    shops = (
        '<path d="M20 210h150v120H20ZM350 220h150v110H350Z" fill="#7d9aa5"/><path d="M0 180h190v36H0ZM330 190h190v36H330Z" fill="#b3483d"/>'
    )
    road = '<path d="M0 520l190-190h140l190 190Z" fill="#7b7d80"/>'
    lane = '<path d="M120 520l96-170M400 520l-96-170" stroke="#f0c64a" stroke-width="9"/>'
    car = (
        f'<g transform="translate({180 + shift} 360)"><path d="M12 60L40 8h90l30 52Z" fill="#3f6fa3"/>'
        '<rect y="56" width="172" height="52" rx="12" fill="#4b82bd"/><circle cx="38" cy="110" r="20" fill="#222"/>'
        '<circle cx="134" cy="110" r="20" fill="#222"/></g>'
    )
    return sky + shops + road + lane + (car if before else "")


OUTDOORS = {"hill": _hill, "street": _street}


UNLIKELY, BARS = 0.002, 40


def left_open(odds: Sequence[float], more: float) -> list[float]:
    """How likely it is that 0, 1, 2 … hazards are open in the end: each of `odds` independently, and `more` new ones expected (Poisson)."""
    shares = [1.0]
    for odd in odds:
        shares = [(1 - odd) * same + odd * fewer for same, fewer in zip((*shares, 0.0), (0.0, *shares), strict=True)]
    poisson = ((n, exp(-more) * more**n / factorial(n)) for n in range(150))
    new = list(takewhile(lambda pair: pair[0] <= more or pair[1] > 1e-6, poisson))
    together = [0.0] * (len(shares) + len(new))
    for n, share in new:
        for open_, other in enumerate(shares):
            together[n + open_] += share * other
    return together


def histogram(shares: Sequence[float], width: int = 346, height: int = 150) -> str:
    """An SVG of such shares: a bar for each number of hazards, or for so many of them that some forty bars are left; none is green."""
    low, high = _middle(shares)
    step = -(-(high - low + 1) // BARS)
    groups = [(n, sum(shares[n : n + step])) for n in range(low, high + 1, step)]
    top, wide = max(share for _, share in groups), (width - 20) / len(groups)
    bars = "".join(
        f'<rect class="{"none" if n == 0 and step == 1 else "some"}" x="{10 + at * wide + 1:.1f}" width="{max(wide - 2, 1):.1f}" '
        f'y="{height - 26 - share / top * (height - 52):.1f}" height="{share / top * (height - 52):.1f}" rx="2"/>'
        for at, (n, share) in enumerate(groups)
    )
    likeliest = groups.index(max(groups, key=lambda each: each[1]))
    marks = "".join(_mark(groups, at, wide, height) for at in sorted({likeliest, *_apart(likeliest, len(groups))}))
    return f'<svg class="histogram" viewBox="0 0 {width} {height}" role="img" aria-label="到截止日剩几条的可能性">{bars}{marks}</svg>'


def _apart(likeliest: int, count: int) -> list[int]:
    """Which of the two ends have room for their label beside that of the likeliest."""
    return [at for at in (0, count - 1) if abs(at - likeliest) > count / 3]


def _mark(groups: Sequence[tuple[int, float]], at: int, wide: float, height: int) -> str:
    n, share = groups[at]
    said = f" {share:.0%}" if share >= 0.01 else ""
    anchor = "start" if at == 0 else "end" if at == len(groups) - 1 else "middle"
    x = 10 + (at + {"start": 0, "middle": 0.5, "end": 1}[anchor]) * wide
    return f'<text class="axis" x="{x:.1f}" y="{height - 8}" text-anchor="{anchor}">{n} 条{said}</text>'


def _middle(shares: Sequence[float]) -> tuple[int, int]:
    """The range of numbers that holds nearly all of it; at least three bars."""
    so_far, low, high = 0.0, 0, len(shares) - 1
    for n, share in enumerate(shares):
        low = n if so_far < UNLIKELY else low
        so_far += share
        if so_far > 1 - UNLIKELY:
            high = n
            break
    return (0 if low < 3 else low), max(high, low + 2)
