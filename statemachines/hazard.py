"""The law of a hazard: what may happen to it, from which state, by whom, under which guards.

`TRANSITIONS` is the whole law; the machine, the diagram and the list of what a person may do are made from it.
"""

from __future__ import annotations

from models.enumerations import ENDED, LEADERS, CaseKind, HazardState, PostKind
from statemachines import guards as g
from statemachines.machine import Law, Seat, Transition, Who, answering, by

S = HazardState
P = PostKind

OPEN = tuple(state for state in S if state not in ENDED)
FINDERS: Who = LEADERS | {
    P.enterprise_principal, P.enterprise_safety, P.grid_member, P.village_secretary, P.ranger, P.checkpoint_guard,
    P.inspector, P.station_head, P.office_dispatcher, P.office_head,
}  # fmt: skip
DISTRICT: Who = by(P.district_department, P.district_office)

# fmt: off
T = Transition
TRANSITIONS: tuple[Transition, ...] = (
    T("register", (None,), S.found, FINDERS,
      (g.g1_registered,), "登记", "register"),
    T("fix_on_spot", (S.found,), S.submitted, by(P.inspector),
      (g.g2_general, g.principal_present, g.root_cause, g.g3_before_and_after, g.g5_on_site), "当场整改", "fix on the spot"),
    T("assign", (S.found, S.reopened), S.assigned, by(P.office_dispatcher, P.office_head),
      (g.g4_assignable,), "交办", "assign", by(P.office_head)),
    T("reject", (S.found,), S.rejected, by(P.office_head),
      (g.not_the_finder, g.g6_rejection), "核实不成立", "reject"),
    T("mark_duplicate", (S.found, S.assigned), S.duplicate, by(P.office_dispatcher),
      (g.g7_master,), "合并重复", "mark as a duplicate"),
    T("transfer", (S.found, S.assigned), S.transferred, by(P.office_head),
      (g.g17_recipient,), "移送", "hand over to another authority"),
    T("take_back", (S.transferred,), S.found, by(Seat.consequence),
      (), "移送退回", "take back what was handed over"),
    T("regrade", (S.found, S.assigned, S.rectifying), None, by(P.office_head),
      (g.grade_changes, g.g8_clause), "调整等级", "regrade", by(P.deputy_in_charge)),
    T("acknowledge", (S.assigned,), S.rectifying, by(Seat.responsible, P.grid_member),
      (g.g9_receipt,), "签收", "acknowledge"),
    T("return_assignment", (S.assigned,), S.found, by(Seat.responsible),
      (g.returned_once, g.reason_given), "退回交办", "return the assignment"),
    T("request_extension", (S.assigned, S.rectifying), None, by(Seat.responsible),
      (g.g15_in_time, g.g15_said), "申请延期", "ask for an extension"),
    T("extend", (S.assigned, S.rectifying), None, by(Seat.consequence),
      (), "延长期限", "extend the limit"),
    T("appeal", (S.assigned, S.rectifying), None, by(Seat.responsible),
      (g.appeal_in_time,), "申诉", "appeal"),
    T("uphold_appeal", (S.assigned, S.rectifying, S.submitted), S.rejected, by(Seat.consequence),
      (), "申诉成立", "withdraw the hazard after an appeal"),
    T("order_interim", OPEN, None, LEADERS | DISTRICT | {P.inspector, P.station_head, P.office_head},
      (g.interim_named, g.g18_authority), "采取临时管控", "order an interim control"),
    T("lift_interim", (S.verified, S.closed), None, LEADERS,
      (g.interim_stands, g.g11_lifter, g.reason_given), "解除临时管控", "lift the interim control"),
    T("list_supervision", OPEN, None, by(P.office_head, P.deputy_in_charge, P.township_head, P.party_secretary),
      (g.g19_major,), "提请挂牌督办", "propose a listing"),
    T("set_listing", OPEN, None, by(Seat.consequence),
      (), "挂牌状态变更", "change the listing"),
    T("issue_paper", tuple(S), None, by(Seat.consequence),
      (), "出具文书", "issue a paper"),
    T("submit", (S.rectifying,), S.submitted, by(Seat.responsible),
      (g.g10_plan, g.root_cause, g.g3_after, g.g5_on_site), "报验", "submit for re-inspection"),
    T("reinspect_pass", (S.submitted,), S.verified, by(Seat.supervising),
      (g.g11_reinspector, g.g12_reinspection), "复查合格", "pass the re-inspection", by(Seat.supervising, P.district_department)),
    T("reinspect_fail", (S.submitted,), S.rectifying, by(Seat.supervising),
      (g.g11_reinspector, g.reason_given), "复查不合格", "fail the re-inspection", by(Seat.supervising, P.district_department)),
    T("approve_close", (S.verified,), S.closed, by(Seat.approver),
      (g.g11_approver, g.g13_decided, g.g13_interim, g.g14_district), "批准销号", "approve the closure"),
    T("refuse_close", (S.verified,), S.rectifying, by(Seat.approver),
      (g.reason_given,), "不予销号", "refuse the closure"),
    T("withdraw_approval", (S.closed,), S.verified, g.APPROVERS,
      (g.same_person, g.within_ten_minutes), "撤回销号", "take back the closure"),
    T("cancel", OPEN, S.cancelled, g.CANCELLERS,
      (g.g6_cancellation,), "撤销", "cancel"),
    T("reopen", (S.closed,), S.reopened, by(P.inspector, P.office_head, P.district_department, P.district_office, Seat.consequence),
      (g.within_a_year,), "反弹重开", "reopen"),
    *answering(OPEN),
)
# fmt: on

LAW = Law(CaseKind.hazard, TRANSITIONS)
BY_TRIGGER = LAW.by_trigger
decide = LAW.decide
offers = LAW.offers
