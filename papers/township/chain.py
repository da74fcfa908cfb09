"""Chains of pointers from row to row of one sheet."""

from __future__ import annotations

from papers.township.sheet import Sheet


def check_no_cycle(sheet: Sheet, code: str, pointer: str) -> None:
    """A row that points at itself by way of others is a fault, said once a cycle, at its first line."""
    up = {row.texts.get(code, ""): row.texts.get(pointer, "") for row in reversed(sheet.rows)}
    lines = {row.texts.get(code, ""): row.line for row in reversed(sheet.rows)}
    done: set[str] = set()
    for start in sorted(up, key=lambda name: lines[name]):
        path = _path(start, up, done)
        done.update(path)
        end = up.get(path[-1], "") if path else ""
        if end in path:
            circle = path[path.index(end) :]
            said = " → ".join([*circle[:8], "…"] if len(circle) > 8 else [*circle, end])
            line = min(lines[name] for name in circle)
            sheet.findings.add(sheet.file, line, f"{pointer}: 成环 cycle: {said}", "一条到顶的链 a chain that ends at the top")


def _path(start: str, up: dict[str, str], done: set[str]) -> list[str]:
    """From `start` upwards until the top, a name seen before, or a turn."""
    path: dict[str, None] = {}
    name = start
    while name and name in up and name not in path and name not in done:
        path[name] = None
        name = up[name]
    return list(path)
