"""The database server that everything runs on: the embedded one, or the one that BIHUAN_DATABASE_URL names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from models.filelock import FileLock
from models.postmaster import SOCKET_PORT, ClusterError, Postmaster, Progress, program
from models.settings import Settings

__all__ = ["Cluster", "ClusterError", "Role", "cluster", "program"]

Role = Literal["app", "owner", "prefect"]

SUPERUSER = "postgres"
ROLES: dict[Role, str] = {"owner": "bihuan_owner", "app": "bihuan_app", "prefect": "bihuan_prefect"}
DATABASES: dict[str, Role] = {"bihuan": "owner", "prefect": "prefect"}
BY_BYTES = " template template0 encoding 'UTF8' locale_provider libc lc_collate 'C'"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
ASYNCPG_WORDS = {"sslmode": "ssl", "host": "host", "port": "port"}


class Cluster:
    """A server that can be reached, and who may do what on it.

    The role `owner` migrates, `app` does everything else (and can neither change nor delete a case's history), `prefect` owns
    Prefect's database alone. Names of databases: `bihuan` is ours, whatever the server calls it; any other name is taken as it is.
    """

    def dsn(self, database: str = "bihuan", role: Role = "app") -> str:
        """A URL for libpq: psycopg, pg_dump, psql."""
        raise NotImplementedError

    def url(self, database: str = "bihuan", role: Role = "app") -> str:
        """A URL for SQLAlchemy over psycopg."""
        return self.dsn(database, role).replace("postgresql://", "postgresql+psycopg://", 1)

    def asyncpg_url(self, database: str = "prefect", role: Role = "prefect") -> str:
        """A URL for SQLAlchemy over asyncpg, which is what Prefect's server speaks."""
        parts = urlsplit(self.dsn(database, role))
        words = [(ASYNCPG_WORDS[name], value) for name, value in parse_qsl(parts.query) if name in ASYNCPG_WORDS]
        return urlunsplit(("postgresql+asyncpg", parts.netloc, parts.path, urlencode(words), ""))

    def ensure(self, progress: Progress = lambda _: None) -> None:
        """Brings a server of ours back that has crashed."""

    def alive(self) -> bool:
        """Whether the server runs, as far as that can be told without asking it."""
        return True

    def make_prefect_database(self) -> None:
        """Sees to it that there is a database named `prefect`; the embedded server has had it from the beginning."""

    def create_database(self, name: str, template: str | None = None) -> None:
        """A new database that the owner owns, empty or a copy of `template` (which nobody may be connected to).

        An empty one sorts by bytes, whatever the server's own locale does: the same order, and the same history, on every machine.
        A copy is made file by file, which takes half the time of writing it into the log.
        """
        from psycopg import sql

        copied = sql.SQL(" template {} strategy file_copy").format(sql.Identifier(template)) if template else sql.SQL(BY_BYTES)
        owned = sql.SQL(" owner {}").format(sql.Identifier(self._role_name("owner")))
        self._command(sql.SQL("create database {}").format(sql.Identifier(_checked(name))) + owned + copied)
        if not template:
            self._grant_defaults(name)

    def drop_database(self, name: str) -> None:
        """Drops the database, if there is one, with everybody's connections to it."""
        from psycopg import sql

        self._command(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(_checked(name))))

    def name_of(self, database: str = "bihuan") -> str:
        """What the server itself calls it."""
        return urlsplit(self.dsn(database)).path.strip("/")

    def may_create(self) -> bool:
        """Whether we may make, rename and drop databases there."""
        return bool(self._command("select rolcreatedb or rolsuper from pg_roles where rolname = current_user")[0][0])

    def rename_databases(self, names: Mapping[str, str]) -> None:
        """Gives databases (by the server's own names) other names, one after the other: all of them or none. Raises ClusterError while
        somebody is connected to one."""
        import psycopg
        from psycopg import sql

        try:
            with psycopg.connect(self._admin_dsn("postgres"), connect_timeout=10) as connection:
                for old, new in names.items():
                    connection.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(old), sql.Identifier(new)))
        except psycopg.errors.ObjectInUse as error:
            raise ClusterError(
                "还有程序连着数据库，不能替换：请先停掉所有机器上的闭环，再重试。",
                "Somebody is still connected to the database: stop Bihuan on every machine, then try again.",
            ) from error

    def databases(self) -> list[str]:
        """The names of all databases but PostgreSQL's own templates."""
        return [name for (name,) in self._command("select datname from pg_database where not datistemplate order by datname")]

    def _grant_defaults(self, database: str) -> None:
        """What the owner makes from now on, the app may read and write; a migration takes back what it may not."""
        from psycopg import sql

        whose = {"owner": sql.Identifier(self._role_name("owner")), "app": sql.Identifier(self._role_name("app"))}
        for rights in ("select, insert, update, delete on tables", "usage, select on sequences", "execute on functions"):
            line = "alter default privileges for role {owner} grant " + rights + " to {app}"
            self._command(sql.SQL(line).format(**whose), database)

    def _role_name(self, role: Role) -> str:
        return ROLES[role]

    def _command(self, command: Any, database: str | None = None) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self._admin_dsn(database), autocommit=True, connect_timeout=10) as connection:
            done = connection.execute(command)
            return done.fetchall() if done.description else []

    def _admin_dsn(self, database: str | None) -> str:
        raise NotImplementedError


