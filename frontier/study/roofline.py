"""`python -m frontier study roofline RESULTS`: how far each Hard Concrete batch of a run is from the least it must do.

Reads a results folder, measures this machine's rates (keep it idle: a minute), and writes Markdown beside the speed
report. Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from frontier.commands.command_line import command, print_lines
from frontier.core.errors import InputError
from frontier.problems.registry import build_problem
from frontier.results.run import load_run

if TYPE_CHECKING:
    from frontier.reporting.document import Document
    from frontier.study.kernel_parts import Parts

METHOD = "hard_concrete"


@command
def main(
    results: Annotated[Path, typer.Argument(help="a results folder written by frontier.run")],
    out: Annotated[Path, typer.Option(help="folder of the report")] = Path("reports/speed"),
) -> None:
    """State the least time of every Hard Concrete batch, in bytes and operations, and the distance from it."""
    run = load_run(results)
    cells, manifest = run.cells, run.manifest
    cells = cells[(cells["method"] == METHOD) & (cells["refit"] == "none")]
    if cells.empty:
        raise InputError(results, f"no cells of {METHOD}", cure="run an experiment that has some")
    rows = _rows(cells, manifest)
    stem = str(manifest.get("experiment") or "report").removeprefix("speed_")
    from frontier.reporting.write import write_document  # matplotlib is imported only here

    path = write_document(_document(rows, manifest), out, name=f"{stem}_roofline.md")[0]
    print_lines([f"report: {path}"])


def _rows(cells: pd.DataFrame, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    from frontier.problems.splits import default_split
    from frontier.study.kernel_parts import parts
    from frontier.study.roofline_model import bound

    rows = []
    threads = int(manifest["threads_per_batch"])
    problems = manifest["problems"]
    for (problem, label), part in cells[cells["split"] == "default"].groupby(["problem", "label"], sort=True):
        spec = problems[problem]
        built = build_problem(spec["name"], spec["params"], f"problem '{problem}'")
        training = built.restrict(default_split(built).train)
        one = part[part["repeat"] == part["repeat"].min()]
        seconds = float(part.groupby("repeat")["fit_seconds"].sum().median())
        work = {"n": training.n_records, "nnz": int(training.M.nnz), "cells": len(one)}
        work |= {"epochs": int(one["n_iter"].max()), "threads": min(threads, len(one))}
        row = {"problem": problem, "label": label, "cells": len(one), "seconds": seconds, "least": bound(**work)}
        rows.append(row | {"parts": parts(seeds=one["seed"].nunique(), **work)})
    return rows


def _document(rows: list[dict[str, Any]], manifest: Mapping[str, Any]) -> Document:
    from frontier.reporting.document import Bullets, Document, Section, Table, Text
    from frontier.reporting.markdown import pairs
    from frontier.study import kernel_parts, roofline_model

    header = (
        *("problem", "cells", "bytes", "GB/s", "operations", "Gop/s"),
        *("moving", "computing", "least", "took", "ratio"),
    )
    table = []
    for row in rows:
        least = row["least"]
        table.append(
            [
                row["problem"],
                str(row["cells"]),
                f"{least.moved_bytes / 1e9:.3g} GB",
                f"{least.bytes_per_second / 1e9:.3g}",
                f"{least.operations / 1e9:.3g} G",
                f"{least.operations_per_second / 1e9:.3g}",
                f"{least.moving_seconds:.3g} s",
                f"{least.computing_seconds:.3g} s",
                f"{least.seconds:.3g} s",
                f"{row['seconds']:.3g} s",
                f"{row['seconds'] / least.seconds:.2g}",
            ]
        )
    notes = [
        "**Least.** The larger of the time to move what must be moved and the time to compute what must be computed, "
        "at rates measured on this machine in the same session, on arrays of the size of a block and with as many "
        "threads. " + " ".join((roofline_model.__doc__ or "").split("\n\n")[1].split()),
        "**Took.** Median wall time of the whole grid over repeats, as the harness measured it.",
        f"**Machine.** {pairs(manifest.get('machine'))}; {manifest.get('threads_per_batch')} threads per batch.",
    ]
    where = ("problem", "cells", "draws", "updates", "products", "sum", "took", "ratio")
    rest = [[row["problem"], str(row["cells"]), *_shown(row["parts"], row["seconds"])] for row in rows]
    about = " ".join((kernel_parts.__doc__ or "").split("\n\n")[1].split())
    return Document(
        "How far from the least that must be done",
        [
            Table(header, table, numbers=range(1, 11)),
            Bullets(notes),
            Section("Where an epoch goes", [Text(about), Table(where, rest, numbers=range(1, 8))]),
        ],
    )


def _shown(found: Parts, seconds: float) -> list[str]:
    """The seconds of the parts, their sum, what was taken, and how often the sum that is."""
    times = (found.draws, found.updates, found.products, found.seconds, seconds)
    return [*(f"{one:.3g} s" for one in times), f"{seconds / found.seconds:.2g}"]
