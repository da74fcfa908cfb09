"""`BIHUAN_HOME/signin.yaml`: through which other houses people may sign in here. It holds secrets: readable by its owner alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from models.refusal import Refusal
from web.signin import DingTalk, Directory, Feishu, Oidc, WeCom

FILE = "signin.yaml"
KINDS: dict[str, tuple[type[Oidc | WeCom | DingTalk | Feishu], str]] = {
    "oidc": (Oidc, "统一身份认证"), "wecom": (WeCom, "企业微信"), "dingtalk": (DingTalk, "钉钉"), "feishu": (Feishu, "飞书"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Provider:
    """One way in. `name` stands in addresses and in `identity`, `label` on the button. `usernames`: its subjects are our user names."""

    name: str
    label: str
    directory: Directory
    usernames: bool = False


def providers(home: Path) -> dict[str, Provider]:
    """The ways in by name; none where there is no file. Read again when the file has changed. Raises Refusal for a faulty one."""
    path = home / FILE
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    return _read(path, changed)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> dict[str, Provider]:
    if path.stat().st_mode & 0o077:
        raise _wrong(path, "别人也能读，请先 chmod 600", "others can read it: chmod 600 first")
    try:
        said = yaml.safe_load(path.read_text(encoding="utf8")) or []
    except (yaml.YAMLError, UnicodeDecodeError):
        raise _wrong(path, "不是能读懂的 YAML", "it isn't YAML") from None
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise _wrong(path, "应是一个列表，每项一种登录方式", "give a list with an entry for each way in")
    found = [_provider(path, each) for each in said]
    if len({each.name for each in found}) < len(found):
        raise _wrong(path, "有两项同名，请用 name 区分", "two entries have one name: tell them apart by `name`")
    return {each.name: each for each in found}


def _provider(path: Path, said: Mapping[str, Any]) -> Provider:
    kind = str(said.get("kind"))
    if kind not in KINDS:
        raise _wrong(path, f"kind 应为 {'、'.join(KINDS)} 之一", f"kind is one of {', '.join(KINDS)}")
    made, label = KINDS[kind]
    own = {name: str(value) for name, value in said.items() if name not in ("kind", "name", "label", "usernames")}
    known = {each.name for each in fields(made)}
    unknown = sorted(own.keys() - known)
    if unknown:
        raise _wrong(path, f"{kind} 没有“{unknown[0]}”这一项", f"{kind} has no {unknown[0]!r}")
    try:
        directory = made(**own)
    except TypeError:
        names = ", ".join(sorted(known))
        raise _wrong(path, f"{kind} 缺少必填项，应有 {names}", f"{kind} lacks one of {names}") from None
    return Provider(str(said.get("name") or kind), str(said.get("label") or label), directory, said.get("usernames") is True)


def _wrong(path: Path, zh: str, en: str) -> Refusal:
    return Refusal(f"{path.name} 不能用：{zh}。", f"{path.name} can't be used: {en}.")
