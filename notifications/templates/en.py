"""What messages say in English, for developers and programs. The same names as in zh.py; a single message has at most 400 characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from models.clock import local
from models.enumerations import STATES, CaseKind, Clock, Grade, InterimControl, PostKind, Purpose, ReasonCode, StartWork
from notifications.letter import Letter, Seat, Step, from_micros
from notifications.templates.zh import ended

LIMIT = 400

TEMPLATES = {
    "to_dispatch": "[To dispatch] {code} {place}: {what} ({grade}). {you}: verify and assign it by {due}. {up}",
    "dispatch.mine": "[Assigned] {code} {place}: {what}. Grade {grade}: acknowledge it, and rectify by {due}. "
    "{you}; {supervisor} supervises. {up}",
    "dispatch": "[Assigned] {code} {place}: {what}. Grade {grade}, to be rectified by {due}. {you}: see that {doer} acknowledges. {up}",
    "review": "[Re-inspect] {code} {place}: {what}, round {round} submitted. {you}: re-inspect by {due}. {up}",
    "reminder.mine": "[Due soon] {code} {place}: {what}, {left} left to {act} until {due}, {state}. {idle}{you}: {act} in time. {up}",
    "reminder": "[Due soon] {code} {place}: {what}, {left} left to {act} until {due}, {state}. {idle}{you}: urge {doer}. {up}",
    "overdue.due.mine": "[Due now] {code} {place}: {what}, the time to {act} ended {due}. {idle}{you}: {act} now. {late}{up}",
    "overdue.due": "[Due now] {code} {place}: {what}, the time to {act} ended {due}. {idle}{you}: urge {doer}. {late}{up}",
    "overdue.mine": "[Overdue, level {level}] {code} {place}: {what}, {over} late to {act}. {idle}{you}: {act} now. {late}{up}",
    "overdue": "[Overdue, level {level}] {code} {place}: {what}, {over} late to {act}, responsible: {doer}. "
    "{idle}{you}: see to it. {late}{up}",
    "review_overdue.due.mine": "[Review due] {code} {place}: submitted {since} ago, to be re-inspected by {due}. "
    "{you}: do it now. {late}{up}",
    "review_overdue.due": "[Review due] {code} {place}: submitted {since} ago, to be re-inspected by {due}. {you}: urge {doer}. {late}{up}",
    "review_overdue.mine": "[Review late, level {level}] {code} {place}: submitted {since} ago, {over} late. {you}: do it now. {late}{up}",
    "review_overdue": "[Review late, level {level}] {code} {place}: submitted {since} ago, {over} late: {doer}. "
    "{you}: see to it. {late}{up}",
    "approval": "[To approve] {code} {place}: {what}, verified. {you}: approve or return its closure by {due}. {up}",
    "approval.due.mine": "[To approve] {code} {place}: {what}, the time to approve ended {due}. {you}: decide now. {late}{up}",
    "approval.due": "[To approve] {code} {place}: {what}, the time to approve ended {due}. {you}: urge {doer}. {late}{up}",
    "approval.late.mine": "[Approval late, level {level}] {code} {place}: {what}, {over} late. {you}: decide now. {late}{up}",
    "approval.late": "[Approval late, level {level}] {code} {place}: {what}, {over} late: {doer}. {you}: see to it. {late}{up}",
    "returned.mine": "[Returned] {code} {place}: {what}. {because}{you}: rectify anew and submit by {due}. {up}",
    "returned": "[Returned] {code} {place}: {what}. {because}{you}: see that {doer} rectifies anew by {due}. {up}",
    "outcome": "[Outcome] {code} {place}: {what}, now {state}. {because}{you}; no answer is needed.",
    "countdown": "[Campaign] {days} days to {deadline}: {open} open ({major} major), {per_day} a day to close, {forecast} forecast left. "
    "{scope}{about}{you}: see that they are closed in time.",
    "countdown.today": "[Campaign] Today, {deadline}, it ends: {open} open ({major} major). {scope}{about}{you}: finish today.",
    "countdown.over": "[Campaign] {days} days past {deadline}: {open} still open ({major} major). "
    "{scope}{about}{you}: see to control and new dates.",
    "undeliverable": "[Nobody to notify] {nobody} has no holder or no usable channel; its messages did not reach it. "
    "{you}: fill it or add a channel.",
    "channel_failed": "[Channel failed] The {scheme} of {broken} does not work. {because}{instead}{you}: check the address.",
    "operations": "[Self-audit] {said}. {you}: find out and see to it.",
    "application": "[To decide] {code} {place}: {what}, {asked}, {state}. {you}: see to it by {due}. {up}",
    "decision": "[Decided] {code} {place}: {what}, {asked}: {state}{until}. {because}{you}; no answer is needed.",
    "interim": "[Interim control] {code} {place}: {what}, {control}. {you}: see that it is kept.",
    "interim.lifted": "[Control lifted] {code} {place}: {what}, {control}. {you}; no answer is needed.",
    "task": "[Task] {code} {place}: {what}. {you}: do it by {due}. {up}",
    "report": "[Public report] {code} {place}: {state}. {you}: verify and answer it by {due}. {up}",
    "start_work.mine": "[Start-work gate] {place}: {gate}, because of {code} {what}. {you}: stop work until it is allowed.",
    "start_work": "[Start-work gate] {place}: {gate}, because of {code} {what}. {you}: see that work stops until it is allowed.",
    "start_work.open": "[Start-work gate] {place}: {gate} ({code}). {you}; no answer is needed.",
}

PLAIN = "[{label}] {code}: see the link (the text of this message could not be made)."
TITLE = "{count} messages"
DIGEST_TITLE = "Daily list ({count})"
# Around the lines of many in one.
FRAMES = {
    "bundle": "[{count} messages] {you}: {count} matters wait, the urgent first:\n{lines}\n{more}{up}",
    "bundle.more": "and {count} more, see the list.",
    "digest": "[Daily list] {you}: {own} to do, {overdue} overdue, {waiting} to decide. The longest overdue first:\n{lines}\n{more}",
}
EARLIEST = "The first to go up: {code} at {at}."
SOON = "{code} goes up at once."
AGAIN = "What stays open is said again every {hours} hours."
LINE = "{number}. [{label}] {said}"
LINES = {
    "to_dispatch": "{code} {place}: {what}, assign by {due}",
    "dispatch": "{code} {place}: {what} ({grade}), rectify by {due}",
    "review": "{code} {place}: {what}, re-inspect by {due}",
    "reminder": "{code} {place}: {what}, {left} left to {act} until {due}",
    "overdue.due": "{code} {place}: {what}, the time to {act} ended {due}",
    "overdue": "{code} {place}: {what}, {over} late to {act}, level {level}. {late}",
    "review_overdue.due": "{code} {place}: to be re-inspected by {due}",
    "review_overdue": "{code} {place}: re-inspection {over} late, level {level}. {late}",
    "approval": "{code} {place}: {what}, approve by {due}",
    "approval.due": "{code} {place}: to be approved by {due}",
    "approval.late": "{code} {place}: approval {over} late, level {level}. {late}",
    "returned": "{code} {place}: {what}, rectify anew by {due}",
    "outcome": "{code} {place}: {what}, now {state}",
    "countdown": "{days} days to {deadline}: {open} open ({major} major)",
    "countdown.today": "it ends today, {deadline}: {open} open ({major} major)",
    "countdown.over": "{days} days past {deadline}: {open} still open ({major} major)",
    "undeliverable": "{nobody} has no holder or no usable channel",
    "channel_failed": "the {scheme} of {broken} does not work",
    "operations": "{said}",
    "application": "{code} {place}: {asked}, decide by {due}",
    "decision": "{code} {place}: {asked}, {state}",
    "interim": "{code} {place}: {control}",
    "task": "{code} {place}: {what}, by {due}",
    "report": "{code} {place}: {state}, answer by {due}",
    "start_work": "{place}: {gate} ({code})",
}
LABELS = {
    "to_dispatch": "to dispatch", "dispatch": "assigned", "review": "re-inspect", "reminder": "due soon", "overdue": "overdue",
    "review_overdue": "review late", "approval": "to approve", "returned": "returned", "outcome": "outcome", "countdown": "campaign",
    "undeliverable": "nobody", "channel_failed": "channel", "operations": "self-audit",
    "application": "to decide", "decision": "decided", "interim": "control", "task": "task", "report": "public report",
    "start_work": "start-work",
}  # fmt: skip

HEAD = "the head of the place"
OFFICE = (PostKind.office_dispatcher, PostKind.office_head)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ACTS = {
    Clock.dispatch: "assign", Clock.acknowledge: "acknowledge", Clock.rectify: "rectify", Clock.review: "re-inspect",
    Clock.approve: "approve", Clock.decide: "decide", Clock.reply: "get the reply", Clock.answer: "answer",
    Clock.progress: "report progress", Clock.duty: "do it", Clock.leader_duty: "do it",
}  # fmt: skip


def words(letter: Letter, now: datetime) -> dict[str, str]:
    """Everything a template may name; `now` is business time."""
    return {
        "code": letter.code or "", "place": letter.place or "", "what": ended(letter.what), "round": str(letter.round),
        "grade": Grade(letter.grade).en if letter.grade else "", "state": _state(letter),
        "act": _act(letter), "doer": _doer(letter), "supervisor": letter.supervisor or "the office", "level": str(letter.level),
        "due": when(letter.due_at), "left": _span(letter.due_at - now) if letter.due_at else "",
        "over": _span(now - letter.due_at) if letter.due_at else "", "since": _span(now - letter.since) if letter.since else "",
        "late": _promise(letter) or _late(letter.late), "you": you(letter), "up": _up(letter, now), "up_short": _up(letter, now, 1),
        "idle": f"Acknowledged {_day(letter.idle)}, nothing done since. " if letter.idle else "", "idle_short": "",
        "late_short": _late(letter.late), "because": _because(letter),
        "nobody": seat(letter.nobody) if letter.nobody else str(letter.facts.get("post", "")), "broken": letter.broken or "",
        "scheme": letter.broken_scheme or "channel", "said": str(letter.facts.get("text", "")),
        "asked": CaseKind(letter.kind).en, "control": _control(letter), "until": _until(letter), "gate": _gate(letter),
        "instead": "Another channel is used. " if letter.facts.get("left") else "There is no other; the post above is told. ",
    } | _numbers(letter.facts)  # fmt: skip


def _numbers(facts: Mapping[str, Any]) -> dict[str, str]:
    names = [f"{seat(Seat(**each['post']))} ({each['open']})" for each in facts.get("most", ())]
    plain = {name: str(facts.get(name, 0)) for name in ("open", "major", "per_day", "forecast")}
    scope = f"{facts['mine']} of them yours. " if facts.get("mine") is not None else ""
    return plain | {
        "days": str(abs(facts.get("days", 0))), "about": f"{facts['about']}. " if facts.get("about") else "",
        "deadline": when(from_micros(facts["deadline"])) if "deadline" in facts else "",
        "scope_short": scope, "scope": scope + (f"Most: {', '.join(names)}. " if names else ""),
    }  # fmt: skip


def seat(post: Seat | None) -> str:
    """A post by its kind, with its unit where the kind alone doesn't say it."""
    if post is None:
        return "the post"
    kind = PostKind(post.kind)
    alone = post.unit_kind in ("township", "district") or kind in OFFICE
    return f"the {kind.en}" if alone else f"the {kind.en} of {post.unit}"


