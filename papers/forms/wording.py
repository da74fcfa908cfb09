"""What each form says, composed from its facts alone. Where there is no fact there is no sentence; what is written by hand stays blank.

Wording follows the models that are really in use: 安全生产行政执法文书 (2017) for records, orders, measures and opinions on re-inspection,
Ningbo's forms for listings, extensions and acceptance, a street's notice for what needs no power to enforce. Which form follows what, and
what a lawyer has still to read: docs/papers.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from models.enumerations import Field, InterimControl, PaperKind, ReasonCode
from papers.forms.facts import Facts, kind_of, level, words
from papers.forms.sheet import BLANK_DAY, BLANK_LINE, BLANK_NUMBER, Block, Lines, Sheet, Signed, Table, Text, at, on, pair, row, sign
from statemachines.paper import RULES

K = PaperKind
SHARED = frozenset({
    K.notice, K.advice, K.dispatch, K.instruction_order, K.onsite_measure, K.coercive_measure, K.review_opinion, K.inspection_record,
})  # fmt: skip
COPIES = {1: "一式一份", 2: "一式两份，一份由出具单位留存，一份交责任单位", 3: "一式三份，责任单位、监管单位、安委会办公室各一份"}
HALF_A_YEAR, FIFTEEN_DAYS = timedelta(days=183), timedelta(days=15)


def sheet(facts: Facts) -> Sheet:
    """The form that the facts are of."""
    kind = kind_of(facts)
    return Sheet(
        title=kind.zh, issuer="" if kind in (K.extension_form,) else facts["organ"], number=facts.get("number") or "",
        at=datetime.fromisoformat(facts["issued_at"]), blocks=tuple(FORMS[kind](facts)),
        link=facts.get("link") or "", foot=_foot(kind, facts),
    )  # fmt: skip


def _foot(kind: PaperKind, facts: Facts) -> str:
    return f"隐患编号：{facts['code']}。本文书{COPIES[RULES[kind].copies]}。"


def _time(facts: Facts, name: str) -> datetime | None:
    said = facts.get(name)
    return datetime.fromisoformat(said) if said else None


def _day(facts: Facts, name: str, otherwise: str = "") -> str:
    moment = _time(facts, name)
    return on(moment) if moment else otherwise


def _cited(basis: str) -> str:
    """«安全生产法第四十一条» as a paper cites it: the instrument in 《》."""
    instrument, mark, article = basis.partition("第")
    return basis if "《" in basis or not mark else f"《{instrument}》{mark}{article}"


def _clauses(facts: Facts) -> str:
    return "、".join(_cited(part.strip()) for each in facts["basis"] for part in each.split("；") if part.strip())


def _sentence(said: str) -> str:
    """What somebody typed, as a sentence with one full stop."""
    return f"{said.strip().rstrip('。.；;！!')}。" if said and said.strip() else ""


def _hazard(facts: Facts) -> str:
    grade, _, _ = words(facts)
    return f"{facts['location']}：{facts['description'].rstrip('。')}（{grade}事故隐患）"


def _addressee(facts: Facts) -> Text:
    return Text(f"{facts['place']}：", indent=False)


def _listed(facts: Facts) -> list[Block]:
    return [Text(f"1．{_hazard(facts)}。")]


def _signed(facts: Facts) -> Signed:
    return Signed(facts["organ"], _day(facts, "issued_at"))


def _note(facts: Facts) -> list[Block]:
    return [Text(_sentence(facts["note"]))] if facts["note"] else []


def _officers(facts: Facts, label: str) -> Lines:
    """Each signs for themselves; all that is printed of them is the certificate's number."""
    numbers = [f"　证号：{who['certificate']}" if who["certificate"] else "" for who in facts["officers"]]
    return Lines(tuple(sign(label, number) for number in numbers or ["", ""]))


def _receipt() -> Lines:
    return Lines((sign("责任单位签收人", f"　{BLANK_DAY}"),), apart=True)


FROM_2024 = date(2024, 1, 1)


