"""`python -m frontier study scale RESULTS…`: how time and memory grow with size, beside what is possible.

Reads results folders of experiments with several sizes of one problem (`experiments/scale_*.yaml`), writes Markdown,
CSV and figures; solves nothing. Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from frontier.commands.command_line import command, print_lines
from frontier.core.errors import InputError
from frontier.results.run import Run, load_run
from frontier.study.kept import read_kept
from frontier.study.scale.blocks import ratios
from frontier.study.scale.costs import costs, exponents, grid_law, medians, shape_law
from frontier.study.scale.least import measure_rates, read_rates
from frontier.study.scale.overhead import laws

OVERHEAD, BLOCKS = "overhead.csv", "blocks.csv"


@command
def main(
    results: Annotated[list[Path], typer.Argument(help="results folders written by frontier.run")],
    shapes: Annotated[Path | None, typer.Option(help="a run in which records and targets vary apart")] = None,
    areas: Annotated[
        list[Path] | None, typer.Option(help="a run on files of areas, cut or under shared totals (repeatable)")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder of the report")] = Path("reports/scale"),
    measure: Annotated[
        bool, typer.Option("--measure", help="first measure how fast this machine moves bytes, for the run")
    ] = False,
) -> None:
    """Fit the growth of seconds and peak memory with records, targets and non-zeros, and draw it."""
    if measure:
        measure_rates(results[0], int(load_run(results[0]).manifest["threads_per_batch"]))
    print_lines([f"report: {write_scale(results, out, shapes, areas or [])}"])


def write_scale(results: Sequence[Path], out: Path, shapes: Path | None = None, areas: Sequence[Path] = ()) -> Path:
    """Write the scale report of some results folders into `out`; its first file.

    The first folder's settings are shown, and its `rates.json` (`least`), `overhead.csv` and `blocks.csv` are told,
    where it has them.
    """
    runs = [load_run(folder) for folder in results]
    sizes = medians(pd.concat([costs(run.cells, run.manifest) for run in runs], ignore_index=True))
    varied = None if shapes is None else _shapes(load_run(shapes))
    cut = pd.concat([_medians(load_run(folder)) for folder in areas], ignore_index=True) if areas else None
    overhead, blocks = _beside(results[0] / OVERHEAD, laws), _beside(results[0] / BLOCKS, ratios)
    from frontier.study.scale.page import ScaleTables, write_scale_report  # matplotlib is imported only here

    tables = ScaleTables(
        sizes, exponents(sizes), grid_law(sizes), varied, cut, overhead, blocks, read_rates(results[0])
    )
    try:
        return write_scale_report(tables, [run.manifest for run in runs], out)[0]
    except OSError as error:
        raise InputError(out, f"report cannot be written: {error.strerror}", cure="use --out") from None


def _beside(path: Path, read: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame | None:
    """What a table beside the results comes to; None where it is not there."""
    return read_kept(path, read) if path.is_file() else None


def _shapes(run: Run) -> pd.DataFrame:
    """`shape_law` of a run, and the processor that it was measured on, which may be another than that of the others."""
    processor = str((run.manifest.get("machine") or {}).get("processor") or "")
    return shape_law(_medians(run)).assign(processor=processor)


def _medians(run: Run) -> pd.DataFrame:
    return medians(costs(run.cells, run.manifest))