class EmbeddedCluster(Cluster):
    """The server in BIHUAN_HOME, reached over its socket with a password a role."""

    def __init__(self, postmaster: Postmaster) -> None:
        self.postmaster = postmaster
        self._passwords: dict[str, str] = {}

    def dsn(self, database: str = "bihuan", role: Role = "app") -> str:
        return self._dsn(database, ROLES[role])

    def ensure(self, progress: Progress = lambda _: None) -> None:
        self.postmaster.ensure((SUPERUSER, *ROLES.values()), progress)

    def alive(self) -> bool:
        return self.postmaster.alive()

    def join(self, progress: Progress) -> None:
        self.postmaster.join((SUPERUSER, *ROLES.values()), progress)

    def furnish(self) -> None:
        """Makes roles and databases, once; a start that was cut off is taken up where it stopped."""
        with FileLock(self.postmaster.folder / "furnish"):
            if not (self.postmaster.folder / "furnished").exists():
                self._furnish()

    def _furnish(self) -> None:
        from psycopg import sql

        with_password = sql.SQL("create role {} login password {}")
        roles = {name for (name,) in self._command("select rolname from pg_roles")}
        for name in set(ROLES.values()) - roles:
            self._command(with_password.format(sql.Identifier(name), sql.Literal(self.postmaster.passwords[name])))
        for name in set(DATABASES) - set(self.databases()):
            self._command(sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(ROLES[DATABASES[name]])))
        self._command("revoke connect on database prefect from public")
        self._grant_defaults("bihuan")
        (self.postmaster.folder / "furnished").touch()

    def _dsn(self, database: str, name: str) -> str:
        self._passwords = self._passwords or self.postmaster.passwords
        folder = quote(str(self.postmaster.socket_folder), safe="")
        return f"postgresql://{name}:{self._passwords[name]}@/{database}?host={folder}&port={SOCKET_PORT}"

    def _admin_dsn(self, database: str | None) -> str:
        return self._dsn(database or SUPERUSER, SUPERUSER)


class OwnCluster(Cluster):
    """A server that somebody else keeps; its URLs say who we are there."""

    def __init__(self, url: str, owner_url: str) -> None:
        self._urls = {
            role: named.replace("postgresql+psycopg://", "postgresql://", 1) for role, named in (("app", url), ("owner", owner_url))
        }

    def dsn(self, database: str = "bihuan", role: Role = "app") -> str:
        parts = urlsplit(self._urls["app" if role == "app" else "owner"])
        return urlunsplit(parts if database == "bihuan" else parts._replace(path=f"/{database}"))

    def reach(self) -> None:
        """Says in one sentence what is wrong if the server can't be reached."""
        import psycopg

        for role in self._urls:
            try:
                psycopg.connect(self._urls[role], connect_timeout=5).close()
            except psycopg.OperationalError as error:
                raise _unreachable(self._urls[role], error) from error

    def make_prefect_database(self) -> None:
        """Prefect keeps its own database on the same server; its owner is ours."""
        import psycopg

        if "prefect" in self.databases():
            return
        try:
            self.create_database("prefect")
        except psycopg.errors.InsufficientPrivilege as error:
            raise ClusterError(
                "数据库用户无权新建名为 prefect 的数据库，请管理员先建好它，并归 BIHUAN_DATABASE_OWNER_URL 的用户所有。",
                "The database's user may not create the database prefect: have it made, owned by the user of BIHUAN_DATABASE_OWNER_URL.",
            ) from error

    def _role_name(self, role: Role) -> str:
        return urlsplit(self._urls["app" if role == "app" else "owner"]).username or SUPERUSER

    def _admin_dsn(self, database: str | None) -> str:
        return self.dsn(database or "bihuan", "owner")


@contextmanager
def cluster(settings: Settings, *, durable: bool = True, progress: Progress = lambda _: None) -> Iterator[Cluster]:
    """The database server, running for as long as the block does.

    Without BIHUAN_DATABASE_URL: joins the embedded server in `settings.home` or starts it; the last one out stops it, also when that
    one is killed. `durable=False` is for tests: a crash of the machine may then lose data. `progress` is called with a Chinese
    sentence many times a second while it starts. Raises ClusterError with what to do.
    """
    if settings.database_url:
        own = OwnCluster(settings.database_url, settings.database_owner_url or settings.database_url)
        own.reach()
        yield own
        return
    postmaster = Postmaster(settings.home / "postgres", settings.home / "logs" / "postgres.log", durable=durable)
    embedded = EmbeddedCluster(postmaster)
    embedded.join(progress)
    try:
        embedded.furnish()
        yield embedded
    finally:
        postmaster.leave()


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a database: lower-case letters, digits and _ only")
    return name


def _unreachable(url: str, error: Exception) -> ClusterError:
    parts = urlsplit(url)
    where = f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
    why = str(error).strip().splitlines()[-1]
    return ClusterError(
        f"连不上数据库 {where}：请确认它已启动，并检查 BIHUAN_DATABASE_URL。",
        f"The database {where} can't be reached: start it, or correct BIHUAN_DATABASE_URL ({why}).",
    )
