"""The small township with a street of shops and a handful of duties: enough to find something every other day."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.town import write_town

SHOPS = 60
DUTIES = """\
duties:
  - {code: patrol, title: 巡护, owner: {kind: ranger}, every: day, evidence: [photo]}
  - {code: shift, title: 值守, owner: {kind: checkpoint_guard}, every: day, evidence: [document]}
  - {code: check, title: 自查, owner: {of_place: responsible}, each: {kinds: [small_shop]}, every: month, evidence: [photo]}
  - {code: talk, title: 宣传, owner: {kind: village_secretary}, every: week}
  - {code: report, title: 周报, owner: {post: office-head}, cron: "0 12 * * 5", evidence: [document]}
  - code: led
    title: 镇长带队
    owner: {post: mayor}
    every: week
    leader: true
    done_by_inspection: {trigger: leader_led}
"""


def write_street(folder: Path, channels: Callable[[str], str] = lambda person: f"json://127.0.0.1:9/{person}") -> Path:
    """Writes the township's folder; `channels` gives a person's column of Apprise URLs."""
    write_town(folder, channels)
    owners = ("owner", "owner-2", "owner-2")
    shops = "".join(f"s-{n:02d},小商店{n},small_shop,v{1 + n % 2},{owners[n % 3]},fire\n" for n in range(SHOPS))
    places = f"code,name,kind,village,responsible,team\n{shops}pit,一号矿,mine,v2,owner-3,police\n"
    (folder / "places.csv").write_text(places, encoding="utf8")
    (folder / "duties.yaml").write_text(DUTIES, encoding="utf8")
    said = (folder / "township.yaml").read_text(encoding="utf8")
    expected = f"{{small_shop: {SHOPS}, mine: 1}}"
    (folder / "township.yaml").write_text(said.replace("{small_shop: 2, mine: 1}", expected), encoding="utf8")
    return folder