def _review_rights(facts: Facts) -> Text:
    """60 days to ask for a review: 行政复议法 Art. 20 (2023 revision, in force 2024-01-01), Art. 9 before; the days are the same. Of a
    township, or a street's office, the district's government reviews (Art. 24, before: Art. 13 and 15); of a district's department the
    same, and until 2023 also the department above, at the unit's choice (old Art. 12). Six months to sue: 行政诉讼法 Art. 46. Neither
    stops what was ordered: 行政复议法 Art. 42 (old 21), 行政诉讼法 Art. 56. Which court is competent differs from province to province."""
    upper = f"{facts['district']}人民政府" if facts["district"] else "上一级人民政府"
    of_a_department = not facts["organ"].endswith(("人民政府", "办事处"))
    if of_a_department and datetime.fromisoformat(facts["issued_at"]).date() < FROM_2024:
        upper += "或者上一级主管部门"
    return Text(
        f"如不服本文书，可以自收到之日起60日内向{upper}申请行政复议，或者在6个月内向有管辖权的人民法院提起行政诉讼。"
        "复议、诉讼期间不停止执行，法律另有规定的除外。"
    )


def inspection_record(facts: Facts) -> Sequence[Block]:
    """What 安全生产法 Art. 68 asks for: time, place, what was found and what is done about it, signed by both sides; Art. 67: the
    certificates are shown."""
    visit = facts["visit"] or {}
    started, ended = _time(visit, "started_at") or _time(facts, "found_at"), _time(visit, "ended_at")
    when = (at(started) if started else BLANK_DAY) + (f"至{at(ended)}" if ended else "")
    numbers = "、".join(who["certificate"] for who in facts["officers"] if who["certificate"])
    seats = dict.fromkeys(who["seat"] for who in facts["officers"])
    shown = f"我们是{facts['organ']}{'、'.join(seats)}{'，' if numbers else '。'}"
    shown += f"证件号码为{numbers}，现已出示执法证件。" if numbers else ""
    alone = {"location": facts["location"], "description": facts["description"], "grade": facts["grade"], "fixed": False}
    found = visit.get("found") or [alone]
    return [
        Table((
            row("被检查单位", facts["place"]), row("地址", facts["address"] or facts["village"]),
            pair("负责人", "", "职务", ""), pair("联系电话", "", "检查编号", visit.get("code", "—")),
            row("检查场所", facts["location"]), row("检查时间", when),
        )),
        Text(f"{shown}现依法对你单位进行现场检查，请予以配合。"),
        Text("检查情况："), *(_found(nth, each) for nth, each in enumerate(found, 1)),
        Text(f"处理情况：{_sentence(facts['note']) or BLANK_LINE}"),
        _officers(facts, "检查人员签名"),
        Lines((_unit_signs(visit),)),
    ]  # fmt: skip


def _found(nth: int, each: Facts) -> Text:
    grade = {"general": "一般", "major": "重大"}[each["grade"]]
    fixed = "，已当场整改" if each["fixed"] else ""
    return Text(f"{nth}．{each['location']}：{each['description'].rstrip('。')}（{grade}事故隐患）{fixed}。")


def _unit_signs(visit: Facts) -> str:
    if visit.get("refused"):
        return "被检查单位负责人拒绝签字，检查人员已将情况记录在案。"
    return sign("单位负责人签名", f"　{BLANK_DAY}")


def notice(facts: Facts) -> Sequence[Block]:
    clauses = _clauses(facts)
    return [
        _addressee(facts),
        Text(f"{_day(facts, 'found_at')}检查发现，你单位存在以下安全隐患："), *_listed(facts),
        Text(
            "根据《中华人民共和国安全生产法》第九条、第四十一条" + (f"和{clauses}" if clauses else "")
            + f"的规定，请你单位于{_day(facts, 'due_at')}前整改完毕，并将整改情况报送我单位"
            + (f"，由{facts['team']}复查。" if facts["team"] else "。")
        ),
        *_how(facts), Text("整改期间，你单位应当落实防范措施，确保安全。"), *_note(facts), _signed(facts), _receipt(),
    ]  # fmt: skip


def _how(facts: Facts) -> list[Block]:
    return [Text(f"整改措施：{_sentence(facts['measure'])}")] if facts["measure"] else []


