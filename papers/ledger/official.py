"""The ledgers that offices keep: the street's return form, the town's list of problems, the fire check system's export.

The first and the last are real column sets, word for word (docs/ledger.md says whence); the list of problems is the usual one.
"""

from __future__ import annotations

import re
from typing import Any

from models.enumerations import Field, Grade, HazardState, InspectionTrigger, PlaceKind, PlaceStatus, Source
from papers.ledger.form import Column, Form, said, wall, zh_of
from papers.ledger.names import Names

# What was found to be none, or was counted elsewhere, is no line of an official ledger.
VALID = "c.state not in ('rejected', 'duplicate', 'cancelled', 'transferred')"
DONE = frozenset({HazardState.verified, HazardState.closed})
UNDER_WAY = frozenset({HazardState.rectifying, HazardState.submitted})
RECTIFIED = ("已整改", "整改中", "未整改")
ARTICLE = re.compile(r"(?P<instrument>.*?)(?P<article>第[〇零一二三四五六七八九十百千\d]+条.*|)$", re.DOTALL)


def rectified(row: Any, _names: Names) -> str:
    """Done is what somebody else has looked at and found done."""
    state = HazardState(row.state)
    return RECTIFIED[0] if state in DONE else RECTIFIED[1] if state in UNDER_WAY else RECTIFIED[2]


def _split(row: Any) -> list[tuple[str, str]]:
    found = (ARTICLE.match(each) for each in row.legal_basis)
    return [(each["instrument"].strip(), each["article"]) for each in found if each]


def _instruments(row: Any, _names: Names) -> str:
    return "\n".join(instrument for instrument, _ in _split(row))


def _articles(row: Any, _names: Names) -> str:
    return "\n".join(article for _, article in _split(row))


def _measure(row: Any, _names: Names) -> str:
    return str(row.measure or row.submitted_text or "")


def _responsible(row: Any, names: Names) -> str:
    post = names.post(row.responsible_post_id, row.place_name)
    return " ".join(each for each in (post, names.holders.get(row.responsible_post_id, "")) if each)


def _finder(row: Any, names: Names) -> str:
    return names.person(row.found_person)


def _reported(row: Any, _names: Names) -> str:
    return f"群众举报 {row.report or ''}".strip() if row.source == Source.public else ""


C = Column
CODE = C("隐患编号", lambda r, n: r.code, "code", "code", width=16)
PLACE_CODE = C("场所编号", lambda r, n: r.place, "place_code", "code")
STREET21 = Form(
    "street21", "街道报送表（21列）", "a street's return form, 21 columns", "V38",
    (
        C("上报单位", lambda r, n: n.township, claim=True, width=14),
        C("行业领域", lambda r, n: said(Field, r.field), "field", "field", words=zh_of(Field), width=13),
        C("企业类型", lambda r, n: said(PlaceKind, r.place_kind), "kind", "kind", words=zh_of(PlaceKind), width=14),
        C("企业名称", lambda r, n: r.place_name, "place_name", "name", True, width=22),
        C("统一社会信用代码", lambda r, n: r.credit_code, claim=True, width=20),
        C("属地", lambda r, n: n.units.get(r.village_id, ""), "village", "name", width=10),
        C("详细地址", lambda r, n: r.address, claim=True, width=22),
        C("负责人", lambda r, n: n.holders.get(r.responsible_post_id, ""), width=12),
        C("隐患分类", lambda r, n: said(Grade, r.grade), "sort", "sort", words=zh_of(Grade), width=9),
        C("隐患描述", lambda r, n: r.description, "description", "verbatim", True, width=36),
        C("隐患位置", lambda r, n: r.location, "location", "verbatim", True, width=16),
        C("检查方式", lambda r, n: said(Source, r.source), "source", "source", words=zh_of(Source), width=10, confides=True),
        C("检查人", _finder, claim=True, width=12),
        C("检查时间", lambda r, n: wall(r.found_at), "found_at", "moment", True, width=19),
        C("判定依据", _instruments, "instrument", width=26),
        C("违反判定依据具体条款", _articles, "article", width=22),
        C("是否整改", rectified, "rectified", "rectified", claim=True, words=RECTIFIED, width=10),
        C("实际整改完成时间", lambda r, n: wall(r.submitted_at) if HazardState(r.state) in DONE else None, claim=True, width=19),
        C("整改责任部门/责任人", _responsible, width=22, also=("整改责任部门", "整改责任人")),
        C("整改措施", _measure, "measure", "verbatim", width=30),
        C("举报情况备注", _reported, claim=True, width=18, confides=True),
    ), only=VALID,
)  # fmt: skip
TOWNSHIP15 = Form(
    "township15", "乡镇问题清单（15列）", "a township's list of problems, 15 columns", "usual",
    (
        C("序号", lambda r, n: r.line, width=6),
        C("检查时间", lambda r, n: wall(r.found_at), "found_at", "moment", True, width=19),
        C("单位(场所)", lambda r, n: r.place_name, "place_name", "name", True, width=22, also=("场所", "单位名称", "场所名称")),
        C("所属村", lambda r, n: n.units.get(r.village_id, ""), "village", "name", width=10),
        C("隐患内容", lambda r, n: r.description, "description", "verbatim", True, width=36, also=("问题内容", "存在问题", "隐患描述")),
        C("隐患等级", lambda r, n: said(Grade, r.grade), "grade", "grade", words=zh_of(Grade), width=9),
        C("整改措施", _measure, "measure", "verbatim", width=30),
        C("整改责任人", _responsible, width=22),
        C("督导责任人(包保干部)", lambda r, n: n.units.get(r.team_id, ""), claim=True, width=18, also=("包保干部",)),
        C("整改时限", lambda r, n: wall(r.due_at), claim=True, width=19),
        C("整改情况", rectified, "rectified", "rectified", claim=True, words=RECTIFIED, width=10, also=("是否整改",)),
        C("复查人", lambda r, n: "、".join(n.post(each.get("post")) for each in r.reinspected_by), claim=True, width=18),
        C("复查时间", lambda r, n: wall(r.verified_at), claim=True, width=19),
        C("是否销号", lambda r, n: "是" if r.state == HazardState.closed else "否", claim=True, words=("是", "否"), width=9),
        C("备注", lambda r, n: r.code, claim=True, width=16),
    ), only=VALID,
)  # fmt: skip


