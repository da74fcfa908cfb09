"""The way to PostgreSQL: one engine a process, one transaction a decision, migrations as the owner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
# No disk of today pays four times as much for a page out of turn, and a page of ours asks for few rows: not worth a second process.
OPTIONS = "-c timezone=UTC -c lock_timeout=20s -c random_page_cost=1.1 -c max_parallel_workers_per_gather=0"


def as_json(value: Any) -> str:
    """JSON as our rows hold it: Chinese readable, times in RFC 3339."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


# How many rows a list of JSON may be said to hold, by `limit`: of one that isn't said the planner takes a hundred, and reads whole tables.
ONE, FEW, MANY = 1, 10, 1_000_000


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def engine(url: str, pool_size: int = 5) -> Engine:
    """An engine whose sessions speak UTC. `url` is a SQLAlchemy URL for psycopg 3."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=10,
        pool_pre_ping=True,
        json_serializer=as_json,
        connect_args={"options": OPTIONS, "application_name": "bihuan", "connect_timeout": 10},
    )


@contextmanager
def transaction(bound: Engine) -> Iterator[Session]:
    """One session, one transaction: committed at the end, rolled back whole on any error."""
    with Session(bound, expire_on_commit=False, autoflush=False) as session, session.begin():
        yield session


def alembic_config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    return config


def migrate(owner_url: str, revision: str = "head") -> None:
    """Brings the schema to `revision` as the owner; doing it again changes nothing."""
    command.upgrade(alembic_config(owner_url), revision)


def unmigrate(owner_url: str, revision: str = "base") -> None:
    """Takes the schema back to `revision`; data of dropped tables is gone."""
    command.downgrade(alembic_config(owner_url), revision)