def advice(facts: Facts) -> Sequence[Block]:
    grade, kind, _ = words(facts)
    return [
        _addressee(facts),
        Text("为及时消除安全隐患，保护人民群众生命财产安全，现将你单位存在的隐患和整改要求告知如下："),
        Table((
            pair("场所类别", kind, "所在村", facts["village"]), row("隐患部位", facts["location"]),
            row("隐患内容", facts["description"]), pair("隐患等级", grade, "整改期限", _day(facts, "due_at")),
            *([row("整改依据", _clauses(facts))] if facts["basis"] else []),
            row("整改建议", facts["measure"] or "", tall=0 if facts["measure"] else 16),
        )),
        Text("本告知书不属于行政处罚或者行政强制。逾期未整改的，将依法报告有关部门处理。"), *_note(facts), _signed(facts), _receipt(),
    ]  # fmt: skip


def instruction_order(facts: Facts) -> Sequence[Block]:
    clauses = _clauses(facts)
    broke = f"以上问题违反了{clauses}的规定。" if clauses else ""
    return [
        _addressee(facts), Text("经查，你单位存在下列问题："), *_listed(facts),
        Text(
            f"{broke}根据《中华人民共和国安全生产法》第六十五条第一款的规定，现责令你单位对上述第1项问题于"
            f"{_day(facts, 'due_at')}前整改完毕，达到有关法律法规规章和标准规定的要求。由此造成事故的，依法追究有关人员的责任。"
        ),
        Text("整改期间，你单位应当采取措施，确保安全生产。对安全生产违法行为，将依法予以行政处罚。"),
        *_note(facts), _review_rights(facts), _officers(facts, "执法人员签名"),
        Lines((sign("单位负责人签名", f"　{BLANK_DAY}"),)), _signed(facts),
    ]  # fmt: skip


def onsite_measure(facts: Facts) -> Sequence[Block]:
    """安全生产法 Art. 65 ¶1(3): people out, work or equipment stopped until a review. Six months at most: the limit of the forms in use."""
    law = "《中华人民共和国安全生产法》第六十五条第一款第三项"
    return _measure(facts, f"以上情形无法保证安全，根据{law}的规定，现作出如下现场处理措施决定：", HALF_A_YEAR)


FIRE = frozenset({Field.crowded, Field.fire_nine, Field.street_shop})


def coercive_measure(facts: Facts) -> Sequence[Block]:
    """On which article it rests follows from the measure. A power cut: 安全生产法 Art. 70, against who doesn't obey an order to stop.
    Sealing for fire: 消防法 Art. 54, which gives it to 消防救援机构; other sealing: 安全生产法 Art. 65. Such power can't be delegated
    (行政强制法 Art. 17, 22). The unit is named with its address and may state its case (Art. 18, 24); the limit of 15 days is that of the
    forms in use, less than the law's 30 (Art. 25)."""
    return _measure(facts, f"为防止事故发生，根据{_coercive_law(facts)}的规定，决定采取以下强制措施：", FIFTEEN_DAYS)


def _coercive_law(facts: Facts) -> str:
    if facts["interim_control"] == InterimControl.power_cut:
        return "《中华人民共和国安全生产法》第七十条"
    if facts.get("field") in FIRE:
        return "《中华人民共和国消防法》第五十四条"
    return "《中华人民共和国安全生产法》第六十五条第一款第四项"


def _measure(facts: Facts, so: str, longest: timedelta) -> Sequence[Block]:
    _, _, control = words(facts)
    since = _time(facts, "interim_at") or datetime.fromisoformat(facts["issued_at"])
    until = min(_time(facts, "interim_until") or since + longest, since + longest)
    scope = f"，范围：{facts['stop_scope'].rstrip('。')}" if facts["stop_scope"] else ""
    where = f"（地址：{facts['address']}）" if facts["address"] else ""
    heard = [Text("你单位对本决定依法享有陈述、申辩的权利。")] if longest == FIFTEEN_DAYS else []
    return [
        _addressee(facts), Text(f"本机关于{_day(facts, 'found_at')}现场检查时，发现你单位{where}存在下列事故隐患："), *_listed(facts),
        Text(f"{so}{control}{scope}。期限自{on(since)}起至{on(until)}止。隐患消除、经审查同意后，方可恢复。"),
        *heard, *_note(facts), _review_rights(facts), _officers(facts, "执法人员签名"),
        Lines((sign("单位负责人签名", f"　{BLANK_DAY}"),)), _signed(facts),
    ]  # fmt: skip


