"""The schema goes up and down, says the same as the models, and lets the app do no more than it should."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from models.database import migrate, unmigrate
from models.tables import metadata, types_differ
from tests.conftest import Database
from tests.stage import Stage


def test_up_down_and_up_again_leaves_the_models_schema(database: Database) -> None:
    unmigrate(database.owner_url)
    bound = create_engine(database.owner_url)
    assert inspect(bound).get_table_names() == ["alembic_version"]
    migrate(database.owner_url)
    with bound.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": types_differ}), metadata) == []
    bound.dispose()


def test_every_check_of_the_models_is_in_the_database(database: Database) -> None:
    """Autogenerate doesn't compare checks, so they are compared by name."""
    inspector = inspect(database.engine)
    for table in metadata.sorted_tables:
        wanted = {c.name for c in table.constraints if c.name and "check" in type(c).__name__.lower()}
        assert {check["name"] for check in inspector.get_check_constraints(table.name)} >= wanted, table.name


def test_migrating_twice_changes_nothing(database: Database) -> None:
    migrate(database.owner_url)
    with database.engine.connect() as connection:
        assert connection.execute(text("select count(*) from alembic_version")).scalar_one() == 1


@pytest.mark.parametrize("change", ["update event set post = 'x'", "delete from event", "truncate event", "drop table event"])
def test_the_app_cannot_touch_history(stage: Stage, change: str) -> None:
    stage.find()
    with pytest.raises(DBAPIError, match="permission denied|must be owner"):
        stage.do(change)


def test_no_column_takes_its_time_from_the_database(database: Database) -> None:
    """Business time comes from the one clock: no default asks the server what time it is."""
    columns = [(table, column) for table in metadata.tables for column in inspect(database.engine).get_columns(table)]
    assert [(table, c["name"]) for table, c in columns if c["default"] and "nextval" not in c["default"]] == []
