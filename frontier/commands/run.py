"""`python -m frontier.run EXPERIMENT.yaml`: solve what is missing, write results and report.

Exit codes: 0 done (failed cells are rows, and are counted), 1 the machine failed (disk full), 2 bad input,
130 interrupted.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Literal

import typer

from frontier.commands.command_line import command, print_error, print_lines
from frontier.commands.drawn import drawn_report
from frontier.core.errors import InputError
from frontier.core.text_table import aligned
from frontier.results.run import load_run
from frontier.results.store import Store
from frontier.sweep.run import run_session
from frontier.sweep.session import Session, open_session


@command
def main(
    experiment: Annotated[Path, typer.Argument(help="the experiment file (YAML)")],
    jobs: Annotated[int, typer.Option(help="processes; timings are clean only with 1")] = 1,
    backend: Annotated[Literal["loky", "dask"], typer.Option(help="processes here, or a Dask cluster")] = "loky",
    scheduler: Annotated[str | None, typer.Option(help="address of the Dask scheduler, as it prints it")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="discard earlier results of this experiment")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the plan, solve nothing")] = False,
    only: Annotated[list[str] | None, typer.Option(help="run only this method or label (repeatable)")] = None,
    out: Annotated[Path | None, typer.Option(help="results folder; default results/<experiment>")] = None,
) -> None:
    """Run every method of an experiment over its grid, score all with one yardstick, and draw the frontier."""
    if (backend == "dask") != (scheduler is not None):
        raise InputError("--backend", "dask and --scheduler go together", cure="give both, or neither")
    with warnings.catch_warnings():
        warnings.showwarning = _print_warning
        session = open_session(experiment)
    for label, lines in session.warnings.items():
        for line in lines:
            print_error(f"warning: problem '{label}': {line}")
    folder = out or Path("results") / session.experiment.name
    if dry_run:
        _print_plan(session)
        return
    table = run_session(
        session,
        Store(folder),
        jobs=jobs,
        scheduler=scheduler,
        fresh=fresh,
        only=only or (),
        warn=lambda line: print_error(f"note: {line}"),
    )
    manifest = load_run(folder).manifest
    report = drawn_report(folder, folder / "report" if out else None)
    counts = ", ".join(f"{count} {status}" for status, count in table["status"].value_counts().items())
    print_lines([f"{len(table)} rows: {counts}", f"results: {folder}", f"report:  {report / 'index.html'}"])
    if manifest["cells_not_run"]:
        print_error(f"note: {manifest['cells_not_run']} cells of the plan were not run (--only)")


def _print_plan(session: Session) -> None:
    groups: dict[tuple[str, str, str], list[int]] = {}
    for batch in session.batches:
        cell = batch.cells[0]
        groups.setdefault((cell.problem, cell.split, cell.label), []).append(len(batch.cells))
    rows = [(*names, f"{sum(sizes):,}", f"{len(sizes):,}") for names, sizes in groups.items()]
    lines = aligned([("problem", "split", "method", "cells", "batches"), *rows], left=range(3))
    all_cells = f"{len(session.cells)} cells in {len(session.batches)} batches"
    threads = f"{session.experiment.threads} thread(s) each"
    print_lines([*lines, f"{all_cells}, {threads}; plan {session.fingerprint[:12]}"])


def _print_warning(message: Warning | str, *_: object, **__: object) -> None:
    print_error(f"warning: {message}")