def dispatch(facts: Facts) -> Sequence[Block]:
    grade, kind, _ = words(facts)
    return [
        Table((
            pair("隐患编号", facts["code"], "交办时间", _day(facts, "assigned_at")), row("责任单位", facts["place"]),
            row("责任岗位", facts["responsible"]),
            pair("督导站所", facts["team"] or "", "所在村", facts["village"]),
            pair("场所类别", kind, "隐患等级", grade), row("隐患部位", facts["location"]), row("隐患内容", facts["description"]),
            *([row("判定依据", _clauses(facts))] if facts["basis"] else []),
            row("整改措施", facts["measure"] or "", tall=0 if facts["measure"] else 14),
            row("整改期限", _day(facts, "due_at")), *([row("办理要求", facts["note"])] if facts["note"] else []),
            row("交办单位", "（盖章）", tall=12), row("签收", f"签收人：　　　　　　　　{BLANK_DAY}", tall=10),
            row("整改情况", "", tall=18), row("复查意见", f"复查人：　　　　　　　　{BLANK_DAY}", tall=12),
        )),
    ]  # fmt: skip


def review_opinion(facts: Facts) -> Sequence[Block]:
    review, earlier = facts["review"], facts["earlier"]
    kind = PaperKind(earlier["kind"]).zh
    named = f"{earlier['number'] or ''}《{kind}》"
    done = review["passed"]
    result = "已整改到位" if done else "未整改到位" + (f"（{review['why']}）" if review["why"] else "")
    after = (
        "上述隐患已经消除，请你单位继续加强日常检查，防止反弹。" if done
        else f"请你单位继续整改，于{_day(facts, 'due_at')}前整改完毕并重新报验；逾期不整改的，将依法处理。"
    )  # fmt: skip
    return [
        _addressee(facts),
        Text(f"我单位于{on(datetime.fromisoformat(earlier['issued_at']))}出具了{named}，于{on(datetime.fromisoformat(review['at']))}"
             f"经{review['by']}对你单位整改情况进行复查，提出如下意见："),
        Text(f"1．{_hazard(facts)}：{result}。"), Text(after), *_note(facts),
        Lines((sign("单位负责人签名", f"　{BLANK_DAY}"), *[sign("复查人员签名", f"　{BLANK_NUMBER}")] * 2)), _signed(facts),
    ]  # fmt: skip


def listing_notice(facts: Facts) -> Sequence[Block]:
    listing = facts["listing_asked"] or {}
    treat_by = on(date.fromisoformat(listing["treat_by"])) if listing.get("treat_by") else _day(facts, "due_at", BLANK_DAY)
    return [
        _addressee(facts),
        Text(f"你单位{_hazard(facts)}，经研究决定实行{level(facts)}挂牌督办。现将有关事项通知如下："),
        Text(f"一、治理完毕时间：{treat_by}前。"),
        Text("二、收到本通知后，应当及时制定治理方案，落实责任、措施、资金、时限和预案，并报我单位备案。"),
        Text("三、每季度至少报告一次治理进展情况。"), Text("四、治理完成后，应当提出验收申请；验收合格的，予以摘牌。"),
        Text("五、确需延长治理期限的，应当在期限届满前15个工作日提出申请，说明理由和防控措施。"), *_note(facts),
        Lines((sign("签发人"), sign("送达人", f"　{BLANK_DAY}"), sign("签收人", f"　{BLANK_DAY}"))), _signed(facts),
    ]  # fmt: skip


def extension_form(facts: Facts) -> Sequence[Block]:
    asked = facts["extension_asked"]
    due, wanted = datetime.fromisoformat(asked["due_before"]), datetime.fromisoformat(asked["requested_due"])
    decided = {"granted": "同意延期", "declined": "不予延期", "withdrawn": "申请已撤回"}.get(asked["state"], "")
    if asked["granted_due"]:
        decided += f"至{on(datetime.fromisoformat(asked['granted_due']))}"
    return [
        Text(f"{facts['organ']}：", indent=False),
        Table((
            row("申请单位", facts["place"]), pair("隐患编号", facts["code"], "申请编号", asked["code"]),
            row("隐患及治理情况", f"{_hazard(facts)}"), pair("原整改期限", on(due), "申请延期至", on(wanted)),
            row("申请理由", f"{ReasonCode(asked['reason']).zh}：{asked['statement']}"), row("延期期间防控措施", asked["interim_measures"]),
            row("主要负责人", f"签字：　　　　　　（盖章）\n{BLANK_DAY}", tall=22), row("审批意见", decided, tall=26),
        )),
        Signed(facts["place"], on(datetime.fromisoformat(asked["opened_at"]))),
    ]  # fmt: skip


