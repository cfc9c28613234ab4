"""`python -m frontier data PROBLEM.yaml`: what is in a problem, what is wrong with it, which targets contradict others.

Exit codes: 0 nothing to say against it, 1 something, or the machine failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from frontier.commands.command_line import command, print_lines
from frontier.commands.fit_files import print_pairs, read_problem, writable
from frontier.commands.options import ProblemArgument
from frontier.core.errors import InputError, some
from frontier.core.files import write_atomically
from frontier.core.limits import OutOfTime, time_limit
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import relative_residual
from frontier.objectives.weight_statistics import effective_sample_size
from frontier.problems.checks.assessment import Assessment, assess_targets
from frontier.problems.checks.contradiction import named
from frontier.problems.checks.dependent import dependences
from frontier.problems.checks.infeasible import conflict
from frontier.problems.diagnostics import diagnose, problem_warnings
from frontier.problems.own_data.export import as_table
from frontier.problems.records.variables import record_table, variables_of
from frontier.solvers.dual.bounds_hint import tightest
from frontier.sweep.progress import SweepProgress

CONTRADICTS = 1e-3  # relative difference of a published total from what others say it is
SHOWN = 3
SEARCH, ASSESSMENT = 30.0, 300.0  # seconds


@partial(command, kept="nothing was written")
def main(
    problem: ProblemArgument,
    out: Annotated[Path | None, typer.Option(help="table with a row per target: .csv or .parquet")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="for each search (default 30), or the assessment (300)")
    ] = None,
    assess: Annotated[
        bool,
        typer.Option("--assess", help="add the targets one at a time: which makes calibration hard? (in --out too)"),
    ] = False,
    first: Annotated[
        list[str] | None, typer.Option(help="with --assess: a target or family to begin with (repeatable)")
    ] = None,
) -> None:
    """Say what a problem has, and all that is wrong with it, before anything is fitted."""
    name, spec, whole = read_problem(problem)
    if first and not assess:
        raise InputError("--first", "nothing to begin with it", cure="add --assess")
    kind = None if out is None else writable([out], spec, Path(problem).parent)
    lines = [*_contents(name, whole)]
    search = SEARCH if seconds is None else seconds
    impossible = _infeasible(whole, search)
    complaints = [*problem_warnings(whole), *_dependences(whole), *impossible]
    lines += [] if impossible else _tightest(whole, search)
    table = diagnose(whole)
    if assess:
        assessment = _assessed(whole, first or (), ASSESSMENT if seconds is None else seconds)
        lines += [*zip(("assessment", ""), assessment.lines(), strict=True)]
        table = table.merge(assessment.table.drop(columns=["family", "value"]), on="target", how="left")
    if out is not None and kind is not None:
        write_atomically(out, as_table(table, kind))
        lines.append(("targets", str(out)))
    print_pairs(lines)
    print_lines(["", *(f"- {line}" for line in complaints)] if complaints else ["", "nothing to say against it"])
    if complaints:
        raise typer.Exit(1)


def _contents(name: str, problem: CalibrationProblem) -> list[tuple[str, str]]:
    """What is there, as pairs of name and value."""
    m, n = problem.n_targets, problem.n_records
    w0, support = problem.w0, np.diff(problem.M.indptr)
    error = np.abs(relative_residual(problem, w0))
    worst = int(error.argmax())
    unused = n - np.count_nonzero(np.diff(problem.M.tocsc().indptr))
    ess = effective_sample_size(w0)
    families = (f"{family} ({problem.families.count(family):,})" for family in dict.fromkeys(problem.families))
    found = [
        ("problem", f"{name}: {m:,} targets × {n:,} records, {problem.M.nnz:,} entries"),
        ("initial weights", f"{w0.min():,.6g} to {w0.max():,.6g}, total {w0.sum():,.0f}, worth {ess:,.0f} equal ones"),
        ("on the totals", f"off by {error.mean():.2%}, most {problem.target_names[worst]!r}: {error[worst]:.1%}"),
        ("support", f"{support.min():,} to {support.max():,} records a target; {unused:,} records are in no target"),
        ("families", ", ".join(families)),
    ]
    if problem.groups is not None:
        found.append(("groups", f"{len(np.unique(problem.groups)):,}"))
    if (table := record_table(problem)) is not None:
        variables = variables_of(table, w0)
        categories = ", ".join(f"{one.name} ({len(one.labels)})" for one in variables.categories)
        missing = {name: f" ({count:,} without)" for name, count in variables.missing.items()}
        amounts = ", ".join(f"{name}{missing.get(name, '')}" for name in variables.amounts)
        found += [("categories", categories or "none"), ("amounts", amounts or "none")]
    return found


def _dependences(problem: CalibrationProblem) -> list[str]:
    """A line for targets that others fix at another value."""
    found = [one for one in dependences(problem) if one.off > CONTRADICTS and one.beyond_rounding]
    if not found:
        return []
    names = problem.target_names
    shown = [
        f"{names[one.target]!r} is {one.published:,.6g}, but "
        f"{some([names[j] for j in one.others])} make it {one.implied:,.6g}"
        for one in found[:SHOWN]
    ]
    what = "1 target contradicts" if len(found) == 1 else f"{len(found):,} targets contradict"
    return [f"{what} others that fix it: {'; '.join(shown)}{'; …' if len(found) > SHOWN else ''}"]


def _tightest(problem: CalibrationProblem, seconds: float) -> list[tuple[str, str]]:
    """The tightest bounds that are feasible, unless time was too short."""
    try:
        found = tightest(problem, seconds)
    except OutOfTime:
        return [("tightest bounds", f"not found in {seconds:g} seconds (--seconds)")]
    if found is None:
        return []
    return [("tightest bounds", f"{found[0]:.4g} to {found[1]:.4g} times w0 let some weights meet all targets")]


def _assessed(problem: CalibrationProblem, first: Sequence[str], seconds: float) -> Assessment:
    """The targets added one at a time, as many as time allows; its steps are shown."""
    with SweepProgress(problem.n_targets, 0, unit="targets") as progress, time_limit(seconds):
        try:
            return assess_targets(problem, first, visit=lambda name: progress.advance(name, 1, 0))
        except OutOfTime:
            raise InputError(
                "--seconds", "too short to assess any target", got=f"{seconds:g}", cure="raise it"
            ) from None


def _infeasible(problem: CalibrationProblem, seconds: float) -> list[str]:
    """A line where no weights meet all targets, with a smallest set of which this is true."""
    rows = conflict(problem, seconds)
    if rows is None:
        return [f"whether some weights meet all targets was not decided in {seconds:g} seconds (--seconds)"]
    return [f"no weights ≥ 0 meet all targets: already {named(problem, rows)}"] if rows else []
