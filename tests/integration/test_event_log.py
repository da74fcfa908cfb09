"""The event log out: what mining tools read of it, that they find the machine in it, and that it fits the model we export."""

from __future__ import annotations

import csv
import io
import logging
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.clock import local
from models.database import transaction
from models.enumerations import STATES, CaseKind
from papers.events.export import Form, export
from papers.events.waiting import by_post, by_step
from statemachines.bpmn import bpmn, drawing
from statemachines.laws import LAWS
from tests.stage import Stage
from tests.town import posts

pytestmark = pytest.mark.filterwarnings("ignore")  # numpy's and pm4py's own


@pytest.fixture
def lived(stage: Stage) -> Stage:
    """Hazards that went different ways: closed at once, failed and mended, extended, rejected, escalated, and one still open."""
    stage.to_closed(description="灭火器压力不足")
    again = stage.to_submitted(description="安全出口上锁")
    stage.act("inspector", "reinspect_fail", again, reason="measure_incomplete", note="锁还在")
    longer = stage.to_rectifying(description="应急照明损坏", sla_class="g15")
    stage.act("deputy", "grant", stage.ask_extension(longer))
    odd = stage.find(description="店内住人")
    stage.act("office-head", "reject", odd, reason="not_a_hazard", note="不是场所")
    stage.later(days=9)
    stage.sweep()
    stage.fix(again)
    stage.later(hours=3)
    stage.act("inspector", "reinspect_pass", again, site_visit=True)
    stage.later(hours=5)
    stage.act("office-head", "approve_close", again)
    return stage


def written(stage: Stage, form: Form, kind: CaseKind | None = None) -> bytes:
    file = io.BytesIO()
    with transaction(stage.engine) as session:
        export(session, stage.township_id, form, file, stage.clock.now(), kind)
    return file.getvalue()


def test_the_log_is_complete_in_order_and_the_same_each_time(lived: Stage) -> None:
    rows = list(csv.DictReader(io.StringIO(written(lived, Form.csv).decode("utf-8-sig"))))
    told = lived.all("select c.code, e.seq, e.hash, e.at from event e join cases c on c.id = e.case_id order by e.at, c.code, e.seq")
    assert [(row["case"], int(row["seq"]), row["hash"]) for row in rows] == [(row.code, row.seq, row.hash) for row in told]
    assert rows[0]["at"] == local(told[0].at).isoformat(timespec="milliseconds")
    for form in Form:
        assert written(lived, form) == written(lived, form)


def test_nobody_is_named_in_it_and_no_text_is_told(lived: Stage) -> None:
    for form in Form:
        log = written(lived, form).decode()
        assert not [post for post in posts() if f"{post}的人" in log]
        assert "灭火器压力不足" not in log
        assert "sha256:" not in log


