"""A short storm (`make storm` is the long one): killed at every kind of point while far ends fail, nobody is forgotten or told twice."""

from __future__ import annotations

from pathlib import Path

from models.cluster import Cluster
from tests.storm import storm, street


def test_twenty_kills_later_nothing_is_lost_and_nothing_said_twice(cluster: Cluster, template: str, tmp_path: Path) -> None:
    with street(cluster, f"storm_{tmp_path.name.lower()[-30:].replace('-', '_')}", tmp_path / "street", template) as bound:
        raged = storm(bound, seed=4, kills=20)
    assert (raged.problems, raged.broke) == ({}, [])
    assert raged.ends["sent"] and raged.ends["unknown"] and raged.events["escalate"] and raged.events["assign"]
    assert {each.partition(", ")[0] for each in raged.kills} >= {"deliver", "step"}
