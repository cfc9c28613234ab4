"""`python -m frontier merge RUN RUN … --out DIR`: join partial runs of one plan, made on several machines.

Exit codes: 0 done (cells that no run has are counted), 1 the machine failed (disk full), 2 bad input, 130 interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontier.commands.command_line import command, print_error, print_lines
from frontier.results.run import load_run
from frontier.sweep.merging import merge_runs


@command
def main(
    runs: Annotated[list[Path], typer.Argument(help="results folders of one experiment, each with its manifest")],
    out: Annotated[Path, typer.Option(help="the new results folder")],
    run_files: Annotated[
        bool, typer.Option("--run-files", help="run the files of methods that the experiment names")
    ] = False,
) -> None:
    """Copy every finished batch into one results folder, keeping every machine's manifest."""
    table = merge_runs(runs, out, warn=lambda line: print_error(f"note: {line}"), run_files=run_files)
    manifest = load_run(out).manifest
    print_lines([f"{len(table)} rows from {len(manifest['merged'])} runs: {out}"])
    if manifest["cells_not_run"]:
        print_error(f"note: {manifest['cells_not_run']} cells of the plan are in none of these runs")
