"""What of an earlier paper reads otherwise by now, in words, for whatever is printed (更正)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def corrections(corrected: Mapping[str, Any]) -> Iterator[str]:
    """In words, what of the earlier paper reads otherwise now, and why; one line where nothing does."""
    if not (corrected["changes"] or corrected["late"]):
        yield "上期定稿后没有更正：现在再统计上期，与定稿相同。"
        return
    yield "上期定稿后有更正，现在再统计上期："
    for each in corrected["changes"]:
        yield f"{each['table']}·{each['row']}·{each['column']}：{each['before']} → {each['after']}"
    for each in corrected["late"]:
        yield f"原因：{each['code']}，{each['before'] or '未计'} → {each['after'] or '不计'}（{each['why']}）"
