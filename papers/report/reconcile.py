"""A report whose numbers contradict each other isn't printed: sums are held against their parts, which come from queries of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from models.refusal import Refusal
from papers.report.facts import Facts


class DoesNotAddUp(Refusal):
    """Numbers of the report contradict each other; the sentence says which."""


class Sum(NamedTuple):
    """What should be equal: the whole, and its parts' sum."""

    zh: str
    en: str
    whole: int
    parts: int


def sums(facts: Facts) -> Iterator[Sum]:
    """Every sum that the report rests on."""
    number, rows = facts.number, facts.rows
    kinds = rows["PLACES_BY_KIND"]
    yield Sum("场所总数与各类别之和", "places and their kinds", number("places"), sum(row["count"] for row in kinds))
    yield Sum("九小场所与各类别之和", "small places and their kinds", number("nine_small"), _listed(facts, "nine_small_kinds"))
    yield Sum("人员密集场所与各类别之和", "crowded places and their kinds", number("crowded"), _listed(facts, "crowded_kinds"))
    ended = sum(number(name) for name in ("rejected", "duplicate", "cancelled", "transferred"))
    yield Sum("发现数与有效数及其他去向之和", "found and where they went", number("found"), number("valid") + ended)
    yield Sum("有效隐患与已销号、未销号之和", "valid and closed with open", number("valid"), number("closed") + number("open"))
    yield Sum("有效隐患与一般、重大之和", "valid and their grades", number("valid"), number("general") + number("major"))
    yield Sum("未销号与各环节之和", "open and their states", number("open"), _listed(facts, "left"))
    yield Sum("有效隐患与各行业领域之和", "valid and their fields", number("valid"), _listed(facts, "by_field"))
    yield Sum("有效隐患与“六防”各类之和", "valid and their threats", number("valid"), _listed(facts, "by_threat"))
    yield Sum("检查次数与各行业领域之和", "inspections and their fields", number("visits"), _listed(facts, "visits_by_field"))
    yield Sum("带队检查与各级领导之和", "led inspections and the leaders'", number("led"), _listed(facts, "led_by"))
    yield Sum("文书份数与各种文书之和", "papers and their forms", number("papers"), _listed(facts, "by_form"))


def reconcile(facts: Facts) -> None:
    """Raises DoesNotAddUp with every sum that fails."""
    wrong = [each for each in sums(facts) if each.whole != each.parts]
    if wrong:
        zh = "；".join(f"{each.zh}不一致（{each.whole}≠{each.parts}）" for each in wrong)
        en = "; ".join(f"{each.en} ({each.whole}, not {each.parts})" for each in wrong)
        raise DoesNotAddUp(f"报告中的数字对不上，未生成：{zh}。", f"The report isn't written, its numbers don't add up: {en}.")


def _listed(facts: Facts, phrase: str) -> int:
    fact = facts.known.get(phrase)
    return sum(int(part.value) for part in fact.parts) if fact else 0
