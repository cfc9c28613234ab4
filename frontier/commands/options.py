"""Arguments that several commands take: each is said once, so that it means the same in all."""

from __future__ import annotations

from typing import Annotated

import typer

ProblemArgument = Annotated[str, typer.Argument(help="YAML file with one problem, or the name of a registered one")]
BudgetOption = Annotated[str | None, typer.Option(help="records to keep, or a share of them (0.05)")]
LamOption = Annotated[float | None, typer.Option(help="penalty λ instead of a budget, in the method's unit")]
SettingsOption = Annotated[
    list[str] | None, typer.Option("--set", help="a parameter of the method, name=value (repeatable)")
]
