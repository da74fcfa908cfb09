"""What messages say in Chinese. A single message has at most 120 characters without its link; long names and findings are cut to fit.

Every message says why you ({you}), why now, what next, and when it goes up ({up}). The purposes are `models.enumerations.Purpose`;
`.mine` is for the post whose own move it is, `.due` for the moment a limit is reached, before the first escalation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from models.clock import local, say_left
from models.enumerations import STATES as STATES_OF
from models.enumerations import CaseKind, Clock, Grade, HazardState, InterimControl, PostKind, Purpose, ReasonCode, StartWork
from notifications.letter import Letter, Seat, Step, from_micros

LIMIT = 120

TEMPLATES = {
    "to_dispatch": "【待交办】{code} {place}：{what}（{grade}）。{you}，请于{due}前核实交办。{up}",
    "dispatch.mine": "【隐患交办】{code} {place}：{what}。等级{grade}，请先签收，{due}前整改到位。{you}，督导：{supervisor}。{up}",
    "dispatch": "【隐患交办】{code} {place}：{what}。等级{grade}，限{due}前整改。{you}，请督促{doer}签收整改。{up}",
    "review": "【待复查】{code} {place}：{what}，第{round}轮已报验。{you}，请于{due}前复查。{up}",
    "reminder.mine": "【临期提醒】{code} {place}：{what}，距{act}期限{due}还有{left}，{state}。{idle}{you}，请按期{act}。{up}",
    "reminder": "【临期提醒】{code} {place}：{what}，距{act}期限{due}还有{left}，{state}。{idle}{you}，请督促{doer}{act}。{up}",
    "overdue.due.mine": "【到期未{act}】{code} {place}：{what}，{act}期限{due}已到。{idle}{you}，请立即{act}。{late}{up}",
    "overdue.due": "【到期未{act}】{code} {place}：{what}，{act}期限{due}已到。{idle}{you}，请督促{doer}立即{act}。{late}{up}",
    "overdue.mine": "【逾期升级·{level}级】{code} {place}：{what}，{act}逾期{over}。{idle}{you}，请立即{act}。{late}{up}",
    "overdue": "【逾期升级·{level}级】{code} {place}：{what}，{act}逾期{over}，责任：{doer}。{idle}{you}，请督办。{late}{up}",
    "review_overdue.due.mine": "【复查超时】{code} {place}：报验已{since}，复查期限{due}已到。{you}，请立即复查。{late}{up}",
    "review_overdue.due": "【复查超时】{code} {place}：报验已{since}，复查期限{due}已到。{you}，请督促{doer}立即复查。{late}{up}",
    "review_overdue.mine": "【复查超时·{level}级】{code} {place}：报验{since}，复查逾期{over}。{you}，请立即复查。{late}{up}",
    "review_overdue": "【复查超时·{level}级】{code} {place}：报验{since}，复查逾期{over}，责任：{doer}。{you}，请督办。{late}{up}",
    "approval": "【待销号审批】{code} {place}：{what}，复查合格，待审批。{you}，请于{due}前审批。{up}",
    "approval.due.mine": "【待销号审批】{code} {place}：{what}，审批期限{due}已到。{you}，请立即审批。{late}{up}",
    "approval.due": "【待销号审批】{code} {place}：{what}，审批期限{due}已到。{you}，请督促{doer}审批。{late}{up}",
    "approval.late.mine": "【审批超时·{level}级】{code} {place}：{what}，审批逾期{over}。{you}，请立即审批。{late}{up}",
    "approval.late": "【审批超时·{level}级】{code} {place}：{what}，审批逾期{over}，责任：{doer}。{you}，请督办。{late}{up}",
    "returned.mine": "【退回整改】{code} {place}：{what}。{because}{you}，请于{due}前重新整改并报验。{up}",
    "returned": "【退回整改】{code} {place}：{what}。{because}{you}，请督促{doer}于{due}前重新整改。{up}",
    "outcome": "【结果告知】{code} {place}：{what}，现为{state}。{because}{you}，无须回复。",
    "countdown": "【专项行动】距{deadline}还有{days}天，未销号{open}项（重大{major}项），须每天销号{per_day}项，预计到期剩{forecast}项。"
    "{scope}{about}{you}，请督促按期办结。",
    "countdown.today": "【专项行动】今天（{deadline}）截止，未销号{open}项（重大{major}项）。{scope}{about}{you}，请今天办结。",
    "countdown.over": "【专项行动】{deadline}已过{days}天，逾期未销号{open}项（重大{major}项）。"
    "{scope}{about}{you}，请逐项落实管控措施与新时限。",
    "undeliverable": "【无法通知】{nobody}无人在岗或无可用通道，应发给该岗位的消息未能送达本岗。{you}，请尽快补岗或登记联系方式。",
    "channel_failed": "【通道故障】{broken}的{scheme}发不出去。{because}{instead}{you}，请核对联系方式。",
    "operations": "【系统自检】{said}。{you}，请查明处理。",
    "application": "【待审批】{code} {place}：{what}，{asked}，{state}。{you}，请于{due}前办理。{up}",
    "decision": "【申请结果】{code} {place}：{what}，{asked}：{state}{until}。{because}{you}，无须回复。",
    "interim": "【临时管控】{code} {place}：{what}，{control}。{you}，请落实到位。",
    "interim.lifted": "【管控解除】{code} {place}：{what}，{control}。{you}，请知悉，无须回复。",
    "task": "【履职任务】{code} {place}：{what}。{you}，请于{due}前完成。{up}",
    "report": "【群众举报】{code} {place}：{state}。{you}，请于{due}前核实并答复。{up}",
    "start_work.mine": "【开工许可】{place}：{gate}，因{code} {what}。{you}，请停止作业，经同意后再开工。",
    "start_work": "【开工许可】{place}：{gate}，因{code} {what}。{you}，请督促该场所停止作业，经同意后再开工。",
    "start_work.open": "【开工许可】{place}：{gate}（{code}）。{you}，请知悉，无须回复。",
}

PLAIN = "【{label}】{code}：请点开链接查看（本条文字未能生成，已记入日志）。"
TITLE = "{count}项提醒"
DIGEST_TITLE = "每日清单（{count}项）"
# Around the lines of many in one.
FRAMES = {
    "bundle": "【{count}项提醒】{you}，共{count}项待处理，急件在前：\n{lines}\n{more}{up}",
    "bundle.more": "还有{count}项，见清单。",
    "digest": "【每日清单】{you}：应办{own}项，逾期{overdue}项，待审{waiting}项。逾期最久的在前：\n{lines}\n{more}",
}
EARLIEST = "最早{at}（{code}）将升级上报。"
SOON = "{code}随即升级上报。"
AGAIN = "未办结的每{hours}小时再报。"
LINE = "{number}. 〔{label}〕{said}"
LINES = {
    "to_dispatch": "{code} {place}：{what}，{due}前交办",
    "dispatch": "{code} {place}：{what}（{grade}），{due}前整改",
    "review": "{code} {place}：{what}，{due}前复查",
    "reminder": "{code} {place}：{what}，{act}期限{due}，还有{left}",
    "overdue.due": "{code} {place}：{what}，{act}期限{due}已到",
    "overdue": "{code} {place}：{what}，{act}逾期{over}（{level}级）。{late}",
    "review_overdue.due": "{code} {place}：复查期限{due}已到",
    "review_overdue": "{code} {place}：复查逾期{over}（{level}级）。{late}",
    "approval": "{code} {place}：{what}，{due}前审批",
    "approval.due": "{code} {place}：审批期限{due}已到",
    "approval.late": "{code} {place}：审批逾期{over}（{level}级）。{late}",
    "returned": "{code} {place}：{what}，{due}前重新整改",
    "outcome": "{code} {place}：{what}，现为{state}",
    "countdown": "距{deadline}还有{days}天，未销号{open}项（重大{major}项）",
    "countdown.today": "今天（{deadline}）截止，未销号{open}项（重大{major}项）",
    "countdown.over": "{deadline}已过{days}天，逾期未销号{open}项（重大{major}项）",
    "undeliverable": "{nobody}无人在岗或无可用通道",
    "channel_failed": "{broken}的{scheme}发不出去",
    "operations": "{said}",
    "application": "{code} {place}：{asked}，{due}前办理",
    "decision": "{code} {place}：{asked}，{state}",
    "interim": "{code} {place}：{control}",
    "task": "{code} {place}：{what}，{due}前完成",
    "report": "{code} {place}：{state}，{due}前答复",
    "start_work": "{place}：{gate}（{code}）",
}
LABELS = {
    "to_dispatch": "待交办", "dispatch": "交办", "review": "待复查", "reminder": "临期", "overdue": "逾期", "review_overdue": "复查超时",
    "approval": "待审批", "returned": "退回", "outcome": "结果", "countdown": "专项", "undeliverable": "无法通知", "channel_failed": "通道",
    "operations": "自检", "application": "待审批", "decision": "申请结果", "interim": "管控", "task": "任务", "report": "举报",
    "start_work": "开工许可",
}  # fmt: skip

ACTS = {
    Clock.dispatch: "交办", Clock.acknowledge: "签收", Clock.rectify: "整改", Clock.review: "复查", Clock.approve: "审批",
    Clock.decide: "审批", Clock.reply: "回复", Clock.answer: "答复", Clock.progress: "报进展", Clock.duty: "完成",
    Clock.leader_duty: "完成",
}  # fmt: skip
SCHEMES = {
    "mailto": "邮件", "mailtos": "邮件", "wecombot": "企业微信", "dingtalk": "钉钉", "feishu": "飞书", "lark": "飞书", "schan": "Server酱",
    "bark": "Bark", "barks": "Bark", "json": "短信网关", "jsons": "短信网关", "ntfy": "ntfy", "ntfys": "ntfy",
    "webhook+https": "短信网关", "webhook+http": "短信网关",
}  # fmt: skip
# At the township and above the kind alone says who it is; a unit's own posts carry its name.
SHORT = {PostKind.inspector: "检查人员", PostKind.station_head: "负责人"}
ALONE = ("township", "district")
OFFICE = (PostKind.office_dispatcher, PostKind.office_head)
STATES = {
    HazardState.found: "待核实", HazardState.submitted: "已报验", HazardState.verified: "复查合格", HazardState.reopened: "反弹重开",
    HazardState.cancelled: "已撤销", HazardState.duplicate: "已并入另一条",
}  # fmt: skip


def words(letter: Letter, now: datetime) -> dict[str, str]:
    """Everything a template may name; `now` is business time."""
    return {
        "code": letter.code or "", "place": letter.place or "", "what": ended(letter.what), "round": str(letter.round),
        "grade": Grade(letter.grade).zh if letter.grade else "", "state": _state(letter), "act": _act(letter), "doer": _doer(letter),
        "supervisor": letter.supervisor or "镇安办", "level": str(letter.level), "due": when(letter.due_at),
        "left": _span(letter.due_at, now), "over": _span(letter.due_at, now), "since": _span(letter.since, now), "you": you(letter),
        "late": _promise(letter) or _late(letter.late, when), "late_short": _promise(letter) or _late(letter.late, day),
        "up": _up(letter, now), "up_short": _up(letter, now, 1),
        "idle": _idle(letter), "idle_short": "",
        "because": _because(letter), "nobody": _nobody(letter),
        "broken": letter.broken or "", "scheme": SCHEMES.get(letter.broken_scheme or "", letter.broken_scheme or "通道"),
        "instead": "已改用备用通道。" if letter.facts.get("left") else "没有其他可用通道，消息转上一级岗位。",
        "said": str(letter.facts.get("text", "")), "asked": CaseKind(letter.kind).zh,
        "control": _control(letter), "until": _until(letter), "gate": _gate(letter),
    } | _numbers(letter.facts)  # fmt: skip


def ended(said: str | None) -> str:
    """What somebody wrote, without the stops at its end: the sentence goes on after it."""
    return (said or "").rstrip("。．.，,；;、！! \n")


def _numbers(facts: Mapping[str, Any]) -> dict[str, str]:
    """A countdown's own words; the numbers are those of its occasion."""
    names = [f"{seat(Seat(**each['post']))}{each['open']}项" for each in facts.get("most", ())]
    scope = f"您名下{facts['mine']}项。" if facts.get("mine") is not None else ""
    about = f"{facts['about']}。" if facts.get("about") else ""
    plain = {name: str(facts.get(name, 0)) for name in ("open", "major", "per_day", "forecast")}
    deadline = day(from_micros(facts["deadline"])) if "deadline" in facts else ""
    return plain | {
        "days": str(abs(facts.get("days", 0))), "deadline": deadline, "about": about,
        "scope_short": scope, "scope": scope + (f"最多：{'、'.join(names)}。" if names else ""),
    }  # fmt: skip


