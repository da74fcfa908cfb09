"""The real pages and API on a real socket, over a stage: for the tests of the API and of the browser."""

from __future__ import annotations

import io
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from PIL import Image, ImageDraw
from sqlalchemy import text

from models.database import transaction
from models.settings import Settings
from tests.stage import Stage
from tests.town import person_of
from web import accounts
from web.app import create_app
from web.house import House

PASSWORD = "一二三四 five"
_numbers = itertools.count(1)


@lru_cache(maxsize=1)
def password_hash() -> str:
    return accounts.hashed(PASSWORD)


@dataclass
class Site:
    """A running web process. `home` is its BIHUAN_HOME."""

    base: str
    stage: Stage
    home: Path
    clients: list[httpx.Client] = field(default_factory=list)

    def token(self, post: str) -> str:
        """A login of the person who holds a post of the cast."""
        with transaction(self.stage.engine) as session:
            person = session.execute(text("select id from person where key = :key"), {"key": person_of(post)}).scalar_one()
            return accounts.open_login(session, person, self.stage.clock.wall())

    def client(self, **how: Any) -> httpx.Client:
        made = httpx.Client(base_url=self.base, timeout=30, trust_env=False, **how)
        self.clients.append(made)
        return made

    def api(self, post: str) -> httpx.Client:
        """A program that acts for the holder of a post."""
        return self.client(headers={"Authorization": f"Bearer {self.token(post)}"})

    def browser(self, post: str) -> httpx.Client:
        """A browser without JavaScript, signed in."""
        return self.client(cookies={"bihuan": self.token(post)}, headers={"Origin": self.base}, follow_redirects=True)

    def set_passwords(self) -> None:
        self.stage.do("update person set password_hash = :hash", hash=password_hash())


@contextmanager
def serve(stage: Stage, home: Path, **settings: str) -> Iterator[Site]:
    """The site over this stage on a free port; its clock is the stage's."""
    said = {"BIHUAN_HOME": str(home), "BIHUAN_KEY": os.environ["BIHUAN_KEY"], **settings}
    url = stage.engine.url.render_as_string(hide_password=False)
    house = House(Settings.read(said), lambda: url, lambda engine: stage.clock)
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # said, or asyncio leaves Nagle's algorithm on: 40 ms a request
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(house), log_level="error", lifespan="off", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    site = Site(f"http://127.0.0.1:{listening.getsockname()[1]}", stage, home)
    yield site
    for client in site.clients:
        client.close()
    server.should_exit = True
    thread.join()
    house.close()


def photo(kind: str = "JPEG", size: tuple[int, int] = (320, 240), exif: Image.Exif | None = None) -> bytes:
    """A new picture, unlike any other."""
    number = next(_numbers)
    image = Image.new("RGB", size, (40 * number % 255, 90, 7 * number % 255))
    ImageDraw.Draw(image).text((10, 10), f"photo {number}", fill="white")
    out = io.BytesIO()
    image.save(out, kind, **({} if exif is None else {"exif": exif}))
    return out.getvalue()