def _problems(row: Any, _names: Names) -> str:
    return "\n".join(f"{nth}.{each}" for nth, each in enumerate(row.problems or (), 1))


def _measures(row: Any, _names: Names) -> str:
    return "\n".join(f"{nth}.{each}" for nth, each in enumerate(row.measures or (), 1) if each)


def _stand(row: Any, _names: Names) -> str:
    """The check system's word for how the place was met: visited ones are checked, the rest as the registry has them."""
    if row.status != PlaceStatus.active:
        return PlaceStatus(row.status).zh
    if row.code is None:
        return "待查"
    return "已复查" if row.trigger == InspectionTrigger.recheck else "锁门" if row.result == "not_accessible" else "已检查"


STANDS = ("待查", "已检查", "已复查", *(word.zh for word in PlaceStatus if word != PlaceStatus.active))
STATION18 = Form(
    "station18", "站所排查表（18列）", "a check station's export, 18 columns", "V36",
    (
        C("编号", lambda r, n: r.code or r.place, claim=True, width=16),
        C("社区", lambda r, n: n.units.get(r.village_id, ""), "village", "name", width=10),
        C("单位名称", lambda r, n: r.place_name, "place_name", "name", True, width=22),
        C("地址", lambda r, n: r.address, claim=True, width=22),
        C("负责人", lambda r, n: n.holders.get(r.responsible_post_id, ""), width=12),
        C("联系方式", lambda r, n: r.phone, width=14),
        C("排查状态", _stand, "stand", "stand", claim=True, words=STANDS, width=10),
        C("检查标准", lambda r, n: r.standard, claim=True, width=16),
        C("主要存在问题", _problems, "problems", "problems", width=40),
        C("整改措施", _measures, "measure", "verbatim", width=30),
        C("隐患问题个数", lambda r, n: r.found, "count", "count", width=10),
        C("扣分", lambda r, n: None, claim=True, width=6),
        C(
            "检查类型", lambda r, n: said(InspectionTrigger, r.trigger), "trigger", "trigger",
            words=zh_of(InspectionTrigger), width=12, confides=True,
        ),
        C("楼层", lambda r, n: r.floors, "floors", width=6),
        C("营业面积", lambda r, n: r.area, claim=True, width=9),
        C("检查人", lambda r, n: "、".join(n.person(each) for each in r.officers or ()), claim=True, width=16),
        C("检查时间", lambda r, n: wall(r.started_at), "found_at", "moment", width=19),
        C("备注", lambda r, n: r.note, claim=True, width=20),
    ), rows="inspection", pictures=False,
)  # fmt: skip