def acceptance_opinion(facts: Facts) -> Sequence[Block]:
    plan, review = facts["plan"], facts["review"]
    rows = (("target", "治理目标"), ("measures", "治理措施"), ("organisation_people", "机构和人员"), ("funds_and_goods", "经费和物资"))
    return [
        Table((
            pair("隐患编号", facts["code"], "验收时间", on(datetime.fromisoformat(review["at"]))), row("治理单位", facts["place"]),
            row("重大隐患内容", _hazard(facts)), *(row(name, plan[key]) for key, name in rows if plan.get(key)),
            *([row("实际投入资金", f"{facts['funds']}元")] if facts["funds"] else []), row("验收人员", review["by"]),
            row("验收结论", "合格"), row("验收意见", facts["note"], tall=26), row("验收组签名", "", tall=22),
        )),
        _signed(facts),
    ]  # fmt: skip


def transfer_form(facts: Facts) -> Sequence[Block]:
    asked = facts["transfer_asked"]
    _, kind, _ = words(facts)
    reply = {"sent": "", "accepted": "已接收", "sent_back": "已退回"}.get(asked["state"], "")
    said = "。".join(part for part in (reply, asked["reply"] or "", f"复函：{asked['reply_no']}" if asked["reply_no"] else "") if part)
    return [
        Table((
            row("主送", asked["recipient"]), row("抄送", f"{facts['district'] or ''}安委会办公室"),
            pair("隐患编号", facts["code"], "抄告时间", on(datetime.fromisoformat(asked["opened_at"]))),
            row("单位（场所）", f"{facts['place']}（{kind}）"), row("地址", facts["address"] or facts["village"]),
            row("隐患情况", _hazard(facts)),
            row("抄告事由", ReasonCode(asked["statement"]).zh if asked["statement"] in ReasonCode.__members__ else asked["statement"]),
            row(
                "处理意见",
                "根据《中华人民共和国安全生产法》第六十九条，现移送贵单位依法处理，并请将处理结果书面回复。" + _sentence(facts["note"]),
            ),
            pair("经办人", "", "批准人", ""), row("回复", said, tall=20),
        )),
        _signed(facts),
    ]  # fmt: skip


def urge_letter(facts: Facts) -> Sequence[Block]:
    due, now = datetime.fromisoformat(facts["due_at"]), datetime.fromisoformat(facts["issued_at"])
    late = max((now.date() - due.date()).days, 1)
    _, _, control = words(facts)
    interim = f"目前采取的临时管控措施：{control}。" if facts["interim_control"] != InterimControl.none else ""
    return [
        Text(f"{facts['responsible'] or facts['place']}：", indent=False),
        Text(
            f"{facts['place']}{_hazard(facts)}，于{_day(facts, 'assigned_at')}交办，整改期限为{on(due)}。"
            f"截至{on(now)}，已逾期{late}天，仍未整改完毕。{interim}"
        ),
        Text("现予督办。请立即组织整改，整改完毕后按程序报验，并于收到本函之日起3日内将未按期整改的原因和下一步措施书面报告我单位。"),
        Text("逾期仍未整改的，将按规定通报、约谈，并提请有关部门依法处理。"), *_note(facts), _signed(facts), _receipt(),
    ]  # fmt: skip


FORMS: dict[PaperKind, Callable[[Facts], Sequence[Block]]] = {
    K.inspection_record: inspection_record, K.notice: notice, K.advice: advice, K.instruction_order: instruction_order,
    K.onsite_measure: onsite_measure, K.coercive_measure: coercive_measure, K.dispatch: dispatch, K.review_opinion: review_opinion,
    K.listing_notice: listing_notice, K.extension_form: extension_form, K.acceptance_opinion: acceptance_opinion,
    K.transfer_form: transfer_form, K.urge_letter: urge_letter,
}  # fmt: skip