def test_a_mining_tool_finds_the_log_to_fit_the_model_exactly(lived: Stage, tmp_path: Path) -> None:
    pm4py = _pm4py()
    (tmp_path / "log.xes").write_bytes(written(lived, Form.xes, CaseKind.hazard))
    (tmp_path / "model.bpmn").write_text(bpmn(CaseKind.hazard), encoding="utf8")
    log = pm4py.read_xes(str(tmp_path / "log.xes"), return_legacy_log_object=True, show_progress_bar=False)
    model = pm4py.read_bpmn(str(tmp_path / "model.bpmn"))
    ended = type(log)([trace for trace in log if trace[-1]["bihuan:state"] in _ended(CaseKind.hazard)])
    assert (len(log), len(ended)) == (4, 3)
    aligned = pm4py.conformance_diagnostics_alignments(ended, *pm4py.convert_to_petri_net(model))
    assert [each["fitness"] for each in aligned] == [1.0] * 3
    assert not [move for each in aligned for move in each["alignment"] if move[0] != move[1] and move != (">>", None)]
    # pm4py's sum over the log counts each invisible move (a gateway passed) as 1, a deviation as 10,000: without them it is 1.0 as well.
    assert 1 - sum(each["cost"] // 10_000 for each in aligned) / sum(each["bwc"] for each in aligned) == 1.0
    steps = _by_task(log)
    replayed = _replayed(steps, *_net_of_tasks(model))
    assert [each["transitions_with_problems"] for each in replayed] == [[]] * 4
    assert [each["missing_tokens"] for each in replayed] == [0 if each["trace_is_fit"] else 1 for each in replayed]
    assert [each["trace_is_fit"] for each in replayed].count(False) == 1
    found = pm4py.discover_petri_net_inductive(log)
    assert pm4py.fitness_token_based_replay(log, *found)["log_fitness"] == 1.0


def test_a_step_that_the_law_forbids_does_not_fit(lived: Stage, tmp_path: Path) -> None:
    pm4py = _pm4py()
    forged = written(lived, Form.xes, CaseKind.hazard).decode().replace('value="批准销号"', 'value="签收"', 1)
    (tmp_path / "log.xes").write_text(forged, encoding="utf8")
    (tmp_path / "model.bpmn").write_text(bpmn(CaseKind.hazard), encoding="utf8")
    log = pm4py.read_xes(str(tmp_path / "log.xes"), return_legacy_log_object=True, show_progress_bar=False)
    net = pm4py.convert_to_petri_net(pm4py.read_bpmn(str(tmp_path / "model.bpmn")))
    assert pm4py.fitness_alignments(log, *net)["average_trace_fitness"] < 1.0


def test_objects_of_every_kind_stand_in_the_ocel_log_with_what_joins_them(lived: Stage, tmp_path: Path) -> None:
    pm4py = _pm4py()
    (tmp_path / "log.json").write_bytes(written(lived, Form.ocel))
    log = pm4py.read_ocel2_json(str(tmp_path / "log.json"))
    count = lived.one("select count(*) from event").count
    assert len(log.events) == count
    assert {"hazard", "extension", "place", "post"} <= set(log.objects["ocel:type"])
    joins = set(log.relations["ocel:qualifier"])
    assert {"about", "concerns", "at", "done by", "assigned to", "escalated to"} <= joins
    assert "follows from" in set(log.o2o["ocel:qualifier"])


@pytest.mark.parametrize("kind", list(CaseKind))
def test_the_model_has_a_task_for_every_step_from_every_state_and_all_of_it_is_drawn(kind: CaseKind) -> None:
    boxes, flows = drawing(kind)
    law = LAWS[kind]
    wanted = {f"{t.trigger}_{source.value if source else 'new'}" for t in law.transitions for source in t.sources}
    assert {box.id for box in boxes if "Task" in box.element} == wanted
    assert len({each.zh for each in law.transitions}) == len(law.transitions)
    names = {"semantic": "http://www.omg.org/spec/BPMN/20100524/MODEL", "di": "http://www.omg.org/spec/BPMN/20100524/DI"}
    drawn = ET.fromstring(bpmn(kind))
    assert len(drawn.findall(".//di:BPMNShape", names)) == len(boxes)
    assert len(drawn.findall(".//di:BPMNEdge", names)) == len(flows) == len(drawn.findall(".//semantic:sequenceFlow", names))
    places = [(box.x, box.y, box.x + box.wide, box.y + box.high) for box in boxes]
    assert not [(a, b) for n, a in enumerate(places) for b in places[:n] if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]]


def test_waits_are_told_by_step_and_by_post(lived: Stage) -> None:
    with transaction(lived.engine) as session:
        steps = {each.state.value: each for each in by_step(session, lived.township_id, lived.clock.now())}
        by = by_post(session, lived.township_id, lived.clock.now(), least=1)
    assert (steps["submitted"].count, steps["submitted"].p90) == (3, pytest.approx(2.4))
    assert (steps["verified"].count, steps["verified"].median) == (2, pytest.approx(2.5))
    assert (steps["rectifying"].waiting, steps["rectifying"].longest) == (1, pytest.approx(9 * 24 + 8))
    assert (by[0].state.value, by[0].post) == ("rectifying", "owner")
    assert sum(each.share for each in steps.values()) == pytest.approx(1)
    with transaction(lived.engine) as session:
        before = by_step(session, lived.township_id, lived.clock.now() - timedelta(days=20))
    assert before == []


def _pm4py() -> Any:
    """Imported where it is used: it is big, and only tests may use it (AGPL)."""
    import pm4py

    logging.getLogger("pm4py").setLevel(logging.ERROR)
    return pm4py


def _ended(kind: CaseKind) -> set[str]:
    return {state.zh for state in STATES[kind] if state.ended}


def _by_task(log: Any) -> Any:
    for trace in log:
        for event in trace:
            event["concept:name"] = event["bihuan:task"]
    return log


def _net_of_tasks(model: Any) -> Any:
    """The model's net with the tasks' ids for names: a step is told from the same step out of another state."""
    from pm4py.objects.conversion.bpmn import converter

    net, initial, final = converter.apply(model, parameters={"use_id": True})
    for transition in net.transitions:
        if transition.label and transition.label.startswith(("state_", "start", "end_")):
            transition.label = None
    return net, initial, final


def _replayed(log: Any, net: Any, initial: Any, final: Any) -> list[dict[str, Any]]:
    import pm4py

    replayed: list[dict[str, Any]] = pm4py.conformance_diagnostics_token_based_replay(log, net, initial, final)
    return replayed
