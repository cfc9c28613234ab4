"""`python -m frontier.check RUN --against BASELINE`: is this run worse than a committed one?

`python -m frontier.check BASELINE --history` tells what each method came to whenever the baseline was replaced.

Exit codes: 0 pass (also after --update), 1 regression, 2 not comparable or incomplete, 3 usage (and files
that cannot be read or written), 130 interrupted.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from frontier.analysis.regression.check import INCOMPLETE, check
from frontier.analysis.regression.tolerances import Tolerances, read_tolerances
from frontier.commands.command_line import command, print_error, print_lines
from frontier.core.errors import InputError
from frontier.core.files import write_atomically
from frontier.reporting.findings import as_json, as_junit, as_text
from frontier.results.baseline import NotComparable, read_baseline, refuse_other_code, write_baseline
from frontier.results.history import history_lines, history_of
from frontier.results.run import load_run

USAGE = 3


@partial(command, usage_code=USAGE, machine_code=USAGE)
def main(
    run: Annotated[Path, typer.Argument(help="a results folder written by frontier.run; with --history a baseline")],
    against: Annotated[Path | None, typer.Option(help="a baseline, or another results folder")] = None,
    tolerance: Annotated[Path | None, typer.Option(help="tolerances that differ from the defaults (YAML)")] = None,
    reference: Annotated[str | None, typer.Option(help="compare timings as ratios to this method's")] = None,
    json: Annotated[str | None, typer.Option(help="write every finding to this file; '-' for standard output")] = None,
    junit: Annotated[Path | None, typer.Option(help="write a JUnit XML report to this file")] = None,
    update: Annotated[
        bool, typer.Option("--update", help="show what changes, then make this run the baseline")
    ] = False,
    history: Annotated[bool, typer.Option("--history", help="what methods came to, version by version")] = False,
) -> None:
    """Compare a run with a baseline, cell by cell and as frontiers."""
    if history:
        print_lines(history_lines(history_of(read_baseline(run))))
        return
    if against is None:
        raise InputError("--against", "Missing option", expected="a baseline, or another results folder", cure="add it")
    tolerances = Tolerances() if tolerance is None else read_tolerances(tolerance)
    now = load_run(run)
    try:
        refuse_other_code(now, run)
    except NotComparable as error:
        print_error(f"error: {error}")
        raise typer.Exit(INCOMPLETE) from None
    try:
        if update and not against.exists():
            write_baseline(now, against)
            sys.stdout.write(f"new baseline of {len(now.cells)} cells: {against}\n")
            return
        before = read_baseline(against)
        found = check(now, before, tolerances, reference)
    except NotComparable as error:
        print_error(f"error: {error}")
        if not update:
            raise typer.Exit(INCOMPLETE) from None
        found = None
    if found is not None:
        _write(json, as_json(found.findings, found.summary))
        _write(None if junit is None else str(junit), as_junit(found.findings, f"{run} against {against}"))
        if json != "-":
            sys.stdout.write(as_text(found.findings, found.headline) + "\n")
    if update:
        if (against / "cells.parquet").exists():
            raise InputError(against, "a results folder, not a baseline", cure="name a folder for the baseline")
        write_baseline(now, against, [] if found is None else history_of(before))
        print_error(f"baseline replaced: {against}")
    elif found is not None and found.code:
        raise typer.Exit(found.code)


def _write(target: str | None, content: str) -> None:
    if target == "-":
        sys.stdout.write(content)
    elif target:
        try:
            write_atomically(Path(target), content.encode())
        except OSError as error:
            raise InputError(target, f"cannot be written: {error.strerror}") from None
