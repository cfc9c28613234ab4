"""`python -m frontier.report results/<experiment> …`: redraw page, figures and tables; solves nothing.

Several results folders make one report about all of them (`frontier.results.joining` says how names that clash are told
apart).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontier.commands.command_line import command, draw_report, print_lines

DOCUMENTED = "results folders written by frontier.run; several make one report"


@command
def main(
    results: Annotated[list[Path], typer.Argument(help=DOCUMENTED)],
    foreign: Annotated[
        list[Path] | None, typer.Option(help="a CSV table of another tool's points (`results/foreign.py`); repeatable")
    ] = None,
    vector: Annotated[bool, typer.Option("--vector", help="every figure as SVG and PDF too, for a paper")] = False,
    out: Annotated[Path | None, typer.Option(help="report folder; default reports/<experiment>, joined with +")] = None,
) -> None:
    """Regenerate a run's report from its results."""
    written = draw_report(results, out, foreign or [], vector=vector)
    print_lines(f"report: {path}" for path in written[:2])
