"""The words of the field: every enumeration with its Chinese and English label.

Identifiers are stored and spoken by programs; labels are what people read. Labels come from the vocabulary that Chinese
township safety offices use (隐患排查治理 forms and ledgers).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A string enumeration whose members carry a Chinese (`zh`) and an English (`en`) label."""

    zh: str
    en: str

    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        member.en = en or value.replace("_", " ")
        return member


class CaseKind(Word):
    """What a case is about; each kind has a machine of its own."""

    hazard = "hazard", "隐患"
    extension = "extension", "延期申请", "extension request"
    appeal = "appeal", "申诉"
    transfer = "transfer", "移送"
    listing = "listing", "挂牌督办", "listing for supervision"
    duty = "duty", "履职任务", "duty run"
    report = "report", "群众举报", "public report"


class CaseState(Word):
    """A state of a case: ended, nobody has a move any more and no timer runs."""

    @property
    def ended(self) -> bool:
        raise NotImplementedError


class HazardState(CaseState):
    found = "found", "已发现(待核实)"
    assigned = "assigned", "已交办"
    rectifying = "rectifying", "整改中"
    submitted = "submitted", "已报验(待复查)", "submitted for re-inspection"
    verified = "verified", "复查合格(待销号)", "verified, awaiting closure"
    closed = "closed", "已销号"
    reopened = "reopened", "反弹重开"
    rejected = "rejected", "核实不成立"
    duplicate = "duplicate", "重复合并"
    cancelled = "cancelled", "撤销"
    transferred = "transferred", "已移送"

    @property
    def ended(self) -> bool:
        """Nobody's move any more: no timer runs."""
        return self in ENDED

    @property
    def counts(self) -> bool:
        """Whether a case in this state is in N_valid, the denominator of every rate."""
        return self not in ENDED_OTHERWISE


class ExtensionState(CaseState):
    """延期申请: the hazard's clock goes on while it is asked."""

    asked = "asked", "待审批", "awaiting a decision"
    granted = "granted", "同意延期"
    declined = "declined", "不予延期"
    withdrawn = "withdrawn", "已撤回"
    lapsed = "lapsed", "已失效"

    @property
    def ended(self) -> bool:
        return self is not ExtensionState.asked


class AppealState(CaseState):
    asked = "asked", "待核查", "awaiting the office's opinion"
    opined = "opined", "待决定", "awaiting a decision"
    upheld = "upheld", "申诉成立"
    dismissed = "dismissed", "申诉不成立"
    withdrawn = "withdrawn", "已撤回"
    lapsed = "lapsed", "已失效"

    @property
    def ended(self) -> bool:
        return self not in (AppealState.asked, AppealState.opined)


class TransferState(CaseState):
    sent = "sent", "已移送待回复", "awaiting the recipient's reply"
    accepted = "accepted", "对方已接收"
    sent_back = "sent_back", "已退回", "sent back"

    @property
    def ended(self) -> bool:
        return self is not TransferState.sent


class ListingState(CaseState):
    proposed = "proposed", "待批准挂牌", "proposed"
    listed = "listed", "挂牌督办中", "on the list"
    delisting = "delisting", "申请摘牌", "delisting asked for"
    delisted = "delisted", "已摘牌", "off the list"
    declined = "declined", "不予挂牌"
    lapsed = "lapsed", "已失效"

    @property
    def ended(self) -> bool:
        return self in (ListingState.delisted, ListingState.declined, ListingState.lapsed)


class DutyState(CaseState):
    """One run of a duty, or a task. Late is done after it was due; missed, never done."""

    open = "open", "待完成", "to be done"
    done = "done", "已完成"
    excused = "excused", "已免责"
    missed = "missed", "未履职"
    cancelled = "cancelled", "已取消"

    @property
    def ended(self) -> bool:
        return self is not DutyState.open


class ReportState(CaseState):
    received = "received", "待核实"
    substantiated = "substantiated", "属实待答复", "found true, to be answered"
    unfounded = "unfounded", "不属实待答复", "found untrue, to be answered"
    answered = "answered", "已答复"
    disputed = "disputed", "举报人不满意", "disputed by the reporter"
    settled = "settled", "举报人满意", "settled"

    @property
    def ended(self) -> bool:
        return self in (ReportState.answered, ReportState.settled)


STATES: dict[CaseKind, type[CaseState]] = {
    CaseKind.hazard: HazardState,
    CaseKind.extension: ExtensionState,
    CaseKind.appeal: AppealState,
    CaseKind.transfer: TransferState,
    CaseKind.listing: ListingState,
    CaseKind.duty: DutyState,
    CaseKind.report: ReportState,
}
ENDED = frozenset({HazardState.closed, HazardState.rejected, HazardState.duplicate, HazardState.cancelled, HazardState.transferred})
ENDED_OTHERWISE = ENDED - {HazardState.closed}