def seat(post: Seat | None) -> str:
    """A post as people say it: «村07村支部书记», «消防服务中心负责人», «镇长»."""
    if post is None:
        return "相关岗位"
    kind = PostKind(post.kind)
    alone = post.unit_kind in ALONE or kind in OFFICE
    return kind.zh if alone else f"{post.unit}{SHORT.get(kind, kind.zh)}"


def you(letter: Letter) -> str:
    """Why this person: their post, the post that couldn't be reached, or whom they stand in for."""
    own = "该场所负责人" if letter.mine and _is_principal(letter) and letter.reached == letter.owner else seat(letter.reached)
    if letter.purpose == Purpose.approval and letter.facts.get("climbed"):
        return f"下级审批岗位须回避，转由您（{own}）办理"
    if letter.meant and letter.reached != letter.meant:
        return f"{seat(letter.meant)}无人可达，转您（{own}）"
    if letter.standing_in_for:
        return f"您代{letter.standing_in_for}任{own}"
    return f"您为{own}" if letter.reached else "请您知悉"


def many(letters: Sequence[Letter]) -> str:
    """Why this person gets a bundle: every post through which they hear something."""
    posts = list(dict.fromkeys(seat(letter.reached) for letter in letters if letter.reached))
    shown = "、".join(posts[:3]) + ("等" if len(posts) > 3 else "")
    return f"您为{shown}" if posts else "请您知悉"


