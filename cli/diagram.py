"""`bihuan diagram`: the state machines, drawn."""

from __future__ import annotations

from typing import Annotated

import typer

from models.enumerations import CaseKind
from statemachines.diagram import mermaid, page


def diagram(
    kind: Annotated[CaseKind | None, typer.Argument(help="which machine; without it, all of them")] = None,
    whole: Annotated[bool, typer.Option("--page", help="the whole page with its tables, as in docs/")] = False,
) -> None:
    """画出各类案卷的状态机（Mermaid）。Print the state machines as Mermaid diagrams, one after another."""
    kinds = [kind] if kind else list(CaseKind)
    typer.echo(page() if whole else "\n".join(mermaid(each) for each in kinds), nl=False)
