"""Line 14: every message says why you, why now, what next, and (where a limit runs) when it goes up and to whom.

Each purpose is brought about by the steps that bring it about, sent over a real socket and read as its recipient reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from models.database import transaction
from models.enumerations import Purpose
from notifications.countdown import countdown_due
from notifications.render import HEADS
from statemachines.watch import watch
from tests.acceptance.conftest import Scene
from tests.town import person_of

WHY_YOU = re.compile(r"您为|您代|转您|转由您")
GOES_UP = re.compile(r"未\S+将(报|升级|告知)|未\S+每\d+(小时|天)再报")


@dataclass(frozen=True)
class Letter:
    """A purpose: what brings it about, who reads it, and the words that say why now and what next. `climbs`: a limit runs on it."""

    purpose: Purpose
    happens: Callable[[Scene], object]
    post: str
    why_now: str
    what_next: str
    climbs: bool = True


def overdue(scene: Scene) -> None:
    scene.stage.to_rectifying()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.stage.sweep()


def warned(scene: Scene) -> None:
    scene.stage.to_rectifying(sla_class="g7")
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.stage.sweep()


def review_overdue(scene: Scene) -> None:
    code = scene.stage.to_submitted()
    scene.stage.clock.advance_to(scene.stage.timer(code, "review").due_at)
    scene.stage.later(hours=24)
    scene.stage.sweep()


def returned(scene: Scene) -> None:
    code = scene.stage.to_submitted()
    scene.stage.act("inspector", "reinspect_fail", code, reason="measure_incomplete")


def decided(scene: Scene) -> None:
    request = scene.stage.ask_extension(scene.stage.to_rectifying(sla_class="g30"))
    scene.stage.act("deputy", "decline", request, reason="measure_incomplete")


def controlled(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.stage.act("deputy", "order_interim", code, interim_control="guard", reason="approval_needed")


def counted(scene: Scene) -> None:
    scene.stage.to_rectifying(sla_class="g30")
    scene.stage.at("2023-03-24T08:30+08:00")
    with transaction(scene.stage.engine) as session:
        countdown_due(session, scene.stage.clock)


def unreachable(scene: Scene) -> None:
    scene.stage.do("delete from holding where post_id = (select id from post where code = 'village-1')")
    overdue(scene)


def broken_phone(scene: Scene) -> None:
    scene.phones.now("status", only=person_of("owner"), status=404)
    scene.stage.to_assigned()
    scene.deliver()


def audited(scene: Scene) -> None:
    scene.stage.to_rectifying()
    scene.stage.do("update timer set stopped_at = '2023-02-20Z'")
    watch(scene.stage.engine, scene.stage.clock)


def set_a_task(scene: Scene) -> None:
    scene.stage.owes("office-head", "约谈企业负责人", task="talk")


P = Purpose
LETTERS = (
    Letter(P.to_dispatch, lambda scene: scene.stage.find(), "dispatcher", "待交办", "请于2月21日10:00前核实交办"),
    Letter(P.dispatch, lambda scene: scene.stage.to_assigned(), "owner", "隐患交办", "请先签收，2月23日23:59前整改到位"),
    Letter(P.review, lambda scene: scene.stage.to_submitted(), "inspector", "第1轮已报验", "请于2月23日18:00前复查"),
    Letter(P.reminder, warned, "owner", "距整改期限2月27日23:59还有2天", "请按期整改"),
    Letter(P.overdue, overdue, "village-1", "整改逾期1天8小时", "请督办"),
    Letter(P.review_overdue, review_overdue, "head-fire", "复查逾期", "请督办"),
    Letter(P.approval, lambda scene: scene.stage.to_verified(), "office-head", "复查合格，待审批", "请于2月22日18:00前审批"),
    Letter(P.returned, returned, "owner", "退回整改", "前重新整改并报验"),
    Letter(P.outcome, lambda scene: scene.stage.act("office-head", "reject", scene.stage.find(), reason="not_a_hazard"), "inspector",
           "不构成隐患", "无须回复", False),
    Letter(P.countdown, counted, "mayor", "距3月31日还有7天", "请督促按期办结", False),
    Letter(P.undeliverable, unreachable, "dispatcher", "东村村支部书记无人在岗或无可用通道", "请尽快补岗或登记联系方式", False),
    Letter(P.channel_failed, broken_phone, "dispatcher", "owner的人的短信网关发不出去", "请核对联系方式", False),
    Letter(P.operations, audited, "office-head", "发现1处异常", "请查明处理", False),
    Letter(P.application, lambda scene: scene.stage.ask_extension(scene.stage.to_rectifying(sla_class="g30")), "deputy",
           "延期申请，待审批", "前办理"),
    Letter(P.decision, decided, "owner", "延期申请：不予延期", "无须回复", False),
    Letter(P.interim, controlled, "owner", "即日起专人值守", "请落实到位", False),
    Letter(P.task, set_a_task, "office-head", "约谈企业负责人", "请于2月20日18:00前完成"),
    Letter(P.report, lambda scene: scene.stage.report(), "dispatcher", "群众举报", "前核实并答复"),
    Letter(P.start_work, lambda scene: scene.stage.to_assigned(place="pit", grade="major"), "owner-3", "不得开工",
           "请停止作业，经同意后再开工", False),
)  # fmt: skip


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: letter.purpose)
def test_14_a_message_says_why_you_why_now_what_next_and_when_it_goes_up(scene: Scene, letter: Letter) -> None:
    letter.happens(scene)
    scene.stage.do("update notice set state = 'cancelled' where purpose <> :purpose and state = 'planned'", purpose=letter.purpose)
    scene.deliver()
    said = scene.expect(letter.post, letter.why_now, letter.what_next).text
    assert WHY_YOU.search(said), said
    assert bool(GOES_UP.search(said)) == letter.climbs, said
    assert re.search(r"https?://\S+$", said), said


def test_14_every_purpose_is_read_here() -> None:
    assert {letter.purpose for letter in LETTERS} == set(Purpose) - HEADS


def test_14_a_bundle_says_through_which_posts_how_many_and_when_the_first_goes_up(scene: Scene) -> None:
    first = scene.stage.to_rectifying()
    scene.stage.later(hours=1)
    scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    said = scene.expect("village-1", "2项").text
    assert "您为东村村支部书记，共2项待处理" in said
    assert f"最早2月26日23:59（{first}）将升级上报" in said


def test_14_at_the_top_it_says_how_often_it_comes_again(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.stage.at("2023-03-06T08:00+08:00")
    scene.tick()
    assert "未整改每7天再报" in scene.expect("district", code, "逾期升级·5级").text


def test_14_who_stands_in_hears_for_whom(scene: Scene) -> None:
    scene.stage.holds("village-2", "village-1", for_whom="village-1")
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    assert "您代village-1的人任东村村支部书记" in scene.expect("village-2", code).text


def test_14_who_is_passed_up_to_hears_which_post_could_not_be_reached(scene: Scene) -> None:
    scene.stage.do("delete from holding where post_id = (select id from post where code = 'grid-1')")
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-23T08:00+08:00")
    scene.tick()
    assert "东村网格员无人可达，转您（东村村支部书记）" in scene.expect("village-1", code, "临期提醒").text


def test_14_what_stands_below_the_reader_is_told_and_not_reported_to(scene: Scene) -> None:
    request = scene.stage.ask_extension(scene.stage.to_rectifying(sla_class="g30"))
    scene.deliver()
    said = scene.expect("deputy", request).text
    assert "未审批将告知应急办主任" in said
    assert "报应急办主任" not in said


UPWARDS = re.compile(r"(?:最早)?(\d+)月(\d+)日(\d+):(\d+)(?:未\S{2,3}将|（[^）]+）将升级)")


@pytest.mark.parametrize("swept", [False, True])
def test_14_no_message_names_a_moment_that_has_passed_as_the_one_at_which_it_goes_up(scene: Scene, swept: bool) -> None:
    """The sender stood still for days; what it has to say of the assignment comes before the sweep has caught up, or after it."""
    scene.stage.to_assigned()
    scene.stage.to_assigned(place="shop-2")
    scene.stage.at("2023-02-22T11:00+08:00")
    if swept:
        scene.stage.sweep()
    scene.deliver()
    texts = [message.text for message in scene.phones.messages]
    named = [tuple(map(int, found.groups())) for text in texts for found in UPWARDS.finditer(text)]
    assert all(each > (2, 22, 11, 0) for each in named), texts
    assert bool(named) == swept, texts
    assert any("随即" in text for text in texts) != swept, texts


def test_8_who_has_acknowledged_and_done_nothing_since_is_named_so(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    assert "2月20日已签收，至今未动。" in scene.expect("village-1", code, "逾期升级·1级").text
    scene.stage.picture("owner", code)
    scene.stage.at("2023-02-27T08:00+08:00")
    scene.tick()
    assert "至今未动" not in scene.expect("deputy", code, "逾期升级·2级").text