def item(number: int, said: Mapping[str, Any], now: datetime) -> str:
    """A line of the daily list; `said` has the case's code and place, the clock, and when it is due in UTC microseconds."""
    act, due = ACTS[Clock(said["clock"])], from_micros(said["due"]) if said["due"] is not None else None
    late = f"逾期{_span(due, now)}" if due and due < now else f"{when(due)}前{act}"
    return f"{number}. 〔{act}〕{said['code']} {said['place']}，{late}"


def when(instant: datetime | None) -> str:
    return f"{day(instant)}{local(instant):%H:%M}" if instant else "期限"


def day(instant: datetime) -> str:
    here = local(instant)
    return f"{here.month}月{here.day}日"


def _span(instant: datetime | None, now: datetime) -> str:
    return say_left(now - instant) if instant else ""


def _state(letter: Letter) -> str:
    if not letter.state:
        return ""
    known = STATES_OF[CaseKind(letter.kind)](letter.state)
    return STATES.get(known, known.zh) if isinstance(known, HazardState) else known.zh


def _until(letter: Letter) -> str:
    """The new limit beside the old one, where more time was granted."""
    due, before = letter.facts.get("due"), letter.facts.get("due_before")
    if not isinstance(due, int) or not isinstance(before, int):
        return ""
    return f"，新期限{when(from_micros(due))}（原{when(from_micros(before))}）"


