"""The law drawn: a Mermaid diagram and tables, made from the transitions that the machine runs on."""

from __future__ import annotations

from models.enumerations import HazardState
from statemachines.guards import Guard, label
from statemachines.hazard import ACCOUNTABLE, APPROVERS, OPEN, TRANSITIONS, Transition, Who, in_order

PAGE = """# 隐患状态机 The hazard's state machine

由 `bihuan diagram --page` 生成，请勿手改。This page is drawn from `TRANSITIONS` in `statemachines/hazard.py`, the table that the
machine runs on; `bihuan diagram --page > docs/hazard-machine.md` writes it anew, and a test compares the two.

```mermaid
{mermaid}```

States as programs name them: {states}.

## 操作 Transitions

{table}
An attempt is judged in this order, and the first objection is the answer:

1. the kind of post can never do this to such a hazard: not allowed;
2. the trigger doesn't start from this state: refused, `state`;
3. it isn't this very post's turn (责任岗位, 督导站所检查人员, 销号审批岗位), or the place lies outside of its reach: not allowed;
   where four eyes forbid it as well, the answer is `G11`;
4. a guard refuses: its number or name is the reason.

## 守则 Guards

{guards}"""

NAMED: dict[Who, str] = {ACCOUNTABLE: "被督办的岗位", APPROVERS: "销号审批各级岗位"}


def mermaid() -> str:
    """A `stateDiagram-v2` with Chinese labels. What can happen in every open state is drawn once, from a box that stands for all."""
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{state.zh}" as {state.value}' for state in _drawn()]
    lines += ['    state "任一未结状态" as open']
    lines += [f"    {start} --> {end}: {' / '.join(labels)}" for (start, end), labels in _arrows().items()]
    lines += [f"    {state.value} --> [*]" for state in _drawn() if state.ended]
    lines += ["    note right of open", "        状态不变："]
    lines += [f"        {t.zh}（{_from(t)}）" for t in TRANSITIONS if t.dest is None]
    lines += ["    end note"]
    return "\n".join(lines) + "\n"


def table_markdown() -> str:
    """One row a transition: trigger, from, to, who, guards."""
    rows = ["| 操作 | 触发 | 从 | 到 | 谁可以办 | 守则 |", "|---|---|---|---|---|---|"]
    rows += [f"| {t.zh} | `{t.trigger}` | {_from(t)} | {_to(t)} | {_who(t)} | {_guards(t)} |" for t in TRANSITIONS]
    return "\n".join(rows) + "\n"


def guards_markdown() -> str:
    """One row a guard: the reason that it refuses with, and what it asks."""
    rows = ["| 守则 Guard | 用于 Fired by | What it asks |", "|---|---|---|"]
    for guard in dict.fromkeys(guard for t in TRANSITIONS for guard in t.guards):
        users = ", ".join(f"`{t.trigger}`" for t in TRANSITIONS if guard in t.guards)
        rows += [f"| {label(guard)} | {users} | {_asks(guard)} |"]
    return "\n".join(rows) + "\n"


def page() -> str:
    """The page `docs/hazard-machine.md`, whole."""
    states = ", ".join(f"`{state.value}` {state.zh}" for state in _drawn())
    return PAGE.format(states=states, mermaid=mermaid(), table=table_markdown(), guards=guards_markdown())


def _drawn() -> list[HazardState]:
    return [state for state in HazardState if any(state in (*t.sources, t.dest) for t in TRANSITIONS)]


def _arrows() -> dict[tuple[str, str], list[str]]:
    arrows: dict[tuple[str, str], list[str]] = {}
    for t in TRANSITIONS:
        for start in _starts(t):
            if t.dest:
                arrows.setdefault((start, t.dest.value), []).append(t.zh)
    return arrows


def _starts(t: Transition) -> list[str]:
    if t.sources == OPEN:
        return ["open"]
    return [source.value if source else "[*]" for source in t.sources]


def _from(t: Transition) -> str:
    if t.sources == OPEN:
        return "任一未结状态"
    return "、".join(source.zh if source else "—" for source in t.sources)


def _to(t: Transition) -> str:
    return t.dest.zh if t.dest else "不变"


def _who(t: Transition) -> str:
    usual = _people(t.who)
    return f"{usual}；重大：{_people(t.who_if_major)}" if t.who_if_major else usual


def _people(who: Who) -> str:
    return NAMED.get(who) or "、".join(seat.zh for seat in in_order(who))


def _guards(t: Transition) -> str:
    return "、".join(label(guard) for guard in t.guards) or "—"


def _asks(guard: Guard) -> str:
    return " ".join((guard.__doc__ or "").split())
