"""`bihuan diagram`: the hazard's state machine, drawn."""

from __future__ import annotations

from typing import Annotated

import typer

from statemachines.diagram import mermaid, page


def diagram(whole: Annotated[bool, typer.Option("--page", help="the whole page with its tables, as in docs/")] = False) -> None:
    """画出隐患状态机（Mermaid）。Print the hazard's state machine as a Mermaid diagram."""
    typer.echo(page() if whole else mermaid(), nl=False)
