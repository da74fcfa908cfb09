"""`bihuan diagram`: the state machines, drawn."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from models.enumerations import CaseKind
from statemachines.bpmn import bpmn
from statemachines.diagram import mermaid, page


def diagram(
    kind: Annotated[CaseKind | None, typer.Argument(help="which machine; without it, all of them")] = None,
    whole: Annotated[bool, typer.Option("--page", help="the whole page with its tables, as in docs/")] = False,
    written: Annotated[Literal["mermaid", "bpmn"], typer.Option("--format", help="bpmn: BPMN 2.0 of one machine, the hazard's unless told")]
    = "mermaid",
) -> None:
    """画出各类案卷的状态机（Mermaid 或 BPMN 2.0）。Print the state machines as Mermaid diagrams, or one of them as BPMN 2.0."""
    if written == "bpmn":
        typer.echo(bpmn(kind or CaseKind.hazard), nl=False)
        return
    kinds = [kind] if kind else list(CaseKind)
    typer.echo(page() if whole else "\n".join(mermaid(each) for each in kinds), nl=False)