class Grade(Word):
    general = "general", "一般"
    major = "major", "重大"


class SlaClass(Word):
    on_spot = "on_spot", "当场", "on the spot"
    g3 = "g3", "3日", "3 days"
    g7 = "g7", "7日", "7 days"
    g15 = "g15", "15日", "15 days"
    g30 = "g30", "30日", "30 days"
    major = "major", "重大按方案", "major, by its plan"


class Nature(Word):
    thing = "thing", "物的危险状态", "unsafe condition"
    person = "person", "人的不安全行为", "unsafe act"
    management = "management", "管理缺陷", "management defect"


class Source(Word):
    inspection = "inspection", "镇级检查"
    leader_led = "leader_led", "领导带队"
    self_check = "self_check", "企业自查"
    patrol = "patrol", "巡查巡护"
    public = "public", "群众举报"
    upper = "upper", "上级交办", "from above"  # type: ignore[assignment]  # hides str.upper, which nobody needs of a word
    joint = "joint", "联合检查", "joint inspection"
    recheck = "recheck", "回头看"


class Field(Word):
    """行业领域: whose business the hazard is."""

    mine = "mine", "矿山"
    tailings = "tailings", "尾矿库"
    hazchem = "hazchem", "危险化学品"
    fireworks = "fireworks", "烟花爆竹"
    road = "road", "道路运输"
    construction = "construction", "建筑施工"
    food_drug = "food_drug", "食品药品"
    crowded = "crowded", "人员密集场所"
    fire_nine = "fire_nine", "九小消防"
    street_shop = "street_shop", "沿街门店"
    forest = "forest", "森林防火"
    abandoned = "abandoned", "废弃坑口"
    power = "power", "用电"
    education = "education", "学校"
    other = "other", "其他"


class Threat(Word):
    """六防."""

    fire = "fire", "防火"
    leak = "leak", "防泄漏"
    explosion = "explosion", "防爆炸"
    poison = "poison", "防中毒"
    collapse = "collapse", "防坍塌"
    fall = "fall", "防坠落"


class PlaceKind(Word):
    small_factory = "small_factory", "小生产加工企业"
    small_shop = "small_shop", "小商店"
    small_beauty_bath = "small_beauty_bath", "小美容院洗浴"
    small_hotel = "small_hotel", "小旅馆"
    small_clinic = "small_clinic", "小诊所"
    small_restaurant = "small_restaurant", "小餐馆"
    street_shop = "street_shop", "沿街门店"
    school = "school", "中小学"
    kindergarten = "kindergarten", "幼儿园"
    hospital = "hospital", "卫生院"
    nursing_home = "nursing_home", "敬老院"
    supermarket = "supermarket", "中型商超"
    workshop = "workshop", "扶贫车间"
    mine = "mine", "矿山"
    tailings_pond = "tailings_pond", "尾矿库"
    abandoned_opening = "abandoned_opening", "废弃坑口"
    enterprise = "enterprise", "其他企业", "other enterprise"
    village_public = "village_public", "村公共部位"


class PlaceStatus(Word):
    active = "active", "营业"
    locked = "locked", "锁门"
    not_found = "not_found", "找不到"
    moved = "moved", "搬迁"
    shut = "shut", "停业"
    vacant = "vacant", "空置"
    home_use = "home_use", "自住"
    fitting = "fitting", "装修"
    sealed = "sealed", "查封"
    demolished = "demolished", "拆除"
    dup = "dup", "重复", "duplicate"


class UnitKind(Word):
    district = "district", "区"
    township = "township", "镇"
    village = "village", "村"
    team = "team", "站所", "team"


class PostKind(Word):
    enterprise_principal = "enterprise_principal", "企业主要负责人"
    enterprise_safety = "enterprise_safety", "企业安全员"
    grid_member = "grid_member", "网格员"
    village_secretary = "village_secretary", "村支部书记"
    ranger = "ranger", "护林员"
    checkpoint_guard = "checkpoint_guard", "检查站值守"
    inspector = "inspector", "检查人员(站所)", "inspector"
    station_head = "station_head", "站所负责人"
    office_dispatcher = "office_dispatcher", "镇安办调度"
    office_head = "office_head", "应急办主任"
    deputy_in_charge = "deputy_in_charge", "分管班子成员"
    township_head = "township_head", "镇长"
    party_secretary = "party_secretary", "镇党委书记"
    district_department = "district_department", "区行业主管部门"
    district_office = "district_office", "区安委办"
    discipline_viewer = "discipline_viewer", "纪检只读"
    reporter = "reporter", "举报人"
    system = "system", "系统"


