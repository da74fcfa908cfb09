"""The law as BPMN 2.0, with diagram interchange, so that a modelling tool draws it and a mining tool replays history against it.

A state is an exclusive gateway (whoever may act chooses), a transition a task that leads from one state to the next; a trigger that
starts from several states is a task at each. A case begins at the start event, and may end where its state is an ended one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from models.enumerations import CaseKind, CaseState, PostKind
from statemachines.diagram import drawn, guards_of, who_of
from statemachines.laws import LAWS
from statemachines.machine import Law, Transition

WIDE, HIGH, GATE, GAP = 140, 44, 40, 62
COLUMN, FIRST_X, FIRST_Y = 330, 140, 60
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"
  xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" id="bihuan_{kind}"
  targetNamespace="urn:bihuan:{kind}" exporter="Bihuan">
  <bpmn:process id="process_{kind}" name={name} isExecutable="false">
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A node as drawn: its id in the document, BPMN element, name, corner and size."""

    id: str
    element: str
    name: str
    x: int
    y: int
    wide: int
    high: int
    about: str = ""

    @property
    def middle(self) -> tuple[int, int]:
        return self.x + self.wide // 2, self.y + self.high // 2


@dataclass(frozen=True, slots=True)
class Flow:
    """An arrow as drawn, with its corners."""

    source: str
    target: str
    corners: Sequence[tuple[int, int]]

    @property
    def id(self) -> str:
        return f"flow_{self.source}_{self.target}"


def bpmn(kind: CaseKind) -> str:
    """One process: the whole law of one kind of case."""
    boxes, flows = drawing(kind)
    head = HEAD.format(kind=kind.value, name=quoteattr(f"{kind.zh}状态机"))
    return head + "".join((*_process(boxes, flows), *_diagram(kind, boxes, flows))) + "</bpmn:definitions>\n"


def drawing(kind: CaseKind) -> tuple[list[Box], list[Flow]]:
    """Everything with its place: states in a row, what may be done in each below it, and above them a lane back to each state."""
    law = LAWS[kind]
    states = drawn(law)
    top = FIRST_Y + 14 * (len(states) + 1)
    gates = {state: _gate(state, place, top) for place, state in enumerate(states)}
    start = Box("start", "startEvent", "登记", 30, top + 2, 36, 36)
    boxes, flows = [start, *gates.values()], []
    for place, source in enumerate((None, *states)):
        x = 30 if source is None else gates[source].x + 70
        for row, transition in enumerate(t for t in law.transitions if source in t.sources):
            task = _task(law, transition, source, x, top + 80 + row * GAP)
            boxes.append(task)
            flows.append(_out(start if source is None else gates[source], task))
            flows.append(_back(task, gates[transition.dest or source], FIRST_Y + 14 * states.index(transition.dest or source), place))  # type: ignore[index,arg-type]
    for state in states:
        if state.ended:
            end = Box(f"end_{state.value}", "endEvent", "结束", gates[state].x + 90, top + 2, 36, 36)
            boxes.append(end)
            flows.append(Flow(gates[state].id, end.id, ((gates[state].x + GATE, top + 20), (end.x, top + 20))))
    return boxes, flows


def _gate(state: CaseState, place: int, top: int) -> Box:
    return Box(f"state_{state.value}", "exclusiveGateway", state.zh, FIRST_X + 90 + place * COLUMN, top, GATE, GATE)


def _task(law: Law, t: Transition, source: CaseState | None, x: int, y: int) -> Box:
    element = "serviceTask" if t.who == {PostKind.system} else "userTask"
    name = f"{t.trigger}_{source.value if source else 'new'}"
    return Box(name, element, t.zh, x, y, WIDE, HIGH, f"{t.trigger}；谁可以办：{who_of(t)}；守则：{guards_of(t)}")


def _out(gate: Box, task: Box) -> Flow:
    """Down from the gateway, and across to the task."""
    (x, _), (_, y) = gate.middle, task.middle
    return Flow(gate.id, task.id, ((x, gate.y + gate.high), (x, task.y if task.x < x else y), *(() if task.x < x else ((task.x, y),))))


def _back(task: Box, gate: Box, lane: int, place: int) -> Flow:
    """Right of the task up to the lane of the state, along it, and down into the gateway."""
    (_, y), (x, _) = task.middle, gate.middle
    side = task.x + task.wide + 12 + 3 * (place % 5)
    return Flow(task.id, gate.id, ((task.x + task.wide, y), (side, y), (side, lane), (x, lane), (x, gate.y)))


def _process(boxes: Sequence[Box], flows: Sequence[Flow]) -> Iterator[str]:
    for box in boxes:
        direction = ' gatewayDirection="Mixed"' if box.element == "exclusiveGateway" else ""
        yield f"    <bpmn:{box.element} id={quoteattr(box.id)} name={quoteattr(box.name)}{direction}>\n"
        if box.about:
            yield f"      <bpmn:documentation>{escape(box.about)}</bpmn:documentation>\n"
        yield from (f"      <bpmn:incoming>{flow.id}</bpmn:incoming>\n" for flow in flows if flow.target == box.id)
        yield from (f"      <bpmn:outgoing>{flow.id}</bpmn:outgoing>\n" for flow in flows if flow.source == box.id)
        yield f"    </bpmn:{box.element}>\n"
    for flow in flows:
        yield f'    <bpmn:sequenceFlow id="{flow.id}" sourceRef="{flow.source}" targetRef="{flow.target}" />\n'
    yield "  </bpmn:process>\n"


def _diagram(kind: CaseKind, boxes: Sequence[Box], flows: Sequence[Flow]) -> Iterator[str]:
    yield f'  <bpmndi:BPMNDiagram id="diagram_{kind.value}">\n    <bpmndi:BPMNPlane id="plane" bpmnElement="process_{kind.value}">\n'
    for box in boxes:
        marked = ' isMarkerVisible="true"' if box.element == "exclusiveGateway" else ""
        yield f'      <bpmndi:BPMNShape id="shape_{box.id}" bpmnElement="{box.id}"{marked}>\n'
        yield f'        <dc:Bounds x="{box.x}" y="{box.y}" width="{box.wide}" height="{box.high}" />\n      </bpmndi:BPMNShape>\n'
    for flow in flows:
        yield f'      <bpmndi:BPMNEdge id="edge_{flow.id}" bpmnElement="{flow.id}">\n'
        yield from (f'        <di:waypoint x="{x}" y="{y}" />\n' for x, y in flow.corners)
        yield "      </bpmndi:BPMNEdge>\n"
    yield "    </bpmndi:BPMNPlane>\n  </bpmndi:BPMNDiagram>\n"