def you(letter: Letter) -> str:
    """Why this person: their post, the post that couldn't be reached, or whom they stand in for."""
    own = HEAD if letter.mine and _is_principal(letter) and letter.reached == letter.owner else seat(letter.reached)
    if letter.purpose == Purpose.approval and letter.facts.get("climbed"):
        return f"The approvers below took part, so it is yours as {own}"
    if letter.meant and letter.reached != letter.meant:
        return f"T{seat(letter.meant)[1:]} can't be reached, so this comes to you as {own}"
    if letter.standing_in_for:
        return f"You stand in for {letter.standing_in_for} as {own}"
    return f"You are {own}" if letter.reached else "For your information"


def many(letters: Sequence[Letter]) -> str:
    """Why this person gets a bundle: every post through which they hear something."""
    posts = list(dict.fromkeys(seat(letter.reached) for letter in letters if letter.reached))
    return f"You are {', '.join(posts[:3])}{' and more' if len(posts) > 3 else ''}" if posts else "For your information"


def item(number: int, said: Mapping[str, Any], now: datetime) -> str:
    """A line of the daily list; `said` has the case's code and place, the clock, and when it is due in UTC microseconds."""
    act, due = ACTS[Clock(said["clock"])], from_micros(said["due"]) if said["due"] is not None else None
    late = f"{_span(now - due)} late" if due and due < now else f"by {when(due)}"
    return f"{number}. [{act}] {said['code']} {said['place']}: {late}"


