"""What a machine's owner may choose, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from models.refusal import Refusal

SHORTEST_KEY = 32
NAMES = (
    "BIHUAN_HOME", "BIHUAN_PORT", "BIHUAN_PREFECT_PORT", "BIHUAN_DATABASE_URL", "BIHUAN_DATABASE_OWNER_URL", "BIHUAN_DEMO_PASSWORD",
    "BIHUAN_PUBLIC_URL", "BIHUAN_DEADMAN_URL", "BIHUAN_KEY", "BIHUAN_OWNER_PORT", "BIHUAN_OWNER_URL",
)  # fmt: skip
POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


class SettingsError(Refusal):
    """A variable of the environment holds what we can't use."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. `database_url` and `database_owner_url` are SQLAlchemy URLs for psycopg, or None for the embedded cluster.

    `deadman_url` is called after every self-audit that found nothing; who watches over it raises the alarm when it falls silent.
    `key` is the house's secret where it isn't kept in `home` (models/keys.py). `owner_port` is that of the owners' page when it is served
    alone, `owner_url` where owners' links lead (docs/owner.md).
    """

    home: Path
    port: int
    prefect_port: int
    database_url: str | None
    database_owner_url: str | None
    demo_password: str | None
    public_url: str
    deadman_url: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    owner_port: int | None = None
    owner_url: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings that `environment` (default: the process's own) asks for. Raises SettingsError, which names the variable."""
        source = os.environ if environment is None else environment
        given = {name: source[name].strip() for name in NAMES if name in source}
        port = _port(given, "BIHUAN_PORT", 8080)
        prefect_port = _port(given, "BIHUAN_PREFECT_PORT", 4200)
        if port == prefect_port:
            raise _wrong("BIHUAN_PREFECT_PORT", str(port), "不能与 BIHUAN_PORT 相同", "it must differ from BIHUAN_PORT")
        database_url = _database(given, "BIHUAN_DATABASE_URL")
        owner_url = _database(given, "BIHUAN_DATABASE_OWNER_URL")
        if owner_url and not database_url:
            raise _wrong(
                "BIHUAN_DATABASE_URL", "", "设了 BIHUAN_DATABASE_OWNER_URL 就要一并设置", "set it too, beside BIHUAN_DATABASE_OWNER_URL"
            )
        return cls(
            home=Path(given.get("BIHUAN_HOME") or ".bihuan").expanduser().absolute(),
            port=port,
            prefect_port=prefect_port,
            database_url=database_url,
            database_owner_url=owner_url or database_url,
            demo_password=given.get("BIHUAN_DEMO_PASSWORD") or None,
            public_url=_public_url(given, port),
            deadman_url=_deadman_url(given),
            key=_key(given),
            owner_port=_port(given, "BIHUAN_OWNER_PORT", 0) if given.get("BIHUAN_OWNER_PORT") else None,
            owner_url=_url(given, "BIHUAN_OWNER_URL", _public_url(given, port)),
        )


def _wrong(name: str, value: str, expected: str, expected_en: str) -> SettingsError:
    return SettingsError(f"环境变量 {name}={value} 不能用：{expected}。", f"{name}={value} can't be used: {expected_en}.")


def _port(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise _wrong(name, text, "应为 1 到 65535 的整数", "give a whole number from 1 to 65535")
    return int(text)


def _database(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name)
    if not text:
        return None
    scheme, _, rest = text.partition("://")
    if scheme not in POSTGRES_SCHEMES or not urlsplit(f"postgresql://{rest}").path.strip("/"):
        shown = "postgresql://user:password@host:5432/bihuan"
        raise _wrong(name, f"{scheme}://…", f"应形如 {shown}", f"write it like {shown}")
    return f"postgresql+psycopg://{rest}"


def _public_url(given: Mapping[str, str], port: int) -> str:
    return _url(given, "BIHUAN_PUBLIC_URL", f"http://localhost:{port}")


def _url(given: Mapping[str, str], name: str, default: str) -> str:
    text = (given.get(name) or default).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(name, text, "应为 http:// 或 https:// 开头的网址", "give an address that starts with http:// or https://")
    return text


def _deadman_url(given: Mapping[str, str]) -> str | None:
    """A secret, as whoever knows it can keep the alarm silent: what is wrong with it is said without showing it."""
    text = given.get("BIHUAN_DEADMAN_URL")
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong("BIHUAN_DEADMAN_URL", "…", "应为 http:// 或 https:// 开头的网址", "give an address that starts with http:// or https://")
    return text


def _key(given: Mapping[str, str]) -> str | None:
    text = given.get("BIHUAN_KEY") or None
    if text and len(text) < SHORTEST_KEY:
        raise _wrong("BIHUAN_KEY", "…", f"至少 {SHORTEST_KEY} 个字符", f"give at least {SHORTEST_KEY} characters")
    return text
