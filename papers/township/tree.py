"""A YAML file as branches that know their line. Values stay the text that was written: no YAML magic with `no`, `08:30` or dates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from papers.township.cell import Cell, shortened
from papers.township.fault import Findings
from papers.township.source import read_text


@dataclass(frozen=True, slots=True)
class Tree:
    """A value, a list or a mapping. A tree without node stands for what is absent or already complained about."""

    name: str
    file: str
    line: int
    findings: Findings
    node: yaml.Node | None = None

    @property
    def absent(self) -> bool:
        return self.node is None

    def fault(self, what: str, expected: str) -> None:
        self.findings.add(self.file, self.line, f"{shortened(self.name)}: {what}", expected)

    def cell(self) -> Cell:
        """The scalar; `~` and nothing are empty."""
        if self.node is not None and not isinstance(self.node, yaml.ScalarNode):
            self.fault("这里要一个值 a list or mapping stands here", "一个值 one value")
        if not isinstance(self.node, yaml.ScalarNode):
            return Cell("", self.name, self.file, self.line, self.findings, absent=True)
        text = "" if self.node.style is None and self.node.value in ("~", "null") else self.node.value.strip()
        return Cell(text, self.name, self.file, self.line, self.findings)

    def own_key(self) -> Cell:
        """The key this value stands under, where keys are themselves words."""
        return Cell(self.name, "key", self.file, self.line, self.findings)

    def items(self) -> list[Tree]:
        """The members of a list."""
        if isinstance(self.node, yaml.SequenceNode):
            return [self._under(self.name, member, member) for member in self.node.value]
        self._complain("列表 a list: - …")
        return []

    def mapping(self) -> dict[str, Tree]:
        """All keys and values, whatever the keys are; a key that stands twice is a fault."""
        if not isinstance(self.node, yaml.MappingNode):
            self._complain("键和值 keys and values: name: …")
            return {}
        found: dict[str, Tree] = {}
        for key, value in self.node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            branch = self._under(name, key, value)
            if not name or name in found:
                branch.fault("键重复或为空 key twice or empty", "每个键一次 each key once")
                continue
            found[name] = branch
        return found

    def keys(self, required: Collection[str], optional: Collection[str] = ()) -> Mapping[str, Tree]:
        """The named keys, absent ones as absent trees; unknown and missing ones are faults."""
        found = self.mapping()
        allowed = [*required, *optional]
        for name in [*found]:
            if name not in allowed:
                near = self.findings.near(name, allowed)
                found[name].fault(f"不认识的键 unknown key{near}", " ".join(allowed))
        for name in required:
            if isinstance(self.node, yaml.MappingNode) and name not in found:
                self.fault(f"缺少键 key missing: {name}", f"{name}: …")
        return {name: found.get(name, self._absent(name)) for name in allowed}

    def _complain(self, expected: str) -> None:
        if self.node is None:
            return
        empty = isinstance(self.node, yaml.ScalarNode) and self.node.value in ("", "~", "null")
        self.fault("空着 empty" if empty else "写法不对 wrong shape", expected)

    def _under(self, name: str, key: yaml.Node, value: yaml.Node) -> Tree:
        return Tree(name, self.file, key.start_mark.line + 1, self.findings, value)

    def _absent(self, name: str) -> Tree:
        return Tree(name, self.file, self.line, self.findings)


def read_tree(folder: Path, file: str, findings: Findings) -> Tree:
    """The file's top. Broken YAML is one fault at its line."""
    nothing = Tree(file, file, 1, findings)
    text = read_text(folder, file, findings)
    if text is None:
        return nothing
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        findings.add(file, mark.line + 1 if mark else 1, f"YAML 语法不对 broken YAML: {error.problem or error.context}", "正确的 YAML")
        return nothing
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        findings.add(file, line, "有不可见的控制字符 control characters in it", "可见文字 printable text")
        return nothing
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        findings.add(file, 1, "YAML 读不了 unreadable YAML", "正确的 YAML，缩进用空格 indented with spaces")
        return nothing
    if node is None:
        findings.add(file, 1, "文件空着 empty file", "按 docs/township.md 填写 see docs/township.md")
        return nothing
    return Tree(file, file, 1, findings, node)
