"""Posts (岗位): who is responsible, and to whom each reports (`posts.csv`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.enumerations import PostKind, UnitKind
from papers.township.cell import Names
from papers.township.chain import check_no_cycle
from papers.township.sheet import Row, Sheet
from papers.township.unit import Unit

COLUMNS = ("code", "kind", "unit", "reports_to")
NOT_LOADED = (PostKind.reporter, PostKind.system)
LOADABLE = tuple(kind for kind in PostKind if kind not in NOT_LOADED)
BELONGS = {
    PostKind.grid_member: UnitKind.village,
    PostKind.village_secretary: UnitKind.village,
    PostKind.station_head: UnitKind.team,
}


@dataclass(frozen=True, slots=True)
class Post:
    code: str
    kind: PostKind
    unit: str
    reports_to: str | None
    line: int = field(default=0, compare=False)


def read_posts(sheet: Sheet, units: Mapping[str, Unit], unit_names: Names) -> dict[str, Post]:
    """Posts by code."""
    sheet.check_unique("code")
    names = sheet.names("code", "岗位 post")
    posts = [post for row in sheet.rows if (post := _post(row, unit_names, names))]
    check_no_cycle(sheet, "code", "reports_to")
    for post in posts:
        _check_unit(post, units.get(post.unit), sheet)
    return {post.code: post for post in posts}


def _post(row: Row, units: Names, posts: Names) -> Post | None:
    code, kind, unit = row["code"].code(), row["kind"].word(PostKind, without=NOT_LOADED), row["unit"].known(units)
    reports_to = None if row["reports_to"].empty else row["reports_to"].known(posts)
    return Post(code, kind, unit, reports_to, row.line) if code and kind and unit else None


def _check_unit(post: Post, unit: Unit | None, sheet: Sheet) -> None:
    wanted = BELONGS.get(post.kind)
    if unit and wanted and unit.kind != wanted:
        what = f"unit: {post.kind.zh}在{unit.kind.zh}里 a {post.kind} in a {unit.kind}"
        sheet.findings.add(sheet.file, post.line, what, f"一个{wanted.zh}的编码 the code of a {wanted}")
