"""`python -m frontier.report results/<experiment>`: redraw figures and tables from stored results; solves nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from frontier.command import command, draw_report
from frontier.sweep.store import load_results


@command
def main(
    results: Annotated[Path, typer.Argument(help="a results folder written by frontier.run")],
    out: Annotated[Path | None, typer.Option(help="report folder; default reports/<experiment>")] = None,
) -> None:
    """Regenerate a run's report from its results."""
    table, manifest = load_results(results)
    folder = out or Path("reports") / str(manifest["experiment"])
    draw_report(table, manifest, folder)
    Console().print(f"report: {folder / 'report.md'}", highlight=False)


if __name__ == "__main__":
    main()
