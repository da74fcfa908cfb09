"""What every test may ask for: a PostgreSQL of the test run's own, a fresh database in it, a browser if there is one."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models.cluster import Cluster
from models.cluster import cluster as running_cluster
from models.filelock import FileLock
from models.postmaster import remove
from models.settings import Settings

HOME = "BIHUAN_TEST_HOME"
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)
MEMORY, PLENTY = Path("/dev/shm"), 8 * 1024**3
BROWSER_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def pytest_configure(config: pytest.Config) -> None:
    if BROWSER is None and os.environ.get("BIHUAN_REQUIRE_BROWSER") == "1":
        raise pytest.UsageError(f"BIHUAN_REQUIRE_BROWSER=1, but none of {', '.join(BROWSERS)} is on this machine")
    os.environ.setdefault("BIHUAN_KEY", "a key for tests, and nothing but tests")
    if HOME not in os.environ:
        os.environ[HOME] = tempfile.mkdtemp(prefix="bihuan-test-", dir=_fast())
        config.add_cleanup(_remove_home)
    os.environ["PREFECT_HOME"] = str(Path(os.environ[HOME]) / "prefect")


def _fast() -> str | None:
    """Where thousands of databases are made and dropped the quickest: in memory, where there is plenty of it."""
    try:
        return str(MEMORY) if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > PLENTY else None
    except OSError:
        return None


def _remove_home() -> None:
    """The run's own folder, and where its database went if that couldn't live in it."""
    home = Path(os.environ.pop(HOME))
    remove(home / "postgres")
    shutil.rmtree(home, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if BROWSER:
        return
    left_out = [item for item in items if item.get_closest_marker("browser") or "browser" in item.path.relative_to(config.rootpath).parts]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if BROWSER is None:
        terminalreporter.write_line("浏览器测试未运行：本机没有 Chromium。 Browser tests left out: no Chromium on this machine.")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Playwright drives the machine's own Chromium; it never downloads one."""
    return {**browser_type_launch_args, "executable_path": BROWSER, "args": BROWSER_ARGUMENTS}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The PostgreSQL of this test run, shared by its workers; careless about crashes of the machine, and so faster."""
    home = Path(os.environ[HOME])
    if os.geteuid() == 0:
        home.chmod(0o711)
    with running_cluster(Settings.read({"BIHUAN_HOME": str(home)}), durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """The name of a database with all migrations and no rows; made once a run, copied for each test."""
    from models.database import migrate

    done = Path(os.environ[HOME]) / "template"
    with FileLock(done.with_suffix(".lock")):
        if not done.exists():
            cluster.drop_database("template_migrated")
            cluster.create_database("template_migrated")
            migrate(cluster.url("template_migrated", "owner"))
            done.touch()
    return "template_migrated"


@dataclass(frozen=True)
class Database:
    """A database of the test's own. `url` and `engine` are the app's, `owner_url` the owner's; `dsn` is `url` for psycopg."""

    name: str
    url: str
    owner_url: str
    dsn: str
    engine: Engine


@pytest.fixture
def database(cluster: Cluster, template: str) -> Iterator[Database]:
    """A fresh database with the schema and no rows; gone after the test."""
    from models.database import engine

    name = f"test_{uuid.uuid4().hex[:12]}"
    cluster.create_database(name, template)
    made = Database(name, cluster.url(name), cluster.url(name, "owner"), cluster.dsn(name), engine(cluster.url(name)))
    yield made
    made.engine.dispose()
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def town_template(cluster: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database in which the small township of tests/town.py is loaded; made once a run."""
    from models.clock import parse_time
    from models.database import engine, transaction
    from papers.township import read
    from papers.township.registry import load
    from tests.stage import MORNING
    from tests.town import write_town

    done = Path(os.environ[HOME]) / "town"
    with FileLock(done.with_suffix(".lock")):
        if not done.exists():
            cluster.drop_database("template_town")
            cluster.create_database("template_town", template)
            bound = engine(cluster.url("template_town"))
            with transaction(bound) as session:
                load(session, read(write_town(tmp_path_factory.mktemp("town"))), parse_time(MORNING), salt="test")
            bound.dispose()
            done.touch()
    return "template_town"


@pytest.fixture
def stage(cluster: Cluster, town_template: str) -> Iterator[Any]:
    """The small township in a database of its own, with a clock that stands at a Monday morning. See tests/stage.py."""
    from models.database import engine
    from tests.stage import stage

    name = f"test_{uuid.uuid4().hex[:12]}"
    cluster.create_database(name, town_template)
    bound = engine(cluster.url(name))
    made = stage(bound, 0)
    made.township_id = made.one("select id from township").id
    yield made
    bound.dispose()
    cluster.drop_database(name)
