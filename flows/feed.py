"""Each case's events, shown in Prefect under the case's own name. Decoration: the record is our own table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from prefect.client.orchestration import SyncPrefectClient, get_client
from sqlalchemy import Engine, Row, text

from flows.links import resource_of
from models.clock import local, machine_time
from models.database import transaction
from models.enumerations import STATES, CaseKind

BATCH = 200
FLOOD = 1000
OF_OLD = timedelta(days=1)

# A flood comes from a replay, or from days without Prefect: of each open case its last event tells enough.
THIN = text("""
delete from feed where event_id in (
    select feed.event_id from feed join event on event.id = feed.event_id join cases c on c.id = event.case_id
    where (c.ended_at is not null or event.seq < c.events) for update of feed skip locked
) and :flood < (select count(*) from (select from feed limit :flood + 1) waiting)
""")

TAKE = text("""
with taken as (select event_id from feed order by event_id limit :batch for update skip locked)
select event.*, c.kind, c.code, c.grade, coalesce(place.name, run.title, township.name) as place, coalesce(place.code, '') as place_code,
    township.code as township, coalesce(village.name, township.name) as village
from taken join event on event.id = taken.event_id
join cases c on c.id = event.case_id left join place on place.id = c.place_id left join duty_run run on run.case_id = c.id
join township on township.id = c.township_id left join unit village on village.id = c.village_id
order by event.id
""")
DROP = text("delete from feed where event_id = any(:ids)")


def show_events(bound: Engine) -> int:
    """Sends what waits in `feed` to Prefect and deletes it; returns how many were shown. Two at once split the rows.

    Raises what the client raises when Prefect's server can't be reached; the rows then wait for the next time. Killed between
    sending and deleting, the next one sends again: the events' ids follow from what they say, so that Prefect keeps them once.
    """
    with transaction(bound) as session:
        session.execute(THIN, {"flood": FLOOD})
    shown, wall = 0, machine_time()
    with get_client(sync_client=True) as client:
        while sent := _send_batch(bound, client, wall):
            shown += sent
    return shown


def _send_batch(bound: Engine, client: SyncPrefectClient, wall: datetime) -> int:
    with transaction(bound) as session:
        rows = session.execute(TAKE, {"batch": BATCH}).all()
        if rows:
            _post(client, [event_of(row, wall) for row in rows])
            session.execute(DROP, {"ids": [row.id for row in rows]})
    return len(rows)


def _post(client: SyncPrefectClient, events: Sequence[dict[str, Any]]) -> None:
    client.request("POST", "/events", json=list(events)).raise_for_status()


def event_of(row: Row[Any], wall: datetime) -> dict[str, Any]:
    """A row of history as Prefect's event. It occurred when it was recorded ; what was written of old, by a replay, occurs as it is shown.

    `wall` is this machine's own time, whatever a replay's clock says: Prefect's pages show the last days alone.
    """
    occurred = row.recorded_at if wall - row.recorded_at < OF_OLD else wall + timedelta(microseconds=row.seq)
    return {
        "id": str(uuid5(NAMESPACE_URL, f"bihuan:{row.township}/{row.code}#{row.seq}/{row.hash}")),
        "occurred": occurred.astimezone(UTC).isoformat(),
        "event": f"bihuan.{row.kind}.{row.trigger}",
        "resource": {
            "prefect.resource.id": resource_of(row.code),
            "prefect.resource.name": f"{row.code} {row.place}",
            "bihuan.township": row.township,
            "bihuan.village": row.village,
            "bihuan.place": row.place_code,
            "bihuan.state": row.to_state,
        },
        "related": _related(row),
        "payload": {
            "business_time": local(row.at).isoformat(),
            "from": row.from_state,
            "to": row.to_state,
            "to_zh": STATES[CaseKind(row.kind)](row.to_state).zh,
            "post": row.post,
            "seq": row.seq,
            "hash": row.hash,
        },
    }


def _related(row: Row[Any]) -> list[dict[str, str]]:
    if not row.flow_run:
        return []
    return [{"prefect.resource.id": f"prefect.flow-run.{row.flow_run}", "prefect.resource.role": "flow-run"}]
