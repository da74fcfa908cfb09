"""The township's report of 14 February 2023, parts three to five, walked through sentence by sentence: whatever it says the township does
is a case, a record or a duty here, and the system answers for it.

The example township is loaded as a newcomer loads it; the clock stands at nine on the morning of the report's date.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.clock import day_of
from models.cluster import Cluster
from models.database import transaction
from models.enumerations import ENDED_OTHERWISE, EvidenceKind, Field, Grade, PlaceKind, SlaClass, StartWork, Threat
from models.rules import rules_of
from papers.numbers.forecast import forecast
from papers.numbers.kpi import By, numbers_by
from papers.numbers.league import league
from papers.numbers.lives import read_flow
from papers.township import load, read
from statemachines.advance import register
from statemachines.coverage import coverage, inspections_of
from statemachines.evidence import add_evidence
from statemachines.gate import gate_of
from statemachines.inspection import record_inspection
from statemachines.plan_duties import plan_duties
from statemachines.registry_report import matrix_gaps, overlaps
from tests.stage import Stage, stage

XIZHANG = Path(__file__).resolve().parents[2] / "townships" / "xizhang"
REPORT_DAY = "2023-02-14T09:00+08:00"
MINES = (PlaceKind.mine, PlaceKind.tailings_pond, PlaceKind.abandoned_opening)


@dataclass
class Township:
    """The example, asked as an official asks."""

    stage: Stage

    @property
    def id(self) -> int:
        return self.stage.township_id

    def people_of(self, post: str) -> str:
        query = "select person.key from holding join person on person.id = person_id join post on post.id = post_id where post.code = :post"
        return str(self.stage.one(query + " limit 1", post=post).key)

    def acting(self, post: str) -> Any:
        return self.stage.acting(post, self.people_of(post))

    def duty(self, code: str) -> Any:
        return self.stage.one("select * from duty where code = :code and active", code=code)

    def owed(self, code: str) -> list[str]:
        """The posts that owe a run of this duty that is open now, each as often as it owes one."""
        query = """
            select post.code from duty_run run join duty on duty.id = run.duty_id join post on post.id = owner_post_id
            join cases c on c.id = run.case_id where duty.code = :code and c.state = 'open' and run.period <= :day order by 1
        """
        return [row.code for row in self.stage.all(query, code=code, day=day_of(self.stage.clock.now()))]

    def items(self) -> dict[str, Any]:
        rows = self.stage.all("select jsonb_array_elements(body -> 'items') as item from checklist")
        return {row.item["code"]: row.item for row in rows}

    def first(self, kind: str) -> str:
        return str(self.stage.one("select code from place where kind = :kind order by code limit 1", kind=kind).code)

    def place(self, code: str) -> Any:
        query = """
            select place.*, team.code as team, owner.code as responsible, owner.kind as responsible_kind from place
            join unit team on team.id = team_id join post owner on owner.id = responsible_post_id where place.code = :code
        """
        return self.stage.one(query, code=code)

    def inspect(self, post: str, place: str, said: dict[str, Any], **facts: Any) -> Any:
        now, wall = self.stage.clock.now(), self.stage.clock.wall()
        answers = {item: said.get(item, "yes") for item in asked_at(self, place)}
        with transaction(self.stage.engine) as session:
            whole = {"place": place, "trigger": "campaign", "answers": answers, **facts}
            return record_inspection(session, self.acting(post), now, wall=wall, facts=whole)

    def find(self, post: str, **facts: Any) -> str:
        with transaction(self.stage.engine) as session:
            return register(session, self.acting(post), self.stage.clock.now(), wall=self.stage.clock.wall(), facts=facts).code

    def do(self, post: str, trigger: str, code: str, **facts: Any) -> Any:
        return self.stage.act(post, trigger, code, person=self.people_of(post), **facts)

    def prove(self, post: str, code: str, *kinds: EvidenceKind) -> None:
        now = self.stage.clock.now()
        for kind in kinds:
            sha256 = hashlib.sha256(f"{code} {kind}".encode()).hexdigest()
            with transaction(self.stage.engine) as session:
                add_evidence(session, code, self.acting(post), now, kind=kind, sha256=sha256, taken_at=now)


def asked_at(t: Township, place: str) -> list[str]:
    kind = t.stage.one("select kind from place where code = :code", code=place).kind
    return [code for code, item in t.items().items() if kind in item["kinds"]]


@pytest.fixture(scope="module")
def template_of_the_example(cluster: Cluster, template: str) -> Iterator[str]:
    from models.clock import ManualClock, parse_time
    from models.database import engine

    name = f"report_{uuid.uuid4().hex[:8]}"
    cluster.create_database(name, template)
    bound, clock = engine(cluster.url(name)), ManualClock(parse_time(REPORT_DAY))
    with transaction(bound) as session:
        load(session, read(XIZHANG), clock.now(), salt="report")
        plan_duties(session, clock)
    bound.dispose()
    yield name
    cluster.drop_database(name)


@pytest.fixture
def t(cluster: Cluster, template_of_the_example: str) -> Iterator[Township]:
    from models.database import engine

    name = f"test_{uuid.uuid4().hex[:12]}"
    cluster.create_database(name, template_of_the_example)
    bound = engine(cluster.url(name))
    made = stage(bound, 0, REPORT_DAY)
    made.township_id = made.one("select id from township").id
    yield Township(made)
    bound.dispose()
    cluster.drop_database(name)


# 三、责任落实情况


def monthly_meeting(t: Township) -> None:
    duty = t.duty("monthly-meeting")
    assert duty.body["every"] == "month" and duty.body["evidence"] == ["document"]
    assert t.owed("monthly-meeting") == ["party-secretary"]


def the_meeting_looks_at_the_fields(t: Township) -> None:
    """分析研判辖区内重点领域的安全形势: hazards by field, for whoever prepares the minutes."""
    t.find(inspector_of(t, "mine"), place=t.first("mine"), description="采场边坡无警示标志", location="东侧", field="mine")
    with transaction(t.stage.engine) as session:
        by_field = {row.unit: row for row in numbers_by(session, t.id, t.stage.clock.now(), By.field)}
    assert by_field["mine"].found == 1


def packs_are_named_and_left_to_the_township(t: Township) -> None:
    packs = t.stage.one("select rules -> 'duty_packs' as packs from township").packs
    assert {pack["title"]: pack["note"] for pack in packs} == {"四个一次": "待镇安办填写", "三个全员": "待镇安办填写"}


def leaders_lead_an_inspection_every_week(t: Township) -> None:
    """And going does the duty: nobody has to report it a second time."""
    assert (t.owed("secretary-led"), t.owed("head-led")) == (["party-secretary"], ["township-head"])
    place = t.first("mine")
    led = {"trigger": "leader_led", "leader_post": "party-secretary", "officers": [{"post": "party-secretary"}]}
    t.inspect(inspector_of(t, "mine"), place, {}, **led)
    assert (t.owed("secretary-led"), t.owed("head-led")) == ([], ["township-head"])


def deputies_answer_for_their_fields(t: Township) -> None:
    with transaction(t.stage.engine) as session:
        fields = rules_of(session, t.id).fields
        gaps = matrix_gaps(session, t.id, t.stage.clock.now())
    assert fields["fire_nine"].team == "fire_center" and fields["fire_nine"].deputy
    unsupervised = {field for field, _ in gaps.fields}
    assert unsupervised >= {Field.mine, Field.hazchem, Field.road, Field.food_drug}, "the report names no team for these: that is a gap"
    assert len(t.owed("field-led")) == t.stage.one("select count(*) as n from post where kind = 'deputy_in_charge'").n


def enterprises_have_a_duty_system(t: Township) -> None:
    items = t.items()
    assert "制度" in items["A1"]["text"] and "责任人" in items["A2"]["text"]


def the_principal_is_first_responsible(t: Township) -> None:
    """企业主要负责人是安全生产的第一责任人: what is found at an enterprise is theirs to mend."""
    assert t.place(t.first("small_factory")).responsible_kind == "enterprise_principal"


def enterprises_check_themselves(t: Township) -> None:
    factory = t.first("small_factory")
    owner = t.place(factory).responsible
    assert owner in t.owed("enterprise-self-check")
    made = t.inspect(owner, factory, {"C1": "no"}, trigger="routine")
    (code,) = [code for _, code in made.hazards]
    assert t.stage.case(code).source == "self_check"


def unsafe_no_work(t: Township) -> None:
    """不安全不开工: a major hazard closes the gate, consent after a review opens it."""
    mine = t.first("mine")
    t.find(inspector_of(t, "mine"), place=mine, grade="major", description="安全出口少于2个", location="主井")
    with transaction(t.stage.engine) as session:
        gate = gate_of(session, t.id, mine)
    assert gate.state == StartWork.blocked and gate.because[0].case_code


def training_every_month_with_its_archive(t: Township) -> None:
    duty = t.duty("enterprise-training")
    assert duty.body["every"] == "month" and duty.pack == "three-all" and set(duty.body["evidence"]) == {"document", "photo"}
    assert duty.body["gate"] is True
    factories = t.stage.one("select count(*) as n from place where kind = 'small_factory'").n
    assert factories <= len(t.owed("enterprise-training"))


# 四、检查范围和重点领域


def every_village_and_every_place(t: Township) -> None:
    """全镇所有行政村、所有行业领域、所有企业单位和生产经营场所: whatever has not been inspected yet is counted, village by village."""
    with transaction(t.stage.engine) as session:
        by_village = coverage(session, t.id, None, "village")
        assert len(by_village) == 41 and sum(each.in_scope for each in by_village) == 872
        assert all(each.share == 0 for each in by_village if each.in_scope)
    t.inspect(inspector_of(t, "small_shop"), t.first("small_shop"), {})
    with transaction(t.stage.engine) as session:
        assert sum(each.seen for each in coverage(session, t.id, None, "village")) == 1


def crowded_places_are_looked_after_daily(t: Township) -> None:
    assert len(t.owed("crowded-fire-patrol")) == 13


def every_field_has_items(t: Township) -> None:
    """矿山及尾矿库、危险化学品、烟花爆竹、道路运输、建筑施工、食品药品."""
    fields = {item["field"] for item in t.items().values()}
    kinds = {kind for item in t.items().values() for kind in item["kinds"]}
    assert fields >= {"hazchem", "fireworks", "road", "construction", "food_drug"}
    assert kinds >= {"mine", "tailings_pond"}


def six_preventions(t: Township) -> None:
    assert {item["threat"] for item in t.items().values()} == set(Threat)


def what_comes_back_is_known(t: Township) -> None:
    """突出对反复发生、长期未得到根治的重点问题."""
    shop = t.first("small_shop")
    inspector = inspector_of(t, "small_shop")
    code = t.find(inspector, place=shop, item="C1", description="灭火器压力不足", location="门口")
    close(t, code)
    t.stage.later(days=3)
    again = t.stage.case(t.find(inspector, place=shop, item="C1", description="灭火器压力不足", location="门口"))
    assert (again.recurrence_count, again.recurrence_kind) == (1, "same_item")


def six_teams_inspect(t: Township) -> None:
    teams = {row.code for row in t.stage.all("select code from unit where kind = 'team'")}
    assert teams == {"law_enforcement", "emergency_office", "fire_center", "police", "central_school", "power_office"}
    shop = t.first("small_shop")
    t.inspect(inspector_of(t, "small_shop"), shop, {})
    with transaction(t.stage.engine) as session:
        (seen,) = inspections_of(session, t.id, team=t.place(shop).team)
    assert seen.place == shop


def the_registry_counts_as_the_report_does(t: Township) -> None:
    """355 = 68 + 163 + 12 + 3 + 47 + 62, 231, 13; and nobody twice."""
    with transaction(t.stage.engine) as session:
        found = overlaps(session, t.id)
    assert (found.nine_small, found.crowded) == (355, 13)
    assert found.total == 872
    counts = {row.kind: row.n for row in t.stage.all("select kind, count(*) as n from place group by kind")}
    assert sum(n for kind, n in counts.items() if kind.startswith("small_")) == 68 + 163 + 12 + 3 + 47 + 62 == 355
    assert counts["street_shop"] == 231 and [counts[kind] for kind in MINES] == [4, 2, 267]


def mines_ponds_and_openings_are_patrolled(t: Township) -> None:
    patrols = [len(t.owed(code)) for code in ("mine-patrol", "pond-patrol", "opening-patrol-high", "opening-patrol")]
    assert patrols[:2] == [4, 2] and patrols[2] + patrols[3] == 267


def the_four_foci_are_asked(t: Township) -> None:
    """消防安全责任制落实、日常防火检查巡查、建筑消防设备设施和安全出口及疏散通道、应急疏散预案制定及演练."""
    families = {code[0] for code in asked_at(t, t.first("school"))}
    assert families >= {"A", "B", "C", "D", "E"}


def all_by_the_end_of_march(t: Township) -> None:
    """确保2023年3月底前全部整改到位: the campaign's deadline caps every limit, and what is open is forecast against it."""
    t.stage.at("2023-03-28T10:00+08:00")
    code = t.find(inspector_of(t, "small_shop"), place=t.first("small_shop"), description="线路老化", location="后厨", sla_class="g15")
    t.do("office-dispatcher", "assign", code)
    case = t.stage.case(code)
    assert case.campaign_capped and day_of(case.due_at) == date(2023, 3, 31)
    with transaction(t.stage.engine) as session:
        flow = read_flow(session, t.id, t.stage.clock.now())
        assert flow is not None
        assert forecast(flow, t.stage.clock.now()).whole.open == 1


