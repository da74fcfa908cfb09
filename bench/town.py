"""A township of any size for measuring: real rows, filled set-wise, in a durable cluster of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from models.clock import parse_time
from models.cluster import Cluster, cluster
from models.database import engine, migrate, transaction
from models.settings import Settings
from papers.township import load, read
from tests.town import write_town

MORNING = parse_time("2023-02-20T10:00+08:00")

FILL = """
with made as (
    insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, place_id, village_id, team_id,
        responsible_post_id, campaign_id, opened_at, due_at)
    select place.township_id, 'hazard', 'YH-2023-' || :prefix || n, 'rectifying', 3, 1, 0, '', 'general', 0, place.id, village_id, team_id,
        responsible_post_id, null, :opened, :due
    from generate_series(1, :count) n join place on place.code = 'shop' returning id
),
described as (
    insert into hazard (case_id, sla_class, field, threat, nature, source, description, location, legal_basis, found_at, found_person,
        found_post, assigned_at, due_at, original_due_at, campaign_capped, beyond_campaign, due_estimated, on_spot, reinspected_by,
        interim_control, interim_kept, needs_gov_coordination, listing, recurrence_count, extension_count, returned_count, failed_count)
    select id, 'g3', 'fire_nine', 'fire', 'thing', 'inspection', '灭火器压力不足', '门口', '{}', :opened, 'p-inspector', 'inspector',
        :opened, :due, :due, false, false, false, false, '[]', 'none', false, false, 'none', 0, 0, 0, 0
    from made
)
insert into timer (case_id, clock, ladder_id, run, started_at, due_at, rung_at, fired, repeat, next_at)
select made.id, 'rectify', ladder.id, 1, :opened, :due, array(
    select :due + make_interval(hours => offset_hours::int) from rung where ladder_id = ladder.id order by position
), 0, 0, :due - interval '72 hours'
from made, ladder where ladder.clock = 'rectify' and ladder.grade = 'general'
"""


@dataclass(frozen=True)
class Bench:
    """A cluster to measure in."""

    cluster: Cluster

    @contextmanager
    def town(self, name: str) -> Iterator[Engine]:
        """A fresh database with the small township in it."""
        self.cluster.drop_database(name)
        self.cluster.create_database(name)
        migrate(self.cluster.url(name, "owner"))
        bound = engine(self.cluster.url(name))
        with tempfile.TemporaryDirectory() as folder, transaction(bound) as session:
            load(session, read(write_town(Path(folder) / "town")), MORNING, salt="bench")
        try:
            yield bound
        finally:
            bound.dispose()
            self.cluster.drop_database(name)

    def settle(self, name: str, *more: str) -> None:
        """Statistics and visibility as a running database has them, and what was just filled in on disk."""
        owner = engine(self.cluster.url(name, "owner"))
        with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"vacuum (analyze) {', '.join(('cases', 'hazard', 'timer', 'notice', 'event', 'feed', *more))}"))
        owner.dispose()


@contextmanager
def bench() -> Iterator[Bench]:
    """A durable cluster in a folder of its own, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="bihuan-bench-") as home:
        Path(home).chmod(0o711)
        with cluster(Settings.read({"BIHUAN_HOME": home})) as running:
            yield Bench(running)


def fill(bound: Engine, prefix: str, count: int, due: datetime) -> None:
    """Adds `count` open hazards whose rectification is due at `due`."""
    with bound.begin() as connection:
        asked = {"prefix": prefix, "count": count, "opened": due - timedelta(days=4), "due": due}
        connection.execute(text(FILL), asked)
