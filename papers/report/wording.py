"""The sentences of the work report. Each stands only where every fact that it names counts something; `:0` lets a zero stand. One that
names none leads others in, and stands only with one of them; `#` is the numeral of its paragraph among those that stand.

The order and the titles of the sections are those that townships use (工作部署、机构建立、责任落实、检查范围和重点领域、宣传教育), with
what came of it (隐患整改) between the last two. The words are ours.
"""

from __future__ import annotations

OPENING = (
    "按照上级关于安全生产工作的部署要求，{town}党委政府高度重视，自{start}起组织开展{campaign}，坚决防范和遏制重特大事故发生。",
    "截至{cut}，共检查{visits}次，发现隐患{found}条，已整改销号{closed:0}条，整改率{rate}。",
    "现将工作开展情况汇报如下：",
)
SECTIONS: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("工作部署情况", ((
        "{we}对照部署逐条细化工作措施，要求{deadline}前全部整改到位。",
        "目标是重大隐患整改率{target_major}、一般隐患整改率{target_general}。",
        "召开{meetings}（{meeting_days}），分析研判辖区内重点领域的安全形势，研究解决突出问题。",
        "按期形成{weeklies}，及时通报进展。",
    ),)),
    ("机构建立情况", ((
        "按照党政同责、一岗双责、齐抓共管、失职追责的要求，建立{chain}的责任体系，日常工作由{office}承担。",
        "责任覆盖{villages}个行政村、{teams}个站所、{posts_enterprise_principal}个场所的主要负责人。",
    ),)),
    ("责任落实情况", (
        (
            "#是主要领导责任落实情况。",
            "党政主要领导和班子成员坚持带队督导检查重点领域安全生产工作，共带队检查{led}次，其中{led_by}。",
            "带队检查现场查出隐患{led_found}条。",
        ),
        (
            "#是行业监管责任落实情况。",
            "按照“三管三必须”要求，各站所按职责开展检查：{by_team}。",
            "对到期未办的隐患逐级督办，共升级督办{escalated}次，涉及隐患{escalated_cases}条。",
            "出具检查和整改文书{papers}份，其中{by_form}。",
            "责令暂时停产停业{stops}次。",
            "约谈责任单位主要负责人{talks}次。",
            "到期应履职任务{duties_due}项，按期完成{duties_kept}项，履职率{duties_rate}。",
        ),
        (
            "#是企业主体责任落实情况。",
            "生产经营单位落实主体责任，开展{self_checks}，自查发现隐患{self_found}条。",
            "组织{drills}。",
            "坚持开展{unit_trainings}。",
            "落实“不安全不开工”，停止开工{gates_blocked}次。",
            "经审查同意恢复{gates_consented}次。",
        ),
    )),
    ("检查范围和重点领域", (
        (
            "{called:0}对{whole}{scope}进行大排查、大整治。",
            "对{other_kinds}进行常态化巡查，确保问题及时发现、及时整改。",
            "在册场所共{places}处，已检查{places_entered}处，占{coverage}。",
            "上门未能入内{not_accessible}次，已列入补查。",
            "检查次数按场所所属领域分：{visits_by_field}。",
            "“九小”场所中{also_street_shop}家同时是沿街门店，只计一次。",
        ),
        (
            "开展{patrols}。",
            "强化森林防灭火，开展{rangers}，严防森林火灾发生。",
            "在册护林员{posts_ranger}名。",
        ),
    )),
    ("隐患排查整改情况", (
        (
            "共发现隐患{found}条。",
            "其中{aside}，有效隐患{valid}条。",
            "已整改销号{closed:0}条，整改率{rate}；未销号{open:0}条，其中到期未整改{due_unrectified:0}条。",
            "当场整改{on_spot}条。",
            "复查一次合格率{first_pass}。",
            "经批准延期{extended}条。",
            "开展销号后“回头看”{looked_again}次。",
            "销号后反弹重开{reopened}条。",
            "按行业领域分：{by_field}。",
            "按防范重点分：{by_threat}。",
            "突出治理反复发生的问题，识别反复发生隐患{recurrent}条，已销号{recurrent_closed:0}条。",
            "对{controlled}条隐患采取临时管控措施。",
        ),
        (
            "重大隐患{major}条，已销号{major_closed:0}条，整改率{major_rate}，未销号{major_open:0}条。",
            "挂牌督办重大隐患{listed}条。",
        ),
        ("受理群众举报{reports}件，核实属实并登记为隐患{reports_true:0}件，已答复{reports_answered:0}件。",),
    )),
    ("宣传教育情况", ((
        "定期组织镇村干部、站所负责人、企业负责人及生产经营单位开展安全生产培训：{trainings}。",
        "通过群众会、大喇叭、微信群等方式开展{publicity}，扩大宣传范围，确保安全生产人人重视、人人参与。",
    ),)),
)  # fmt: skip
CLOSING = (
    "下一步，对尚未销号的{open}条隐患（{left}），{we}将逐条盯办，落实整改责任、措施、资金、时限和预案，未整改到位前落实管控措施。",
    "对到期未整改的{due_unrectified}条挂账督办，限期清零。",
    "对未销号的{major_open}条重大隐患，按治理方案推进，未经验收不得恢复生产经营。",
)
