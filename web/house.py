"""What every request needs: the settings, the database, the clock; and whether the house is open yet."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import Request
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from models.clock import Clock, RowClock
from models.database import MIGRATIONS, transaction
from models.database import engine as open_engine
from models.refusal import Refusal
from models.settings import Settings

POOL = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the supervisor has come with its start; no file means that nobody is starting anything."""

    step: str = ""
    done: int = 0
    total: int = 0
    ready: bool = True


class NotReady(Exception):
    """Bihuan is still starting; `progress` says how far it has come."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress.step)
        self.progress = progress


@dataclass(slots=True)
class House:
    """One web process's way to everything. The database is opened at the first question after the start has ended."""

    settings: Settings
    connect: Callable[[], str]
    clock_of: Callable[[Engine], Clock] = RowClock
    _engine: Engine | None = None
    _clock: Clock | None = None
    _opening: threading.Lock = field(default_factory=threading.Lock)

    @property
    def engine(self) -> Engine:
        """Raises NotReady while the supervisor is still starting."""
        if self._engine is None:
            with self._opening:
                self._open()
        assert self._engine is not None
        return self._engine

    @property
    def clock(self) -> Clock:
        self.engine  # noqa: B018 - opens both
        assert self._clock is not None
        return self._clock

    @property
    def evidence(self) -> Path:
        """The folder that photos are kept in."""
        return self.settings.home / "evidence"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with transaction(self.engine) as session:
            yield session

    def progress(self) -> Progress:
        """What the supervisor last wrote; an unreadable file is a start that has only just begun."""
        try:
            said = json.loads((self.settings.home / "progress.json").read_text(encoding="utf8"))
        except FileNotFoundError:
            return Progress()
        except (OSError, ValueError):
            return Progress("正在启动", ready=False)
        return _progress(said)

    def reachable(self) -> bool:
        """Whether the database answers and has every migration."""
        try:
            with self.engine.connect() as connection:
                return bool(connection.execute(text("select version_num from alembic_version")).scalar_one() == newest_revision())
        except (SQLAlchemyError, NotReady, Refusal):
            return False

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    def _open(self) -> None:
        if self._engine is not None:
            return
        progress = self.progress()
        if not progress.ready:
            raise NotReady(progress)
        opened = open_engine(self.connect(), POOL)
        self._clock = self.clock_of(opened)
        self._engine = opened


def _progress(said: Any) -> Progress:
    if not isinstance(said, dict):
        return Progress("正在启动", ready=False)
    return Progress(str(said.get("step", "")), int(said.get("done") or 0), int(said.get("total") or 0), said.get("ready") is True)


def newest_revision() -> str:
    """The revision of the newest migration: they are numbered."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def house_of(request: Request) -> House:
    """The house that this request came to."""
    house: House = request.app.state.house
    return house
