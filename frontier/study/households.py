"""`python -m frontier study households RESULTS`: would another draw of the survey's households decide otherwise?

Reads a run whose problems are bootstrap samples of one problem (`core/resampling.py`) and writes one page; solves
nothing. Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from frontier.analysis.contrasts import contrasts, declared
from frontier.analysis.resampled import over_samples
from frontier.commands.command_line import command, print_lines
from frontier.core.errors import InputError
from frontier.results.run import Run, load_run

if TYPE_CHECKING:
    from frontier.reporting.document import Block, Table

NOTE = (
    "Held-out errors capped at 100% a target, averaged over ln k between the budgets; differences A − B in percentage "
    "points with 95% intervals over bootstrap samples of the households and the methods' seeds together. Not adjusted "
    "for the number of contrasts. Targets do not vary with the sample."
)


@command
def main(
    results: Annotated[Path, typer.Argument(help="results of bootstrap samples (problems with `resample`)")],
    out: Annotated[Path, typer.Option(help="folder of the report")] = Path("reports/households"),
) -> None:
    """Write the page on bootstrap samples of a survey's records."""
    path = write_households(load_run(results, targets=True), out)[0]
    print_lines([f"report: {path}"])


def write_households(run: Run, out: Path) -> list[Path]:
    """The page; its files, the report first. `InputError` for a run without bootstrap samples."""
    from frontier.reporting.document import Bullets, Data, Document, Text
    from frontier.reporting.provenance import description, limitations
    from frontier.reporting.write import write_document

    found = samples_of(run)
    blocks: list[Block] = [
        Text(answer(found)),
        *description(run.manifest),
        samples_table(found),
        Text(NOTE),
        Bullets(limitations(run.manifest)),
        Data("contrasts", found, "Contrasts over samples"),
    ]
    return write_document(Document("Would another draw of the survey decide otherwise?", blocks), out)


def answer(found: pd.DataFrame) -> str:
    """Which comparisons have a winner over samples of households, in a sentence."""
    from frontier.reporting.sections.headline import winner

    won = list(map(winner, found[found["verdict"].str.endswith("better")].to_dict("records")))
    few = f"Over other samples of households {len(won)} of {len(found)} declared comparisons have a winner"
    return f"**{few}{': ' * bool(won)}{'; '.join(won)}.**"


def samples_of(run: Run) -> pd.DataFrame:
    """The declared contrasts over the bootstrap samples of a run."""
    resampled = [name for name, facts in run.manifest["problems"].items() if "resample" in (facts.get("params") or {})]
    if len(resampled) < 2 or run.targets is None:
        cure = "give several problems `resample: 0`, 1, …"
        raise InputError(run.name, "no bootstrap samples", expected="at least two problems", cure=cure)
    found, _ = contrasts(run.cells, run.targets, declared(run.manifest, run.cells))
    return over_samples(found[found["problem"].isin(resampled)] if len(found) else found)


def samples_table(found: pd.DataFrame) -> Table:
    """The contrasts in words."""
    from frontier.reporting.document import Table
    from frontier.reporting.numbers import count, percent, points, points_interval
    from frontier.results.arms import arm_name

    header = (
        *("A", "B", "samples", "error of A", "error of B", "A − B, points", "95% interval", "training A − B"),
        "verdict",
    )
    rows = [
        [
            arm_name(row["a"], row["refit_a"]),
            arm_name(row["b"], row["refit_b"]),
            count(row["samples"]),
            percent(row["mean_a"]),
            percent(row["mean_b"]),
            points(row["difference"]),
            points_interval(row["difference_low"], row["difference_high"]),
            f"{points(row['training'])} ({points_interval(row['training_low'], row['training_high'])})",
            row["verdict"],
        ]
        for row in found.to_dict("records")
    ]
    return Table(header, rows, numbers=range(2, 8))
