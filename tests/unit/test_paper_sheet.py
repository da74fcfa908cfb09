"""How a form is set before it is a file: who reviews it, how close its lines stand, where its signature goes."""

from __future__ import annotations

from datetime import datetime

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from papers.forms.sheet import PITCH, TIGHTEST, Lines, Sheet, Signed, Table, Text, row, wide
from papers.forms.word import signed
from papers.forms.wording import _review_rights

AT = datetime.fromisoformat("2023-03-01T10:00+08:00")


@pytest.mark.parametrize(
    ("organ", "issued", "upper"),
    [
        ("试点镇人民政府", "2023-12-31T23:59:59+08:00", "向试点区人民政府申请行政复议"),
        ("河口街道办事处", "2024-01-01T00:00:00+08:00", "向试点区人民政府申请行政复议"),
        ("试点区应急管理局", "2023-12-31T23:59:59+08:00", "向试点区人民政府或者上一级主管部门申请行政复议"),
        ("试点区应急管理局", "2024-01-01T00:00:00+08:00", "向试点区人民政府申请行政复议"),
    ],
)
def test_who_reviews_an_order_depends_on_who_gave_it_and_on_the_law_of_that_day(organ: str, issued: str, upper: str) -> None:
    told = _review_rights({"organ": organ, "issued_at": issued, "district": "试点区"}).text
    assert f"60日内{upper}，或者在6个月内向有管辖权的人民法院提起行政诉讼" in told


@given(st.lists(st.integers(1, 120), max_size=12), st.integers(0, 4))
def test_lines_stand_28_points_apart_unless_a_little_less_saves_a_page(lengths: list[int], signers: int) -> None:
    text = [Text("隐" * length) for length in lengths]
    sheet = Sheet("督办函", "试点镇人民政府", "1号", AT, (*text, Lines(("签名",) * signers), Signed("试点镇人民政府", "2023年3月1日")))
    lines = sum(-(-(length + 2) // 28) for length in lengths) + signers + 3
    assert TIGHTEST <= sheet.pitch <= PITCH
    assert (78 + (lines + 2) * sheet.pitch <= 637) == (78 + (lines + 2) * TIGHTEST <= 637)
    if 78 + (lines + 2) * PITCH <= 637:
        assert sheet.pitch == PITCH


def test_a_sheet_with_a_table_keeps_its_lines() -> None:
    assert Sheet("交办单", "", "", AT, (Table((row("隐患", "甲"),)), *[Text("隐" * 28)] * 20)).pitch == PITCH


@pytest.mark.parametrize("by", ["试点镇人民政府", "县局", "某某市某某区应急管理和安全生产监督管理局"])
def test_the_issuer_stands_centred_above_its_date_which_is_four_characters_from_the_right(by: str) -> None:
    document = Document()
    signed(document, by, "2023年3月1日")
    issuer, day = ((p.paragraph_format.right_indent.pt, 8 * wide(p.text)) for p in document.paragraphs[-2:])
    middle = [edge + width / 2 for edge, width in (issuer, day)]
    assert day[0] == 64 and issuer[0] >= 0
    assert middle[0] == middle[1] or issuer[0] == 0
