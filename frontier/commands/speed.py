"""`python -m frontier speed RESULTS --reference LABEL`: how many times as long every method takes as the reference.

Reads a results folder of an experiment with repeats, writes Markdown, CSV and a figure; solves nothing. Exit codes: 0
done, 2 bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontier.analysis.speed import Unit
from frontier.commands.command_line import command, print_lines
from frontier.core.errors import InputError
from frontier.results.run import load_run


@command
def main(
    results: Annotated[Path, typer.Argument(help="a results folder written by frontier.run")],
    reference: Annotated[str, typer.Option(help="the method that the others are compared with (label before ' @ ')")],
    unit: Annotated[
        Unit,
        typer.Option(help="path: all points, certified; epoch: one epoch of one cell, for methods without an optimum"),
    ] = "path",
    out: Annotated[Path, typer.Option(help="folder of the report")] = Path("reports/speed"),
) -> None:
    """Compare seconds pair by pair over repeats, from clean timings only."""
    run = load_run(results)
    from frontier.reporting.speed_page import write_speed_report  # matplotlib is imported only here

    try:
        written = write_speed_report(run.cells, run.manifest, reference, out, unit)
    except OSError as error:
        raise InputError(out, f"report cannot be written: {error.strerror}", cure="use --out") from None
    print_lines([f"report: {written[0]}"])