def _control(letter: Letter) -> str:
    control = InterimControl(letter.control or InterimControl.none)
    return "管控已解除" if control == InterimControl.none else f"即日起{control.zh}"


def _gate(letter: Letter) -> str:
    return StartWork(letter.gate or StartWork.allowed).zh


def _act(letter: Letter) -> str:
    return ACTS[Clock(letter.clock)] if letter.clock else "办理"


def _doer(letter: Letter) -> str:
    """Whose move it is, for those who are told beside them."""
    if letter.clock == Clock.dispatch:
        return "镇安办"
    if letter.clock == Clock.review:
        return f"{letter.supervisor or '监管站所'}检查人员"
    if letter.clock == Clock.answer:
        return "镇安办"
    if letter.clock in (Clock.approve, Clock.decide):
        return seat(letter.approver) if letter.approver else "审批岗位"
    return "该场所负责人" if _is_principal(letter) else seat(letter.owner)


def _is_principal(letter: Letter) -> bool:
    """The place's own head, not the village's post that answers for a place without one."""
    return letter.owner_place and letter.owner is not None and letter.owner.kind == PostKind.enterprise_principal


def _every(hours: int) -> str:
    """Whole days from two days on, hours below."""
    return f"{hours // 24}天" if hours > 24 and hours % 24 == 0 else f"{hours}小时"


def _idle(letter: Letter) -> str:
    """Acknowledged, and nothing since."""
    return f"{day(letter.idle)}已签收，至今未动。" if letter.idle else ""


def _up(letter: Letter, now: datetime, most: int = 2) -> str:
    """When it goes up and to whom; at the top, how often it is said again. Whom the reader stands above is told, not reported to."""
    if letter.up:
        told = "、".join([seat(post) for post in letter.up_to if post != letter.reached][:most])
        upwards = f"{'告知' if letter.downwards else '报'}{told}" if told else "升级"
        return f"随即{upwards}。" if letter.up.at <= now else f"{when(letter.up.at)}未{_act(letter)}将{upwards}。"
    if letter.level and not letter.up and letter.repeat_hours:
        return f"未{_act(letter)}每{_every(letter.repeat_hours)}再报。"
    return ""


def _late(missed: Step | None, said: Callable[[datetime], str]) -> str:
    return f"本应于{said(missed.at)}升{missed.level}级。" if missed else ""


def _promise(letter: Letter) -> str:
    """That somebody had taken it up, and the time they promised has come."""
    promised = letter.facts.get("promised")
    return f"接手时承诺{when(from_micros(promised))}前办理，未见进展。" if promised else ""


def _nobody(letter: Letter) -> str:
    """The post that reaches nobody; where there is no such post at all, its kind."""
    word = str(letter.facts.get("post", ""))
    return seat(letter.nobody) if letter.nobody else PostKind(word).zh if word in PostKind.__members__ else word


def _because(letter: Letter) -> str:
    said = letter.because or letter.facts.get("why")
    if not said:
        return ""
    return f"原因：{ReasonCode(said).zh if said in ReasonCode.__members__ else ended(said)}。"
