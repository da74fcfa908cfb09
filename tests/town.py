"""A township of a handful of posts, for tests: two villages, two teams, one line of responsibility up to the district.

The folder is written with the example's own ladders and limits, read by the real reader and loaded by the real loader.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "townships" / "xizhang"

TOWNSHIP = """\
code: town
name: 试点镇
time_zone: Asia/Shanghai
campaign:
  code: YH-2023
  title: 隐患大排查大整治
  start: 2023-02-14T00:00:00+08:00
  deadline: 2023-03-31T23:59:59+08:00
  targets: {major: 100, general: 95}
  reminders:
    - {days_left: 7, at: ["08:30"], to: [deputy_in_charge, township_head], about: 红色清单}
    - {days_left: 1, at: ["08:30"], to: [party_secretary], about: 未销号清单}
    - {days_left: -1, at: ["08:30"], to: [party_secretary, district_office], about: 逾期未销号清单, daily: true}
expected: {small_shop: 2, mine: 1}
default_team: fire
"""

UNITS = """\
code,kind,name,parent
county,district,试点区,
town,township,试点镇,county
v1,village,东村,town
v2,village,西村,town
office,team,应急办,town
fire,team,消防服务中心,town
police,team,派出所,town
"""

# code, kind, unit, reports to, and the one person who holds it
CAST = """\
district,district_office,county,
department,district_department,county,district
secretary,party_secretary,town,district
mayor,township_head,town,secretary
deputy,deputy_in_charge,town,mayor
office-head,office_head,office,deputy
dispatcher,office_dispatcher,office,office-head
head-fire,station_head,fire,deputy
head-police,station_head,police,deputy
inspector,inspector,fire,head-fire
inspector-2,inspector,fire,head-fire
village-1,village_secretary,v1,head-fire
village-2,village_secretary,v2,head-fire
grid-1,grid_member,v1,village-1
grid-2,grid_member,v2,village-2
ranger,ranger,town,office-head
guard,checkpoint_guard,town,office-head
discipline,discipline_viewer,town,secretary
safety,enterprise_safety,v1,owner
owner,enterprise_principal,v1,grid-1
owner-2,enterprise_principal,v1,grid-1
owner-3,enterprise_principal,v2,grid-2
"""

PLACES = """\
code,name,kind,village,responsible,team
shop,小商店一,small_shop,v1,owner,fire
shop-2,小商店二,small_shop,v1,owner-2,fire
pit,一号矿,mine,v2,owner-3,fire
"""


def posts() -> list[str]:
    return [line.split(",")[0] for line in CAST.splitlines()]


def person_of(post: str) -> str:
    """The key of the person who holds a post of the cast."""
    return f"p-{post}"


def write_town(folder: Path, channels: Callable[[str], str] = lambda person: f"json://127.0.0.1:9/{person}") -> Path:
    """Writes the township's folder; `channels` gives a person's column of Apprise URLs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("ladders.yaml", "sla.yaml", "calendar.csv"):
        shutil.copy(EXAMPLE / name, folder / name)
    shutil.copytree(EXAMPLE / "checklists", folder / "checklists", dirs_exist_ok=True)
    people = "".join(f"{person_of(post)},{post}的人,{post},{channels(person_of(post))}\n" for post in posts())
    holdings = "".join(f"{person_of(post)},{post},2022-01-01,,\n" for post in posts())
    texts = {
        "township.yaml": TOWNSHIP, "units.csv": UNITS, "posts.csv": "code,kind,unit,reports_to\n" + CAST, "places.csv": PLACES,
        "people.csv": "key,label,username,channels\n" + people, "holdings.csv": "person,post,from,to,deputy_of\n" + holdings,
    }  # fmt: skip
    for name, body in texts.items():
        (folder / name).write_text(body, encoding="utf8")
    return folder
