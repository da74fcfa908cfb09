"""The office's rarer pages in English: what is filed, done late, handed over, refused, or looks wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.database import transaction
from models.enumerations import PaperKind
from papers.statistics import issue
from tests.browser import life
from tests.integration.test_english_pages import no_chinese, reader
from tests.integration.test_numbers import LOOK, SIX_BITS, picture
from tests.site import Site, photo, serve
from tests.stage import Stage

OWN = "【逾期】{code} {place}：{what}，{over}。{you}，请督办。{late}{up}"


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def eventful(stage: Stage) -> None:
    """Duties done late and missed, a stand-in, photos used twice, a mine with all its particulars."""
    life.duty(stage, "inspector", "防火巡查")
    life.duty(stage, "mayor", "值班", days=12, wanted=("document", "photo"), leader=True)
    stage.act("inspector", "do_duty", life.duty(stage, "inspector", "夜间巡查", days=-1, wanted=()), note="已补")
    stage.act("office-head", "excuse", life.duty(stage, "inspector", "看守", wanted=()), reason="请假")
    stage.holds("deputy", "mayor", for_whom="mayor", to_day="2023-03-20")
    stage.holds("grid-1", "village-2", for_whom="village-2")
    first, second = stage.find(), stage.find(place="shop-2")
    picture(stage, first, LOOK, sha256="a" * 64)
    picture(stage, second, SIX_BITS, sha256="b" * 64, taken_at="2023-01-01T10:00+08:00")
    picture(stage, second, LOOK, sha256="a" * 64)
    stage.do("""update place set details = '{"licence_no": "X1", "overhead": false, "risk": "high", "patrol_route": "东沟"}', """
             "start_work = 'pending' where code = 'pit'")  # fmt: skip
    life.report(stage, "没有路灯", place=None, said_place="村口")
    stage.later(days=14)
    stage.sweep()


def filed(site: Site) -> int:
    stage = site.stage
    with transaction(stage.engine) as session:
        paper = issue.issue_period(
            session, stage.township_id, PaperKind.weekly, stage.clock, stage.clock.now(), site.home / "evidence"
        )  # fmt: skip
        assert paper and paper.id
        return paper.id


def test_no_rare_page_of_the_office_says_a_word_of_its_own_in_chinese(site: Site) -> None:
    stage = site.stage
    eventful(stage)
    code, number, head = stage.to_assigned(place="shop-2"), filed(site), reader(site, "office-head")
    received = stage.newest("report")
    paths = (
        "/papers", f"/papers/{number}", "/numbers", "/numbers?by=field", "/numbers/waiting", "/duties?box=all&month=2023-02&duty=duty",
        "/posts/mayor", "/posts/village-2", "/posts/inspector?q=无此人", "/places/pit", "/reports", "/people?only=idle",
        "/wording/countdown", *(f"/duties/{row.code}" for row in stage.all("select code from cases where kind = 'duty'")),
        "/duties/nothing", "/ladders",
    )  # fmt: skip
    answers = {path: head.get(path) for path in paths}
    forms = {
        f"/h/{code}/papers": {"kind": "notice"}, f"/h/{code}/papers#": {"kind": "dispatch", "note": "尽快", "key": "k"},
        f"/h/{code}/silence": {"scope": "", "until": ""}, "/posts/mayor/end_stand_in": {"absent": "p-mayor", "reason": "回来了"},
        "/posts/inspector/hand_over": {"person": "p-deputy", "from_day": "", "reason": "轮岗"},
        "/places/shop-2/status": {"to": "demolished", "reason": "到场查看"}, "/places/pit/consent": {"note": "同意"},
        "/wording/overdue": {"language": "zh", "version": "0", "text": "{code} <b>"},
        "/wording/overdue/preview": {"language": "zh", "text": "{code} {nothing}"},
        "/wording/overdue#": {"language": "zh", "version": "0", "text": OWN},
        f"/c/{received}/substantiate": {"hazard": "YH-1999-0001", "version": "1", "as_post": "office-head"},
        f"/reports/{received}/read_identity": {"reason": "核实情况", "version": "1", "as_post": "office-head"},
    }  # fmt: skip
    answers |= {path: head.post(path.removesuffix("#"), data=said) for path, said in forms.items()}
    answers["scan"] = head.post(f"/h/{code}/papers/scan", data={"note": "交办单"}, files={"file": ("1.jpg", photo(), "image/jpeg")})
    answers["papers"] = head.get(f"/h/{code}/papers")
    assert {path for path, answer in answers.items() if answer.status_code >= 500} == set()
    assert "checksum" in answers["papers"].text and "stands in" in head.get("/posts").text
    no_chinese(answers)
