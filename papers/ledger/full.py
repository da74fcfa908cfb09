"""Bihuan's own ledger: everything that is known of a hazard, a line each. What a finding consists of comes back in; the rest is history."""

from __future__ import annotations

import json
from typing import Any

from models.enumerations import (
    Field,
    Grade,
    HazardState,
    InterimControl,
    ListingLevel,
    Nature,
    PlaceKind,
    RecurrenceKind,
    SlaClass,
    Source,
    Threat,
)
from papers.ledger.form import Column, Form, said, wall, yes, zh_of
from papers.ledger.names import Names

YES = ("是", "否")


def _basis(row: Any, _names: Names) -> str:
    return "\n".join(row.legal_basis)


def _unblank(said: str | None) -> str:
    """Nothing for blanks alone, as it is read."""
    return said if said and not said.isspace() else ""


def _inspectors(row: Any, names: Names) -> str:
    return "、".join(names.post(party.get("post")) for party in row.reinspected_by)


def _plan(row: Any, _names: Names) -> str:
    return json.dumps(row.plan, ensure_ascii=False, sort_keys=True) if row.plan else ""


def _origin(row: Any, _names: Names) -> str:
    return "" if row.origin is None or row.origin.startswith("#") else str(row.origin)


C = Column
FINDING = (
    C("隐患编号", lambda r, n: r.code, "code", "code", also=("编码", "隐患编码"), width=16),
    C("原编号", _origin, width=14),
    C("场所编号", lambda r, n: r.place, "place_code", "code", width=12),
    C("场所名称", lambda r, n: r.place_name, "place_name", "name", width=22, also=("企业名称", "单位名称", "单位", "场所")),
    C("所属村", lambda r, n: n.units.get(r.village_id, ""), "village", "name", width=10, also=("属地", "社区", "村")),
    C("检查项", lambda r, n: r.item, "item", "code", width=10),
    C("隐患描述", lambda r, n: r.description, "description", "verbatim", True, width=40, also=("隐患内容", "主要存在问题")),
    C("具体位置", lambda r, n: r.location, "location", "verbatim", True, width=18, also=("隐患位置",)),
    C("隐患等级", lambda r, n: said(Grade, r.grade), "grade", "grade", words=zh_of(Grade), width=9),
    C("时限类别", lambda r, n: said(SlaClass, r.sla_class), "sla_class", "sla_class", words=zh_of(SlaClass), width=10),
    C("行业领域", lambda r, n: said(Field, r.field), "field", "field", words=zh_of(Field), width=12),
    C("六防", lambda r, n: said(Threat, r.threat), "threat", "threat", words=zh_of(Threat), width=9),
    C("隐患性质", lambda r, n: said(Nature, r.nature), "nature", "nature", words=zh_of(Nature), width=14),
    C("来源", lambda r, n: said(Source, r.source), "source", "source", words=zh_of(Source), width=10, also=("检查方式",), confides=True),
    C("整改要求", lambda r, n: _unblank(r.measure), "measure", "verbatim", width=30, also=("整改措施",)),
    C("判定依据", _basis, "legal_basis", "basis", width=28),
    C("发现时间", lambda r, n: wall(r.found_at), "found_at", "moment", True, width=19, also=("检查时间",)),
    C("需政府协调", lambda r, n: yes(r.needs_gov_coordination), "needs_gov_coordination", "flag", words=YES),
    C("保密", lambda r, n: _unblank(r.confidentiality), "confidentiality", "verbatim", width=8),
)  # fmt: skip
HISTORY = (
    C("状态", lambda r, n: said(HazardState, r.state), words=zh_of(HazardState), width=16),
    C("轮次", lambda r, n: r.round, width=6),
    C("升级级别", lambda r, n: r.level, width=9),
    C("场所类别", lambda r, n: said(PlaceKind, r.place_kind), words=zh_of(PlaceKind), width=14),
    C("地址", lambda r, n: r.address, width=22),
    C("责任岗位编号", lambda r, n: n.codes.get(r.responsible_post_id, ""), width=14),
    C("责任岗位", lambda r, n: n.post(r.responsible_post_id, r.place_name), width=20),
    C("责任人", lambda r, n: n.holders.get(r.responsible_post_id, ""), width=12),
    C("监管站所", lambda r, n: n.units.get(r.team_id, ""), width=14),
    C("审批岗位", lambda r, n: n.post(r.approver_post_id), width=14),
    C("专项行动", lambda r, n: r.campaign, width=10),
    C("检查编号", lambda r, n: r.inspection, width=16),
    C("发现岗位", lambda r, n: n.post(r.found_post), width=18),
    C("发现人", lambda r, n: n.person(r.found_person), width=12),
    C("登记时间", lambda r, n: wall(r.opened_at), width=19),
    C("交办时间", lambda r, n: wall(r.assigned_at), width=19),
    C("签收时间", lambda r, n: wall(r.acknowledged_at), width=19),
    C("整改期限", lambda r, n: wall(r.due_at), width=19),
    C("原定期限", lambda r, n: wall(r.original_due_at), width=19),
    C("受截止日限制", lambda r, n: yes(r.campaign_capped)),
    C("超出专项行动", lambda r, n: yes(r.beyond_campaign)),
    C("报验时间", lambda r, n: wall(r.submitted_at), width=19),
    C("报验岗位", lambda r, n: n.post(r.submitted_post, r.place_name), width=18),
    C("整改情况", lambda r, n: r.submitted_text, width=30),
    C("当场整改", lambda r, n: yes(r.on_spot), width=9),
    C("复查合格时间", lambda r, n: wall(r.verified_at), width=19),
    C("复查岗位", _inspectors, width=18),
    C("销号时间", lambda r, n: wall(r.closed_at), width=19),
    C("销号岗位", lambda r, n: n.post(r.closed_post), width=14),
    C("办结时间", lambda r, n: wall(r.ended_at), width=19),
    C("当前期限", lambda r, n: wall(r.move_due_at), width=19),
    C("是否逾期", lambda r, n: yes(r.overdue), width=9),
    C("临时管控", lambda r, n: said(InterimControl, r.interim_control), words=zh_of(InterimControl)),
    C("管控时间", lambda r, n: wall(r.interim_at), width=19),
    C("管控至", lambda r, n: wall(r.interim_until), width=19),
    C("停产停用范围", lambda r, n: r.stop_scope, width=14),
    C("计划资金（元）", lambda r, n: None if r.fund_planned is None else float(r.fund_planned)),
    C("实际资金（元）", lambda r, n: None if r.fund_actual is None else float(r.fund_actual)),
    C("挂牌级别", lambda r, n: said(ListingLevel, r.listing), words=zh_of(ListingLevel), width=9),
    C("区级同意文号", lambda r, n: r.district_consent_no, width=16),
    C("反复自", lambda r, n: r.recurrence_of, width=14),
    C("反复次数", lambda r, n: r.recurrence_count, width=9),
    C("反复类型", lambda r, n: said(RecurrenceKind, r.recurrence_kind), words=zh_of(RecurrenceKind)),
    C("根本原因", lambda r, n: r.root_cause, width=24),
    C("重复于", lambda r, n: r.duplicate_of, width=14),
    C("延期次数", lambda r, n: r.extension_count, width=9),
    C("退回次数", lambda r, n: r.returned_count, width=9),
    C("复查不合格次数", lambda r, n: r.failed_count, width=14),
    C("治理方案", _plan, width=24, wrap=False),
    C("佐证哈希", lambda r, n: r.evidence, width=30, wrap=False),
    C("事件数", lambda r, n: r.events, width=8),
    C("末事件哈希", lambda r, n: r.last_hash, width=24, wrap=False),
)  # fmt: skip

FULL = Form("full", "闭环全量台账", "Bihuan's own full ledger", "Bihuan", (*FINDING, *HISTORY))