LEADERS = frozenset({PostKind.deputy_in_charge, PostKind.township_head, PostKind.party_secretary})


class Clock(Word):
    """A running promise: whose move is timed."""

    dispatch = "dispatch", "交办"
    acknowledge = "acknowledge", "签收"
    rectify = "rectify", "整改"
    review = "review", "复查"
    approve = "approve", "销号审批", "approve closure"
    decide = "decide", "审批申请", "decide an application"
    reply = "reply", "移送回复", "reply to a transfer"
    answer = "answer", "答复举报", "answer a public report"
    progress = "progress", "进展报告", "report progress"
    duty = "duty", "履职", "do a duty"
    leader_duty = "leader_duty", "领导履职", "do a leader's duty"


class InterimControl(Word):
    none = "none", "无"
    warning = "warning", "警示"
    guard = "guard", "专人值守"
    evacuate = "evacuate", "撤人"
    stop_equipment = "stop_equipment", "停用"
    partial_stop = "partial_stop", "局部停产"
    full_stop = "full_stop", "全部停产"
    sealed = "sealed", "临时查封"
    power_cut = "power_cut", "停电"


class ListingLevel(Word):
    """挂牌督办 level."""

    none = "none", "无"
    township = "township", "镇级"
    county = "county", "县级"
    city = "city", "市级"
    province = "province", "省级"


class ReasonCode(Word):
    not_a_hazard = "not_a_hazard", "不构成隐患"
    wrong_place = "wrong_place", "场所错误"
    out_of_jurisdiction = "out_of_jurisdiction", "不属本镇管辖"
    place_gone = "place_gone", "场所已不存在"
    entered_by_mistake = "entered_by_mistake", "误录"
    evidence_missing = "evidence_missing", "佐证不足"
    measure_incomplete = "measure_incomplete", "整改不彻底"
    new_hazard_found = "new_hazard_found", "发现新隐患"
    fake_rectification = "fake_rectification", "虚假整改"
    weather = "weather", "天气原因"
    funding = "funding", "资金原因"
    supply = "supply", "物资供应"
    approval_needed = "approval_needed", "需上级审批"
    external_factor = "external_factor", "外部因素"


class InspectionTrigger(Word):
    """Why an inspection was held: the campaign's own round, and what calls for a special one (河南省安全生产条例 Art. 25)."""

    campaign = "campaign", "专项排查", "the campaign's round"
    routine = "routine", "日常检查", "routine"
    leader_led = "leader_led", "领导带队", "led by a leader"
    resumption = "resumption", "复工复产", "resumption of work"
    holiday = "holiday", "重大节假日", "major holiday"
    season = "season", "汛期及极端天气", "flood season or extreme weather"
    law_change = "law_change", "法规标准变化", "change of law"
    process_change = "process_change", "工艺设备变化", "change of process"
    event = "event", "大型活动", "large event"
    accident = "accident", "事故险情", "accident or near miss"
    recheck = "recheck", "回头看"
    report = "report", "举报核查", "public report"
    patrol = "patrol", "巡查巡护"


class InspectionResult(Word):
    passed = "passed", "未发现问题", "nothing found"
    issues = "issues", "发现问题", "issues found"
    not_accessible = "not_accessible", "未能入内", "not accessible"


class AnswerWord(Word):
    """What an inspector says to an item: `no` finds a hazard."""

    yes = "yes", "符合"
    no = "no", "不符合"
    na = "na", "不适用", "not applicable"


class StartWork(Word):
    """不安全不开工: whether a place may work."""

    allowed = "allowed", "可以开工"
    blocked = "blocked", "不得开工"
    pending = "pending", "待复工审查", "awaiting a review before work resumes"


class SealType(Word):
    """How an abandoned opening is closed."""

    wall = "wall", "砌墙封堵", "walled up"
    backfill = "backfill", "回填", "filled in"
    fence = "fence", "围挡", "fenced off"
    none = "none", "未封堵", "open"


class Risk(Word):
    """How often a place that nobody works in is patrolled."""

    high = "high", "高"
    low = "low", "低"


class DutyTask(Word):
    """What a duty run asks for; `duty` is the township's own, the rest follow from other cases."""

    duty = "duty", "履职", "a recurring duty"
    recheck = "recheck", "回头看", "look again after closure"
    publish = "publish", "公示", "publish"
    power_cut_notice = "power_cut_notice", "停电提前通知", "notice before a power cut"
    talk = "talk", "约谈", "summon for a talk"
    start_work_check = "start_work_check", "复工审查", "review before work resumes"
    regrade = "regrade", "按新标准复核等级", "look at the grade under new criteria"


