"""The pages in English, as far as their fixed words go: menus, headings, buttons, states, kinds. What people wrote stays as they wrote it,
and so do the law's own sentences: a page in English still quotes a Chinese case.

A finished page is read once more, and each piece of text that is wholly a known word is said in English.
"""

from __future__ import annotations

import re
from functools import lru_cache

from models import enumerations
from models.enumerations import CaseKind, HazardState, Word
from statemachines.laws import LAWS

COOKIE, ENGLISH = "language", "en"
UI = {
    "隐患闭环": "Bihuan", "总览": "Overview", "待办": "Inbox", "台账": "Ledger", "隐患台账": "Ledger", "登记隐患": "Register a hazard",
    "现场检查": "Inspect", "自查": "Self-check", "履职任务": "Duties", "场所": "Places", "群众举报": "Public reports",
    "考核数据": "Key figures", "工作简报": "Brief", "责任矩阵": "Responsibility", "岗位": "Posts", "责任岗位": "Responsible post",
    "人员": "People", "升级阶梯": "Ladders", "消息": "Messages", "消息文字": "Wording", "看板": "Board", "我的": "Me", "搜索": "Search",
    "跳到正文": "Skip to content", "整改率": "Closed", "未销号": "Open", "已逾期": "Overdue", "条": "hazards", "天": "days",
    "今天": "today", "全部": "All", "重大": "Major", "一般": "General", "今天到期": "Due today", "明天到期": "Due tomorrow",
    "待分派": "To dispatch", "待复查": "To re-inspect", "待审批": "To approve", "走到哪一步": "Where they stand",
    "未销号隐患走势": "Open hazards", "各村整改率": "Villages", "分类进度": "By kind of place", "逾期升级": "Overdue longest",
    "红色清单": "Red list", "能不能按期清零": "In time?", "整改靠前": "Ahead", "需要加力": "Behind", "按此刻定稿": "Freeze as of now",
    "生成图片": "Make a picture", "本周简报": "Brief", "待我审批": "To approve", "待我交办": "To dispatch", "待我复查": "To re-inspect",
    "待我签收": "To acknowledge", "待我整改": "To rectify", "报到我处": "Escalated to me", "同意销号": "Approve", "审批销号": "Approve",
    "退回": "Return", "确认退回": "Return it", "取消": "Cancel", "撤回": "Undo", "整改前": "Before", "整改后": "After",
    "都办完了": "All done", "看看台账": "See the ledger", "全部村": "All villages", "全部类别": "All kinds", "一般和重大": "All grades",
    "下一页": "Next", "重大未销号": "Major, open", "升到 3 级以上": "Level 3 and up", "最新登记": "Newest",
    "最急在前": "Most urgent first", "最新在前": "Newest first", "保存这个筛选": "Keep this filter", "保存": "Keep",
    "清除筛选": "Clear", "预览交办": "Preview", "不办了": "Leave it", "照片": "Photos", "添加照片": "Add photos", "基本情况": "Facts",
    "具体位置": "Where exactly", "怎么改": "What to do", "督导站所": "Supervised by", "销号审批": "Approved by", "整改期限": "Due",
    "当前一步": "Now waits for", "发现": "Found", "分类": "Class", "依据": "Legal basis", "轮次 / 版本": "Round / version",
    "能往哪里走": "Where it may go", "经过": "History", "现在可以办": "What you may do now", "其余为什么不能办": "Why not the rest",
    "接下来会告诉谁": "Who is told next", "告诉过谁": "Who was told", "静默": "Silence", "如果一直没人办：": "If nobody acts:",
    "消息原文": "The message", "画成时间线": "As a timeline", "姓名": "Name", "今天的岗位": "Posts today", "用户名": "User name",
    "渠道": "Channels", "村": "Village", "按场所类别": "By kind of place", "按行业": "By trade", "只看缺口": "Gaps only",
    "今天没有岗位": "No post today", "没有联系渠道": "Can't be reached", "提醒": "Reminder", "到期时": "When due",
    "督办函": "Urging letter", "交办": "Assign", "签收": "Acknowledge", "报验": "Submit", "复查": "Re-inspect", "销号": "Close",
    "督办": "Take up", "退出登录": "Sign out", "更多": "More", "登录": "Sign in", "密码": "Password",
    "用户名或密码不对": "Wrong user name or password", "办完了": "Done", "台账报告": "Registry report", "空缺": "Vacant",
    "在岗": "Held", "排名": "League", "单位": "Unit", "名次": "Rank", "得分": "Points", "中文": "中文", "申请": "Applications",
    "履职": "Duties", "举报": "Reports", "全选本页": "All of this page", "已销号": "Closed",
}  # fmt: skip
SPANS = (
    (r"逾期 (\d+) 天", r"\1 d overdue"), (r"逾期 (\d+) 小时", r"\1 h overdue"), (r"剩 (\d+) 天", r"\1 d left"),
    (r"今天 (\d\d:\d\d) 到期", r"Due today \1"), (r"(\d+)月(\d+)日 (\d\d:\d\d)", r"\1/\2 \3"), (r"(\d+)月(\d+)日", r"\1/\2"),
    (r"第 (\d+) 版", r"Version \1"), (r"升级 (\d+) 级", r"Level \1"), (r"(\d+) 级", r"Level \1"), (r"(\d+) 条", r"\1 hazards"),
    (r"逾期 (\d+)", r"\1 overdue"), (r"(\d+) 家", r"\1"), (r"(\d+) 天", r"\1 days"),
)  # fmt: skip
KEPT = re.compile(r"(<(textarea|script|style)\b.*?</\2>)", re.DOTALL)
TEXT = re.compile(r">(\s*)([^<>]*[\u4e00-\u9fff][^<>]*?)(\s*)<")
SAID = re.compile(r'\b(aria-label|placeholder)="([^"]*[\u4e00-\u9fff][^"]*)"')


@lru_cache(maxsize=1)
def words() -> dict[str, str]:
    """Chinese to English: every enumeration and every trigger with its own two names, then the words of the screen."""
    kinds = [kind for kind in vars(enumerations).values() if isinstance(kind, type) and issubclass(kind, Word) and kind is not Word]
    known = {word.zh: word.en for kind in kinds for word in kind}
    steps = {each.zh: each.en for each in LAWS[CaseKind.hazard].transitions}
    states = {"待核实": HazardState.found, "整改中": HazardState.rectifying, "待销号": HazardState.verified}
    return {**known, **steps, **{zh: state.en for zh, state in states.items()}, **UI}


def english(page: str) -> str:
    """The page with its fixed words in English; what is typed in a form is left alone."""
    pieces = KEPT.split(page)
    return "".join(_piece(each) for at, each in enumerate(pieces) if at % 3 != 2).replace('<html lang="zh-CN">', '<html lang="en">', 1)


def _piece(piece: str) -> str:
    if KEPT.fullmatch(piece):
        return piece
    piece = TEXT.sub(lambda found: f">{found[1]}{_said(found[2])}{found[3]}<", piece)
    return SAID.sub(lambda found: f'{found[1]}="{_said(found[2])}"', piece)


def _said(zh: str) -> str:
    known = words().get(zh)
    if known:
        return known[:1].upper() + known[1:]
    for pattern, en in SPANS:
        if re.fullmatch(pattern, zh):
            return re.sub(pattern, en, zh)
    return zh
