"""From facts to paragraphs: a sentence stands only on facts; where there is none there is no sentence, and no section without one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from models.clock import day_of
from models.enumerations import Field
from papers.report.facts import Fact, Facts, say_day, sentence
from papers.report.reconcile import reconcile
from papers.report.wording import CLOSING, OPENING, SECTIONS

NUMERALS = "一二三四五六七八九十"


def compose(facts: Facts) -> dict[str, Any]:
    """The report as it is frozen and printed. Raises DoesNotAddUp.

    `appendix` has a row for every number in it: what it is, its value, the query, in the order in which they are first told.
    """
    reconcile(facts)
    used: dict[str, Fact] = {}
    opening = [_paragraph(OPENING, facts, used)]
    sections: list[dict[str, Any]] = []
    for title, paragraphs in SECTIONS:
        said = _numbered([text for sentences in paragraphs if (text := _paragraph(sentences, facts, used))])
        if said:
            sections.append({"title": f"{NUMERALS[len(sections)]}、{title}", "paragraphs": said, "charts": CHARTS.get(title, ())})
    closing = [text for text in [_paragraph(CLOSING, facts, used)] if text]
    town = str(facts.known["town"].value)
    return {
        "title": _title(facts, town), "cut": str(facts.known["cut"].value), "opening": [text for text in opening if text],
        "sections": sections, "closing": closing, "charts": _charts(facts),
        "signed": {"by": issuer(town), "on": say_day(day_of(facts.at), year=True)}, "cut_at": facts.at.isoformat(),
        "appendix": [[fact.said, str(fact.value), fact.query] for fact in used.values()],
    }  # fmt: skip


def _paragraph(templates: Iterable[str], facts: Facts, used: dict[str, Fact]) -> str:
    told = [(template, made) for template in templates if (made := sentence(template, facts.known))]
    for template, (_, rests_on) in told:
        for fact in rests_on:
            _use(fact, used, _around(template, fact))
    return "".join(text for _, (text, _) in told) if any(rests_on for _, (_, rests_on) in told) else ""


def _numbered(paragraphs: list[str]) -> list[str]:
    """«一是…», «二是…» in the order in which they stand."""
    nth = iter(NUMERALS)
    return [f"{next(nth)}{text[1:]}" if text.startswith("#") else text for text in paragraphs]


def _use(fact: Fact, used: dict[str, Fact], said: str = "") -> None:
    """Numbers go into the appendix, as they are said where they first stand; a phrase by its parts."""
    for each in fact.parts:
        _use(each, used)
    if isinstance(fact.value, int) or fact.value.endswith("%"):
        used.setdefault(fact.name, replace(fact, said=fact.said or said or f"{SAID.get(fact.name, fact.name)}{fact.value}"))


def _around(template: str, fact: Fact) -> str:
    """The clause around a number."""
    found = re.search(r"([^，。；、：（）{}]*)\{" + fact.name + r"(?::0)?\}([^，。；、：（）{}]*)", template)
    return f"{found[1]}{fact.value}{found[2]}" if found else ""


SAID = {"nine_small": "“九小”场所", "street_shops": "沿街门店", "crowded": "人员密集场所"}


def _title(facts: Facts, town: str) -> str:
    campaign = facts.known.get("campaign")
    return f"{town}{campaign.value if campaign else '安全生产'}工作开展情况"


def issuer(town: str) -> str:
    """Who signs for a township."""
    return f"{town}办事处" if town.endswith("街道") else f"{town}人民政府"


CHARTS = {"隐患排查整改情况": ("fields", "weeks")}


def _charts(facts: Facts) -> dict[str, Any]:
    """What is drawn: hazards by field, closed and open; and found and closed week by week."""
    rows = {row["field"]: row for row in facts.rows["HAZARDS_BY_FIELD"]}
    fields = [name for name in Field if name in rows]
    closed = [rows[name]["general_closed"] + rows[name]["major_closed"] for name in fields]
    whole = [rows[name]["general"] + rows[name]["major"] for name in fields]
    weeks = facts.rows["HAZARDS_BY_WEEK"]
    return {
        "fields": {
            "title": "各行业领域隐患整改情况（条）", "labels": [name.zh for name in fields], "stacked": True,
            "series": [["已销号", closed], ["未销号", [all_of - done for all_of, done in zip(whole, closed, strict=True)]]],
        },
        "weeks": {
            "title": "每周发现与销号（条，按周一所在日）", "labels": [say_day(row["week"]) for row in weeks], "stacked": False,
            "series": [["发现", [row["found"] for row in weeks]], ["销号", [row["closed"] for row in weeks]]],
        },
    }  # fmt: skip
