"""What is wrong with a township's folder, said so that whoever keeps the file can mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from models.refusal import Refusal

UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
BREAKS = re.compile("[\n\r\u2028\u2029]")
SUGGESTED_AMONG = 4000  # beyond this many names, looking for a near one costs more than it helps


def one_line(text: str) -> str:
    """What somebody wrote, fit to be printed in the middle of a line: a fault is one line, whatever a file says."""
    return BREAKS.sub("⏎", UNSAFE.sub("�", text))


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing to mend. `line` counts from 1, as editors do."""

    file: str
    line: int
    what: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}；应为 expected: {self.expected}"


class Faults(Refusal):
    """A folder that is not a township yet: `faults` has all of them, by file and line, each once. Nothing was changed."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        many = len(self.faults)
        super().__init__(f"{self}\n共 {many} 处要改，什么都没有变。", f"{many} to mend; nothing was changed.")

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class Findings:
    """The faults found so far, and how many near names may still be looked for."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.suggestions = 50

    def add(self, file: str, line: int, what: str, expected: str) -> None:
        self.faults.append(Fault(one_line(file), line, one_line(what), one_line(expected)))

    def near(self, word: str, names: Iterable[str]) -> str:
        """« (did you mean …)», or nothing. Only the first fifty misses are looked up: a file that is wrong throughout stays quick."""
        choices = list(names)
        if self.suggestions <= 0 or len(choices) > SUGGESTED_AMONG:
            return ""
        self.suggestions -= 1
        close = get_close_matches(word, choices, n=1, cutoff=0.6)
        return f"（是不是 did you mean: {close[0]}）" if close else ""
