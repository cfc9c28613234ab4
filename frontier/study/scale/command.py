"""`python -m frontier study scale RESULTS`: how time and memory grow with the size of the problem, with exponents.

Reads a results folder of an experiment with several sizes of one problem (`experiments/scale_populace.yaml`), writes
Markdown, CSV and figures; solves nothing. Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from frontier.commands.command_line import command
from frontier.core.errors import InputError
from frontier.results.run import load_run
from frontier.study.scale.costs import costs, exponents, grid_law, medians


@command
def main(
    results: Annotated[Path, typer.Argument(help="a results folder written by frontier.run")],
    out: Annotated[Path, typer.Option(help="folder of the report")] = Path("reports/scale"),
) -> None:
    """Fit the growth of seconds and peak memory with records, targets and non-zeros, and draw it."""
    Console().print(f"report: {write_scale(results, out)}", highlight=False)


def write_scale(results: Path, out: Path) -> Path:
    """Write the scale report of a results folder into `out`; its first file."""
    run = load_run(results)
    sizes = medians(costs(run.cells, run.manifest))
    from frontier.study.scale.page import write_scale_report  # matplotlib is imported only here

    try:
        return write_scale_report(sizes, exponents(sizes), grid_law(sizes), run.manifest, out)[0]
    except OSError as error:
        raise InputError(out, f"report cannot be written: {error.strerror}", cure="use --out") from None