def rangers_and_the_checkpoint_every_day(t: Township) -> None:
    assert len(set(t.owed("ranger-patrol"))) == 37 and len(t.owed("checkpoint-shift")) == 1
    ranger = t.owed("ranger-patrol")[0]
    query = """
        select c.code from duty_run run join cases c on c.id = run.case_id join duty on duty.id = duty_id
        join post on post.id = owner_post_id where duty.code = 'ranger-patrol' and post.code = :ranger order by run.period limit 1
    """
    code = t.stage.one(query, ranger=ranger).code
    t.prove(ranger, code, EvidenceKind.photo)
    assert t.do(ranger, "do_duty", code).state == "done"


def a_missed_patrol_climbs(t: Township) -> None:
    t.stage.later(days=3)
    climbs = [climb for climb in t.stage.sweep().climbs if climb.clock == "duty" and climb.level >= 1]
    assert climbs and all("office-dispatcher" in climb.posts for climb in climbs)


# 五、宣传教育情况


def cadres_stations_and_principals_are_trained(t: Township) -> None:
    for code in ("cadre-training", "station-training", "principal-training"):
        assert t.owed(code) == ["office-head"], code


def both_streets_are_taught(t: Township) -> None:
    streets = t.stage.one("select rules -> 'market_streets' as streets from township").streets
    assert streets == ["张村街道", "宜村街道"] and len(t.owed("street-training")) == 1