class ReportChannel(Word):
    qr = "qr", "场所二维码", "QR code of a place"
    form = "form", "网页表单", "form"
    phone = "phone", "电话"
    visit = "visit", "来访"


class Verdict(Word):
    """What the reporter says of the answer."""

    satisfied = "satisfied", "满意"
    not_fixed = "not_fixed", "没有整改好", "not fixed"


class RecurrenceKind(Word):
    """How a hazard is known to be one that came back."""

    same_item = "same_item", "同场所同项目", "the same item at the same place"
    same_words = "same_words", "同场所相似表述", "similar wording at the same place"
    village_family = "village_family", "同村同类多发", "the same family again and again in a village"


class EvidenceKind(Word):
    before = "before", "整改前照片"
    after = "after", "整改后照片"
    document = "document", "文书材料"
    signature = "signature", "签字扫描件"
    photo = "photo", "现场照片", "photo of the scene"
    scan = "scan", "签收回执扫描件", "scan of a signed paper"


class DocKind(Word):
    """文书."""

    inspection_record = "inspection_record", "现场检查记录"
    notice = "notice", "整改通知书", "rectification notice"
    dispatch = "dispatch", "交办单", "dispatch note"
    instruction_order = "instruction_order", "责令限期整改指令书", "order to rectify in time"
    onsite_measure = "onsite_measure", "现场处理措施决定书", "on-site measure"
    review_opinion = "review_opinion", "整改复查意见书", "opinion on re-inspection"


class PaperKind(Word):
    """What Bihuan writes: the forms of one hazard, then the tables and reports of the township. Names as in DocKind where it has them."""

    inspection_record = "inspection_record", "现场检查记录", "inspection record"
    onsite_measure = "onsite_measure", "现场处理措施决定书", "decision on an on-site measure"
    coercive_measure = "coercive_measure", "强制措施决定书", "decision on a coercive measure"
    instruction_order = "instruction_order", "责令限期整改指令书", "order to rectify in time"
    notice = "notice", "整改通知书", "rectification notice"
    advice = "advice", "隐患整改告知书", "advice on rectification"
    dispatch = "dispatch", "隐患交办单", "dispatch note"
    review_opinion = "review_opinion", "整改复查意见书", "opinion on re-inspection"
    listing_notice = "listing_notice", "挂牌督办通知书", "notice of a listing for supervision"
    extension_form = "extension_form", "整改延期申请书", "application for more time"
    acceptance_opinion = "acceptance_opinion", "重大隐患治理验收意见书", "opinion on acceptance"
    transfer_form = "transfer_form", "隐患抄告表", "transfer to another authority"
    urge_letter = "urge_letter", "督办函", "urging letter"
    weekly = "weekly", "周报", "weekly report"
    monthly = "monthly", "月报", "monthly report"
    work_report = "work_report", "工作开展情况", "work report"
    statistics = "statistics", "统计表", "statistics"
    brief = "brief", "工作简报", "brief"


class NoticeState(Word):
    """A message's way out; it never moves back. «sent» means the channel took it, «delivered» that the far end said so."""

    planned = "planned", "已计划"
    held = "held", "免打扰暂缓", "held for quiet hours"
    pending = "pending", "待发"
    sending = "sending", "发送中"
    sent = "sent", "已发出"
    delivered = "delivered", "已送达"
    retry = "retry", "待重试"
    failed = "failed", "失败"
    unknown = "unknown", "结果不明", "outcome unknown"
    bundled = "bundled", "并入合并消息", "in a bundle"
    cancelled = "cancelled", "已取消"
    expired = "expired", "已过期"


class Purpose(Word):
    """Why a message was written: one text template each."""

    to_dispatch = "to_dispatch", "待交办"
    dispatch = "dispatch", "隐患交办"
    review = "review", "待复查"
    reminder = "reminder", "临期提醒"
    overdue = "overdue", "逾期升级"
    review_overdue = "review_overdue", "复查超时"
    approval = "approval", "待销号审批", "closure awaits approval"
    returned = "returned", "退回整改"
    outcome = "outcome", "结果告知", "outcome told"
    countdown = "countdown", "专项倒计时", "campaign countdown"
    undeliverable = "undeliverable", "无法通知", "nobody to notify"
    channel_failed = "channel_failed", "通道故障", "channel failed"
    bundle = "bundle", "合并消息", "bundle"
    operations = "operations", "系统自检", "self-audit"
    application = "application", "待审批申请", "application to decide"
    decision = "decision", "申请结果", "application decided"
    interim = "interim", "临时管控", "interim control"
    task = "task", "履职任务", "duty to be done"
    report = "report", "群众举报", "public report"
    start_work = "start_work", "开工许可", "start-work gate"
    digest = "digest", "每日清单", "daily digest"
