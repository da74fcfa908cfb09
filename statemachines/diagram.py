"""The law drawn: a Mermaid diagram and tables of each machine, made from the transitions that the machine runs on."""

from __future__ import annotations

from models.enumerations import STATES, CaseKind, CaseState
from statemachines.guards import ACCOUNTABLE, APPROVERS, Guard, label
from statemachines.laws import LAWS, ROUTES
from statemachines.machine import Law, Transition, Who, in_order

PAGE = """# 状态机 The machines

由 `bihuan diagram --page` 生成，请勿手改。This page is drawn from the tables in `statemachines/` that the machines run on;
`bihuan diagram --page > docs/machines.md` writes it anew, and a test compares the two.

Every kind of case has a machine of its own, and all go through the one door, `advance()`. An attempt is judged in this order, and the first
objection is the answer:

1. the kind of post can never do this to such a case: not allowed;
2. the trigger doesn't start from this state: refused, `state`;
3. it isn't this very post's turn (责任岗位, 督导站所检查人员, 审批岗位, 申请岗位), or the place lies outside of its reach: not allowed;
   where four eyes forbid it as well, the answer is `G11`;
4. a guard refuses: its number or name is the reason.

«随另一案卷的决定» is nobody's to choose: such a step follows, in the same transaction and in the same person's name, from a decision on
another case. What has been asked about a hazard may be decided by the hazard's own code, too: {routes}.

{machines}
## 守则 Guards

{guards}"""

MACHINE = """## {zh} {kind}

```mermaid
{mermaid}```

States as programs name them: {states}.

{table}
"""

NAMED: dict[Who, str] = {ACCOUNTABLE: "被督办的岗位", APPROVERS: "各级审批岗位"}


def mermaid(kind: CaseKind) -> str:
    """A `stateDiagram-v2` with Chinese labels. What can happen in every open state is drawn once, from a box that stands for all."""
    law = LAWS[kind]
    boxed = any(_is_open(law, t) for t in law.transitions)
    lines = ["stateDiagram-v2", f"    %% {kind.zh} {kind}"]
    lines += [f'    state "{state.zh}" as {state.value}' for state in drawn(law)]
    lines += ['    state "任一未结状态" as open_states'] if boxed else []
    lines += [f"    {start} --> {end}: {' / '.join(labels)}" for (start, end), labels in _arrows(law).items()]
    lines += [f"    {state.value} --> [*]" for state in drawn(law) if state.ended]
    lines += [f"    note right of {'open_states' if boxed else drawn(law)[0].value}", "        状态不变："]
    lines += [f"        {t.zh}（{_from(law, t)}）" for t in law.transitions if t.dest is None]
    lines += ["    end note"]
    return "\n".join(lines) + "\n"


def table_markdown(law: Law) -> str:
    """One row a transition: trigger, from, to, who, guards."""
    rows = ["| 操作 | 触发 | 从 | 到 | 谁可以办 | 守则 |", "|---|---|---|---|---|---|"]
    rows += [f"| {t.zh} | `{t.trigger}` | {_from(law, t)} | {_to(t)} | {who_of(t)} | {guards_of(t)} |" for t in law.transitions]
    return "\n".join(rows) + "\n"


def guards_markdown() -> str:
    """One row a guard: the reason that it refuses with, and what it asks."""
    every = [t for law in LAWS.values() for t in law.transitions]
    rows = ["| 守则 Guard | 用于 Fired by | What it asks |", "|---|---|---|"]
    for guard in dict.fromkeys(guard for t in every for guard in t.guards):
        users = ", ".join(dict.fromkeys(f"`{t.trigger}`" for t in every if guard in t.guards))
        rows += [f"| {label(guard)} | {users} | {_asks(guard)} |"]
    return "\n".join(rows) + "\n"


def page() -> str:
    """The page `docs/machines.md`, whole."""
    routes = ", ".join(f"`{route}`" for route in ROUTES)
    return PAGE.format(routes=routes, machines="\n".join(_machine(kind) for kind in LAWS), guards=guards_markdown())


def _machine(kind: CaseKind) -> str:
    law = LAWS[kind]
    states = ", ".join(f"`{state.value}` {state.zh}" for state in drawn(law))
    return MACHINE.format(zh=kind.zh, kind=kind, mermaid=mermaid(kind), states=states, table=table_markdown(law))


def drawn(law: Law) -> list[CaseState]:
    """The states that some transition starts from or leads to, in their order."""
    return [state for state in STATES[law.kind] if any(state in (*t.sources, t.dest) for t in law.transitions)]


def _is_open(law: Law, t: Transition) -> bool:
    """Whether it starts from every open state, where there are several."""
    states = tuple(state for state in STATES[law.kind] if not state.ended)
    return len(states) > 1 and set(t.sources) == set(states)


def _arrows(law: Law) -> dict[tuple[str, str], list[str]]:
    arrows: dict[tuple[str, str], list[str]] = {}
    for t in law.transitions:
        for start in _starts(law, t):
            if t.dest:
                arrows.setdefault((start, t.dest.value), []).append(t.zh)
    return arrows


def _starts(law: Law, t: Transition) -> list[str]:
    if _is_open(law, t):
        return ["open_states"]
    return [source.value if source else "[*]" for source in t.sources]


def _from(law: Law, t: Transition) -> str:
    if _is_open(law, t):
        return "任一未结状态"
    if set(t.sources) == set(STATES[law.kind]):
        return "任一状态"
    return "、".join(source.zh if source else "—" for source in t.sources)


def _to(t: Transition) -> str:
    return t.dest.zh if t.dest else "不变"


def who_of(t: Transition) -> str:
    """Who may fire it, in Chinese."""
    usual = _people(t.who)
    return f"{usual}；重大：{_people(t.who_if_major)}" if t.who_if_major else usual


def _people(who: Who) -> str:
    return NAMED.get(who) or "、".join(seat.zh for seat in in_order(who))


def guards_of(t: Transition) -> str:
    """What stands between, by the guards' numbers and names."""
    return "、".join(label(guard) for guard in t.guards) or "—"


def _asks(guard: Guard) -> str:
    return " ".join((guard.__doc__ or "").split())