def the_first_lesson_of_work(t: Township) -> None:
    """The report of the 14th tells of the 16th as past: taken as written, with the doubt beside it."""
    duty = t.duty("first-lesson")
    assert duty.body["due"]["day"] == 16 and "日期存疑" in duty.body["note"]


def booklets_at_fairs(t: Township) -> None:
    assert t.owed("fair-publicity") == ["office-head"]


def villages_tell_everybody(t: Township) -> None:
    assert len(set(t.owed("village-publicity"))) == 41


# 下一步


def responsibility_is_assessed(t: Township) -> None:
    """完善……考核评价体系: every village is scored, and none is ranked before there is enough to go by."""
    with transaction(t.stage.engine) as session:
        standing = league(session, t.id, t.stage.clock.now())
    assert len(standing.rows) == 41


SENTENCES: tuple[tuple[str, Callable[[Township], None]], ...] = (
    ("三 每月组织召开安全生产专题会议", monthly_meeting),
    ("三 分析研判辖区内重点领域的安全形势，研究解决突出问题", the_meeting_looks_at_the_fields),
    ("三 四个一次、三个全员", packs_are_named_and_left_to_the_township),
    ("三 书记、镇长坚持每周带队督导检查", leaders_lead_an_inspection_every_week),
    ("三 各分管班子成员、部门负责人、镇直各单位负责人具体负责分管领域", deputies_answer_for_their_fields),
    ("三 建立健全全员安全生产责任制，制定安全生产主体责任清单", enterprises_have_a_duty_system),
    ("三 企业主要负责人是安全生产的第一责任人", the_principal_is_first_responsible),
    ("三 企业内部定期开展内部安全隐患自查自纠", enterprises_check_themselves),
    ("三 不安全不开工", unsafe_no_work),
    ("三 每月开展“三个全员”安全教育培训，建立培训档案", training_every_month_with_its_archive),
    ("四 全镇所有行政村、所有行业领域、所有企业单位和生产经营场所", every_village_and_every_place),
    ("四 重点加强人员密集场所安全监管", crowded_places_are_looked_after_daily),
    ("四 重点检查矿山及尾矿库、危险化学品、烟花爆竹、道路运输、建筑施工、食品药品", every_field_has_items),
    ("四 防火、防泄漏、防爆炸、防中毒、防坍塌、防坠落", six_preventions),
    ("四 反复发生、长期未得到根治的重点问题", what_comes_back_is_known),
    ("四 组织执法队、应急办、消防服务中心、派出所、中心校、电管所", six_teams_inspect),
    ("四 “九小”场所355家，沿街门店231家，及人员密集场所", the_registry_counts_as_the_report_does),
    ("四 4个有采矿权矿山及2个尾矿库、267个废弃坑口常态化巡查", mines_ponds_and_openings_are_patrolled),
    ("四 确保问题及时发现及时整改", a_missed_patrol_climbs),
    ("四 重点检查责任制、检查巡查、设施和安全出口、预案及演练", the_four_foci_are_asked),
    ("四 确保2023年3月底前全部整改到位", all_by_the_end_of_march),
    ("四 利用东山防火检查站及37名护林员每天巡查巡护", rangers_and_the_checkpoint_every_day),
    ("五 定期组织镇村两级干部、镇直单位负责人、企业负责人开展安全生产培训", cadres_stations_and_principals_are_trained),
    ("五 在张村街道和宜村街道召开消防安全现场培训会", both_streets_are_taught),
    ("五 2月16日下午，收看安全生产开工第一课，1000余人次", the_first_lesson_of_work),
    ("五 印制宣传册，利用集会对群众进行宣传", booklets_at_fairs),
    ("五 各企业每月开展一次安全培训活动，留存培训资料", training_every_month_with_its_archive),
    ("五 各行政村通过群众大会、大喇叭、微信群长期开展宣传教育", villages_tell_everybody),
    ("下一步 完善责任体系、组织体系、保障体系及考核评价体系", responsibility_is_assessed),
)


@pytest.mark.parametrize(("said", "answers"), SENTENCES, ids=[said for said, _ in SENTENCES])
def test_the_system_answers_for_what_the_report_says(t: Township, said: str, answers: Callable[[Township], None]) -> None:
    answers(t)


def inspector_of(t: Township, kind: str) -> str:
    """An inspector of the team that supervises the first place of this kind."""
    team = t.place(t.first(kind)).team
    query = "select post.code from post join unit on unit.id = unit_id where post.kind = 'inspector' and unit.code = :team order by 1"
    return str(t.stage.one(f"{query} limit 1", team=team).code)


def close(t: Township, code: str) -> None:
    """All the way, as the posts do it."""
    inspector, place = inspector_of(t, "small_shop"), t.first("small_shop")
    owner = t.place(place).responsible
    t.do("office-dispatcher", "assign", code, sla_class=SlaClass.g3)
    t.do(owner, "acknowledge", code)
    t.prove(owner, code, EvidenceKind.after)
    t.do(owner, "submit", code, text="已更换")
    t.do(inspector, "reinspect_pass", code, site_visit=True)
    assert t.do("office-head", "approve_close", code).state not in ENDED_OTHERWISE
    assert t.stage.case(code).grade == Grade.general
