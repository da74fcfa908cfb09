"""Words for the screen and for searching."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

from models.clock import local
from models.enumerations import CaseState, HazardState

# An instant as programs read it: in the township's time.
LocalTime = Annotated[datetime, AfterValidator(local)]

S = HazardState
# Shorter than the full labels: what a badge or a filter has room for.
SHORT = {
    S.found: "待核实", S.assigned: "已交办", S.rectifying: "整改中", S.submitted: "待复查", S.verified: "待销号", S.closed: "已销号",
    S.reopened: "反弹重开", S.rejected: "不成立", S.duplicate: "已合并", S.cancelled: "已撤销", S.transferred: "已移送",
}  # fmt: skip


def short(state: CaseState) -> str:
    """A state of any case as a badge says it; states of different kinds may be written alike, so that only a hazard's are looked up."""
    return SHORT[state] if isinstance(state, HazardState) else state.zh


def literally(said: str) -> str:
    """A text to search for with `like`, whose signs mean themselves."""
    return said.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
