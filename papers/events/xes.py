"""The event log as XES (IEEE 1849-2016): a trace a case. Written as it is read, so that its size doesn't matter.

`concept:name` of an event is what people call the step; `bihuan:trigger` what programs call it, `bihuan:task` the
task of the BPMN model; each has a classifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

from models.clock import local
from papers.events.log import Line, plain, state

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<global scope="trace"><string key="concept:name" value=""/></global>
<global scope="event"><string key="concept:name" value=""/><string key="lifecycle:transition" value="complete"/>\
<date key="time:timestamp" value="1970-01-01T00:00:00.000+08:00"/></global>
<classifier name="activity" keys="concept:name"/>
<classifier name="trigger" keys="bihuan:trigger"/>
<classifier name="task" keys="bihuan:task"/>
"""
OF_THE_CASE = ("grade", "field", "place", "village", "team", "parent")
Value = str | int | float | bool | datetime
Pairs = Sequence[tuple[str, Value | None]]


def write_xes(events: Iterable[Line], file: BinaryIO, title: str) -> int:
    """Writes the log; `events` come case by case (`lines(…, by_case=True)`). Answers how many there were."""
    file.write((HEAD + _attributes([("concept:name", title), ("lifecycle:model", "standard")]) + "\n").encode())
    count = 0
    for _, trace in groupby(events, key=lambda each: each.case):
        for place, piece in enumerate(_trace(trace)):
            file.write(piece.encode())
            count += place > 0
        file.write(b"</trace>\n")
    file.write(b"</log>\n")
    return count


def _trace(trace: Iterator[Line]) -> Iterator[str]:
    """What opens a trace, then its events."""
    for place, each in enumerate(trace):
        if place == 0:
            yield f"<trace>{_attributes(_of_the_case(each))}\n"
        yield f"<event>{_attributes(_of_the_event(each))}</event>\n"


def _of_the_case(each: Line) -> Pairs:
    rest: Pairs = [(f"bihuan:{name}", getattr(each, name)) for name in OF_THE_CASE]
    return [("concept:name", each.case), ("bihuan:kind", each.kind.value), *rest]


def _of_the_event(each: Line) -> Pairs:
    facts: Pairs = [(f"bihuan:fact:{name}", plain(each.facts[name])) for name in sorted(each.facts)]
    return [
        ("concept:name", each.activity), ("time:timestamp", each.at), ("lifecycle:transition", "complete"), ("org:resource", each.person),
        ("org:role", each.post), ("org:group", each.unit), ("bihuan:trigger", each.trigger), ("bihuan:task", each.task),
        ("bihuan:state", state(each.kind, each.to_state)), *facts, ("bihuan:hash", each.hash),
    ]  # fmt: skip


def _attributes(pairs: Pairs) -> str:
    return "".join(_attribute(key, value) for key, value in pairs if value is not None)


def _attribute(key: str, value: Value) -> str:
    kind, said = _written(value)
    return f"<{kind} key={quoteattr(key)} value={quoteattr(said)}/>"


def _written(value: Value) -> tuple[str, str]:
    if isinstance(value, str):
        return "string", value
    if isinstance(value, bool):
        return "boolean", str(value).lower()
    if isinstance(value, datetime):
        return "date", local(value).isoformat(timespec="milliseconds")
    return ("int", str(value)) if isinstance(value, int) else ("float", repr(value))