def when(instant: datetime | None) -> str:
    return f"{_day(instant)} {local(instant):%H:%M}" if instant else "its due time"


def _day(instant: datetime) -> str:
    return f"{local(instant).day} {MONTHS[local(instant).month - 1]}"


def _state(letter: Letter) -> str:
    return STATES[CaseKind(letter.kind)](letter.state).en if letter.state else ""


def _until(letter: Letter) -> str:
    due, before = letter.facts.get("due"), letter.facts.get("due_before")
    if not isinstance(due, int) or not isinstance(before, int):
        return ""
    return f", new limit {when(from_micros(due))} (was {when(from_micros(before))})"


def _control(letter: Letter) -> str:
    control = InterimControl(letter.control or InterimControl.none)
    return "the control is lifted" if control == InterimControl.none else f"from now on: {control.en}"


def _gate(letter: Letter) -> str:
    return StartWork(letter.gate or StartWork.allowed).en


def _act(letter: Letter) -> str:
    return ACTS[Clock(letter.clock)] if letter.clock else "act"


def _doer(letter: Letter) -> str:
    if letter.clock == Clock.dispatch:
        return "the office"
    if letter.clock == Clock.review:
        return f"the inspectors of {letter.supervisor or 'the team'}"
    if letter.clock == Clock.answer:
        return "the office"
    if letter.clock in (Clock.approve, Clock.decide):
        return seat(letter.approver) if letter.approver else "the approver"
    return HEAD if _is_principal(letter) else seat(letter.owner)


