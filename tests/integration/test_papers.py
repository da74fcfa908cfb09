"""Official forms: in which order, by whom, under which number; that they say what is so, stay what they were, and stand in history."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from pypdf import PdfReader
from sqlalchemy.exc import DBAPIError

from models.clock import parse_time
from models.database import transaction
from models.enumerations import PaperKind
from papers.forms.issue import Issued, issue, paper_of, ticket
from papers.forms.pdf import pdf
from papers.forms.word import word
from papers.forms.wording import sheet
from papers.shelf import ShelfError, fetch, path_of
from statemachines.errors import NotAllowed, Refused
from statemachines.paper import FORMS
from tests.integration.test_inspections import OFFICERS, authorise, inspect
from tests.stage import PLAN, Stage

K = PaperKind


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path))
    return tmp_path / "evidence"


def write(stage: Stage, code: str, kind: PaperKind, post: str = "inspector", **given: Any) -> Issued:
    with transaction(stage.engine) as session:
        now, wall = stage.clock.now(), stage.clock.wall()
        return issue(session, code, kind, stage.acting(post), now, wall=wall, given=given, public_url="http://localhost:8080")


def refused(stage: Stage, code: str, kind: PaperKind, post: str = "inspector", **given: Any) -> str:
    before = stage.fingerprint(), stage.all("select * from counter order by 1, 2")
    with pytest.raises((Refused, NotAllowed)) as no:
        write(stage, code, kind, post, **given)
    assert (stage.fingerprint(), stage.all("select * from counter order by 1, 2")) == before
    assert no.value.detail.endswith("。") and no.value.detail_en.isascii() and no.value.detail_en.endswith(".")
    return getattr(no.value, "reason", "post")


def said(issued: Issued) -> str:
    """All that stands on the PDF, without its lines."""
    pages = PdfReader(io.BytesIO(fetch(issued.pdf))).pages
    return "".join("".join(page.extract_text() for page in pages).split())


def every_form(stage: Stage) -> dict[PaperKind, Issued]:
    """Every form once, in the order in which a township comes to write it."""
    authorise(stage, "fire")
    done: dict[PaperKind, Issued] = {}
    found = inspect(stage, answers={"C1": "no", "D1": "no"}, officers=OFFICERS, unit_signed=True).hazards
    code, other = (code for _, code in found)
    done[K.inspection_record] = write(stage, code, K.inspection_record)
    stage.act("dispatcher", "assign", code)
    done[K.dispatch] = write(stage, code, K.dispatch, "dispatcher", note="整改后上传照片")
    done[K.notice] = write(stage, code, K.notice)
    done[K.advice] = write(stage, code, K.advice)
    done[K.instruction_order] = write(stage, code, K.instruction_order)
    stage.act("owner", "acknowledge", code)
    stage.ask_extension(code)
    done[K.extension_form] = write(stage, code, K.extension_form, "owner")
    stage.act("inspector", "order_interim", code, interim_control="stop_equipment", stop_scope="后厨")
    done[K.onsite_measure] = write(stage, code, K.onsite_measure)
    stage.act("inspector", "order_interim", code, interim_control="sealed")
    done[K.coercive_measure] = write(stage, code, K.coercive_measure)
    stage.later(days=5)
    done[K.urge_letter] = write(stage, code, K.urge_letter, "office-head")
    stage.fix(code)
    stage.act("inspector", "reinspect_fail", code, reason="measure_incomplete", site_visit=True)
    done[K.review_opinion] = write(stage, code, K.review_opinion)
    stage.transfer(other)
    done[K.transfer_form] = write(stage, other, K.transfer_form, "office-head")
    done |= _of_a_major_one(stage)
    return done


def _of_a_major_one(stage: Stage) -> dict[PaperKind, Issued]:
    code = stage.to_verified(place="pit", grade="major", description="矿山直达地面的独立安全出口只有1个", location="主平硐")
    stage.propose_listing(code)
    stage.act("mayor", "list", stage.newest("listing"), treat_by="2023-05-20")
    listed = write(stage, code, K.listing_notice, "office-head")
    return {K.listing_notice: listed, K.acceptance_opinion: write(stage, code, K.acceptance_opinion, "office-head")}


def test_every_form_reads_like_one_and_is_what_history_says_it_is(stage: Stage, shelf: Path) -> None:
    done = every_form(stage)
    assert set(done) == set(FORMS)
    for kind, issued in done.items():
        text = said(issued)
        assert kind.zh in text and "试点镇" in text and "2023年" in text, kind
        assert not [each for each in ("None", "null", "general", "{", "T10:", "，，", "。。", "、。") if each in text], (kind, text)
        row = stage.one("select * from paper where id = :id", id=issued.id)
        written = sheet(row.facts)
        assert (pdf(written), word(written)) == (fetch(issued.pdf), fetch(issued.docx)), f"{kind} is set differently the second time"
        words = "".join(p.text for p in Document(io.BytesIO(fetch(issued.docx))).paragraphs)
        assert kind.zh in words and (issued.number or "") in words
        [event] = [e for e in stage.all("select * from event where trigger = 'issue_paper'") if e.facts["pdf"] == issued.pdf]
        assert event.facts == {"paper": kind, "number": issued.number, "pdf": issued.pdf, "docx": issued.docx}
        assert event.from_state == event.to_state
    held = stage.all("select label from person")
    papers = "".join(said(each) for each in done.values())
    assert not [row.label for row in held if row.label in papers], "a paper names a person"


def test_the_order_is_record_then_notice_or_order_then_review(stage: Stage, shelf: Path) -> None:
    code = stage.to_assigned()
    assert refused(stage, code, K.notice) == "record_first"
    assert refused(stage, code, K.review_opinion) == "record_first"
    assert refused(stage, code, K.inspection_record) == "officers"
    assert refused(stage, code, K.inspection_record, officers=[{"post": "inspector"}]) == "officers"
    assert refused(stage, code, K.inspection_record, officers=[{"post": "inspector"}, {"post": "inspector"}]) == "officers"
    write(stage, code, K.inspection_record, officers=[{"post": "inspector"}, {"post": "inspector-2"}])
    assert refused(stage, code, K.review_opinion) == "order_first"
    write(stage, code, K.notice)
    assert refused(stage, code, K.review_opinion) == "reviewed"
    stage.act("owner", "acknowledge", code)
    stage.fix(code)
    stage.act("inspector", "reinspect_pass", code, site_visit=True)
    assert "已整改到位" in said(write(stage, code, K.review_opinion))
    stage.act("office-head", "approve_close", code)
    assert refused(stage, code, K.notice) == "state"
    assert refused(stage, code, K.acceptance_opinion, "office-head") == "G19"
    assert refused(stage, code, K.listing_notice, "office-head") == "state"
    assert refused(stage, code, K.weekly, "office-head") == "paper"


def test_an_order_takes_the_power_and_two_certificates_and_thirty_days_at_most(stage: Stage, shelf: Path) -> None:
    code = stage.to_assigned(sla_class="g30")
    write(stage, code, K.inspection_record, officers=[{"post": "inspector"}, {"post": "inspector-2"}])
    assert refused(stage, code, K.instruction_order, "dispatcher") == "post"
    assert refused(stage, code, K.instruction_order, officers=OFFICERS) == "G18"
    authorise(stage, "fire")
    assert refused(stage, code, K.instruction_order) == "officers"
    assert refused(stage, code, K.onsite_measure, officers=OFFICERS) == "interim"
    issued = write(stage, code, K.instruction_order, officers=OFFICERS)
    assert "豫M-001" in said(issued) and "责令你单位" in said(issued)
    stage.do("update hazard set due_at = due_at + interval '20 days'")
    assert refused(stage, code, K.instruction_order, officers=OFFICERS) == "too_long"


@pytest.mark.parametrize(
    ("kind", "post", "reason"),
    [
        (K.dispatch, "dispatcher", "assigned"), (K.dispatch, "inspector", "post"), (K.urge_letter, "office-head", "not_due"),
        (K.transfer_form, "office-head", "application"), (K.extension_form, "owner", "application"), (K.extension_form, "owner-2", "post"),
        (K.notice, "grid-1", "post"), (K.notice, "discipline", "post"), (K.listing_notice, "office-head", "G19"),
    ],
)  # fmt: skip
def test_a_form_without_its_ground_or_by_another_post_is_refused_and_takes_no_number(
    stage: Stage, shelf: Path, kind: PaperKind, post: str, reason: str
) -> None:
    assert refused(stage, stage.find(), kind, post) == reason


def test_power_is_cut_only_to_who_did_not_obey_an_order_to_stop(stage: Stage, shelf: Path) -> None:
    authorise(stage, "fire")
    general, major = stage.to_assigned(), stage.to_assigned(place="pit", grade="major", sla_class="major")
    for code in (general, major):
        write(stage, code, K.inspection_record, officers=OFFICERS)
        stage.do("update hazard set interim_control = 'power_cut' where case_id = (select id from cases where code = :code)", code=code)
        assert refused(stage, code, K.coercive_measure) == "stop_first"
    stage.do("update hazard set interim_control = 'full_stop', stop_scope = '井下'")
    write(stage, general, K.onsite_measure)
    stopped = said(write(stage, major, K.onsite_measure))
    assert "发现你单位存在下列事故隐患" in stopped and "全部停产，范围：井下" in stopped and "陈述、申辩" not in stopped
    stage.do("update hazard set interim_control = 'power_cut'")
    assert refused(stage, general, K.coercive_measure) == "stop_first"
    assert "《中华人民共和国安全生产法》第七十条" in said(write(stage, major, K.coercive_measure))
    stage.do("update hazard set interim_control = 'sealed'")
    for code, law in ((general, "《中华人民共和国消防法》第五十四条"), (major, "《中华人民共和国安全生产法》第六十五条第一款第四项")):
        sealed = said(write(stage, code, K.coercive_measure))
        assert law in sealed and "依法享有陈述、申辩的权利" in sealed


def test_numbers_have_no_gap_and_begin_anew_every_year_of_shanghai(stage: Stage, shelf: Path) -> None:
    code = stage.to_assigned()
    numbers = [write(stage, code, K.dispatch, "dispatcher").number for _ in range(2)]
    refused(stage, code, K.dispatch, "dispatcher", note="长" * 501)
    with pytest.raises(ZeroDivisionError), transaction(stage.engine) as session:
        issue(session, code, K.dispatch, stage.acting("dispatcher"), stage.clock.now(), wall=stage.clock.wall())
        raise ZeroDivisionError
    stage.at("2023-12-31T23:59+08:00")
    numbers.append(write(stage, code, K.dispatch, "dispatcher").number)
    stage.at("2024-01-01T00:00+08:00")
    numbers.append(write(stage, code, K.dispatch, "dispatcher").number)
    assert numbers == [f"（试点镇）安办交〔2023〕{nth}号" for nth in (1, 2, 3)] + ["（试点镇）安办交〔2024〕1号"]
    previous = stage.all("select id, previous_id from paper order by id")
    assert [row.previous_id for row in previous] == [None, *(row.id for row in previous[:-1])]


def test_a_paper_leaves_the_version_and_the_clocks_as_they_were(stage: Stage, shelf: Path) -> None:
    code = stage.to_assigned()
    before, clocks, notices = stage.case(code), stage.clocks(code), stage.notices(code)
    write(stage, code, K.dispatch, "dispatcher")
    after = stage.case(code)
    assert (after.version, after.state, after.move_due_at) == (before.version, before.state, before.move_due_at)
    assert (stage.clocks(code), stage.notices(code), after.events) == (clocks, notices, before.events + 1)
    assert stage.refused("office-head", "issue_paper", code, paper="dispatch", number="假") == "post"


def test_a_reprint_is_the_same_to_the_byte_and_a_changed_file_is_said_loudly(stage: Stage, shelf: Path) -> None:
    issued = write(stage, stage.to_assigned(), K.dispatch, "dispatcher")
    first = fetch(issued.pdf)
    stage.do("update hazard set description = '别的'")
    assert fetch(issued.pdf) == first
    path = path_of(issued.pdf)
    path.write_bytes(first[:-1] + bytes([first[-1] ^ 1]))
    with pytest.raises(ShelfError, match="已被改动"):
        fetch(issued.pdf)
    path.unlink()
    with pytest.raises(ShelfError, match="不在存档中"):
        fetch(issued.pdf)


@pytest.mark.parametrize("change", ["update paper set number = '假'", "delete from paper", "truncate paper"])
def test_the_app_cannot_change_a_paper(stage: Stage, shelf: Path, change: str) -> None:
    write(stage, stage.to_assigned(), K.dispatch, "dispatcher")
    with pytest.raises(DBAPIError, match="permission denied"):
        stage.do(change)


def test_the_word_in_a_qr_code_names_its_paper_and_cannot_be_made_up(shelf: Path) -> None:
    word = ticket(7)
    assert paper_of(word) == 7
    for other in ("", "7", "8" + word[1:], word[:-1], word + "A", "７" + word[1:], "7-", "x" * 5000, ticket(7, b"another" * 5)):
        assert paper_of(other) is None


def test_a_signed_scan_lets_the_grid_member_acknowledge_for_the_unit(stage: Stage) -> None:
    code = stage.to_assigned()
    assert stage.refused("grid-1", "acknowledge", code) == "G9"
    stage.picture("grid-1", code, "scan", media_type="application/pdf")
    assert stage.act("grid-1", "acknowledge", code).state == "rectifying"


def test_what_a_form_says_is_of_its_hazard(stage: Stage, shelf: Path) -> None:
    done = every_form(stage)
    record = said(done[K.inspection_record])
    assert "灭火器压力不足或已过期" in record and "豫M-002，现已出示执法证件。" in record and "处理情况：＿＿" in record
    assert "对安全生产违法行为，将依法予以行政处罚。" in said(done[K.instruction_order])
    assert "《消防法》第十六条" in said(done[K.notice]) and "2023年2月23日前整改完毕" in said(done[K.notice])
    assert "停用，范围：后厨" in said(done[K.onsite_measure]) and "第六十五条第一款第三项" in said(done[K.onsite_measure])
    assert "临时查封" in said(done[K.coercive_measure]) and "自2023年2月20日起至2023年3月7日止" in said(done[K.coercive_measure])
    assert "已逾期2天" in said(done[K.urge_letter])
    assert "未整改到位（整改不彻底）" in said(done[K.review_opinion]) and "应急强措〔2023〕1号" in said(done[K.review_opinion])
    assert "区自然资源局" in said(done[K.transfer_form]) and "配件未到货" in said(done[K.extension_form])
    assert "2023年5月20日" in said(done[K.listing_notice]) and PLAN["funds_and_goods"] in said(done[K.acceptance_opinion])
    assert parse_time("2023-02-20") < stage.clock.now()
