"""How Alembic reaches the database: as the owner, in one transaction, against the models' metadata."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

from models.tables import metadata, types_differ


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url")
    assert url, "the caller gives the owner's URL"
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, compare_type=types_differ)
        with context.begin_transaction():
            context.run_migrations()


run()