def _is_principal(letter: Letter) -> bool:
    return letter.owner_place and letter.owner is not None and letter.owner.kind == PostKind.enterprise_principal


def _up(letter: Letter, now: datetime, most: int = 2) -> str:
    if letter.up:
        told = " and ".join([seat(post) for post in letter.up_to if post != letter.reached][:most]) or "the next level"
        return f"T{told[1:]} will be told at once." if letter.up.at <= now else f"Otherwise {told} will be told on {when(letter.up.at)}."
    if letter.level and not letter.up and letter.repeat_hours:
        hours = letter.repeat_hours
        return f"Said again every {f'{hours // 24} days' if hours > 24 and hours % 24 == 0 else f'{hours} hours'}."
    return ""


def _late(missed: Step | None) -> str:
    return f"It would have escalated to level {missed.level} on {when(missed.at)}. " if missed else ""


def _promise(letter: Letter) -> str:
    """That somebody had taken it up, and the time they promised has come."""
    promised = letter.facts.get("promised")
    return f"Promised for {when(from_micros(promised))} by who took it up; nothing since. " if promised else ""


def _because(letter: Letter) -> str:
    said = letter.because or letter.facts.get("why")
    return f"Reason: {ReasonCode(said).en if said in ReasonCode.__members__ else ended(said)}. " if said else ""


def _span(delta: timedelta) -> str:
    """Two largest units, rounded down: «2 d 3 h», «3 h 20 min»."""
    minutes = abs(delta) // timedelta(minutes=1)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    first = next((place for place, (number, _) in enumerate(parts) if number), 2)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number) or "0 min"
