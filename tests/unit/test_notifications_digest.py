"""Daily lists as a township writes them, and as the voice reads them."""

from __future__ import annotations

from pathlib import Path

from notifications.manner import Digest, _digest
from papers.township import read
from papers.township.shape import rules
from tests.town import write_town

SAID = """
hourly_cap: 6
digest:
  days: working
  holds: [reminder, overdue]
  to: [station_head]
"""


def test_what_a_township_says_of_its_lists_is_what_the_voice_reads(tmp_path: Path) -> None:
    write_town(tmp_path)
    sla = tmp_path / "sla.yaml"
    sla.write_text(sla.read_text(encoding="utf8") + SAID, encoding="utf8")
    said = rules(read(tmp_path))
    assert said["hourly_cap"] == 6
    assert _digest(said["digest"]) == Digest("working", ("reminder", "overdue"), ("station_head",))


def test_a_township_that_says_nothing_writes_nothing(tmp_path: Path) -> None:
    said = rules(read(write_town(tmp_path)))
    assert not {"digest", "hourly_cap"} & said.keys()
