"""`python -m frontier fit PROBLEM.yaml --budget 2000 --out weights.parquet`: calibrate one problem, write the weights.

Exit codes: 0 done; 1 the weights are written, but they are not what was asked for (not converged, or of another size
than the budget) or no good (`sweep/weight_warnings.py`), and it is said, or there are none or the disk is full
(nothing is written); 2 bad input, 130 interrupted (nothing is written).
"""

from __future__ import annotations

import dataclasses
import warnings
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from frontier.commands.command_line import command, print_error
from frontier.commands.fit_files import (
    category_warnings,
    id_column,
    method_in_words,
    output,
    print_pairs,
    read_budget,
    read_problem,
    read_settings,
    summary,
)
from frontier.commands.score_files import read_weights
from frontier.core.bounds import read_bounds
from frontier.core.errors import InputError
from frontier.problems.diagnostics import DataWarning, problem_warnings
from frontier.problems.records.auxiliary import with_auxiliary
from frontier.problems.splits import default_split, every_target
from frontier.sweep.default_method import default_method
from frontier.sweep.integer_weights import rounded_solution
from frontier.sweep.solve import NotAsAskedWarning, calibrate, records_asked_for, reweigh
from frontier.sweep.tables import small_file, targets_table, weights_table
from frontier.sweep.weight_warnings import WeightWarning, weight_warnings


@partial(command, kept="nothing was written")
def main(
    problem: Annotated[str, typer.Argument(help="YAML file with one problem, or the name of a registered one")],
    out: Annotated[Path, typer.Option(help="weights: .parquet or .csv; targets go beside it, as <name>_targets")],
    method: Annotated[
        str | None,
        typer.Option(
            help="a registered method, or path/to/file.py:MyMethod; default by a rule, see `frontier suggest`"
        ),
    ] = None,
    budget: Annotated[str | None, typer.Option(help="records to keep, or a share of them (0.05)")] = None,
    lam: Annotated[float | None, typer.Option(help="penalty λ instead of a budget, in the method's unit")] = None,
    seed: Annotated[int | None, typer.Option(help="of a stochastic method; default 0")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="a parameter of the method, name=value (repeatable)")
    ] = None,
    refit: Annotated[
        Literal["none", "fitted", "initial"] | None,
        typer.Option(help="weight the same records again, from these weights; default: what suits the method"),
    ] = None,
    split: Annotated[
        Literal["none", "default"], typer.Option(help="default: fit without the problem's held-out families")
    ] = "none",
    active_only: Annotated[
        bool, typer.Option("--active-only", help="write the records that are kept, no others")
    ] = False,
    start: Annotated[
        Path | None, typer.Option(help="earlier weights, .npy, .csv or .parquet: the initial weights of this fit")
    ] = None,
    freeze: Annotated[
        bool, typer.Option("--freeze", help="with --start: the same records, weighted again for these totals")
    ] = False,
    bound: Annotated[
        list[str] | None,
        typer.Option(help="max_weight=5000, min_weight, max_ratio or min_ratio (to the initial weight); repeatable"),
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="exactly the budget, where the method ends near it")] = False,
    integer: Annotated[
        bool,
        typer.Option("--integer", help="whole numbers, rounded at random: totals nearly kept, none shifted on average"),
    ] = False,
    rows: Annotated[
        bool, typer.Option("--rows", help="microdata: write the kept rows with all their columns, a small file")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="threads the solver may use")] = 1,
) -> None:
    """Calibrate one problem by one method and write the weights and a table of its targets.

    Weights that did not converge, are of another size than asked for, or are worse than the initial ones are written
    all the same, with a line that says so and exit code 1. Without any, or with bad input (exit code 2), nothing is.
    """
    name, spec, whole = read_problem(problem)
    files = output(out, spec, Path(problem).parent)
    parts = default_split(whole) if split == "default" else every_target(whole)
    if rows and "rows" not in whole.meta:
        raise InputError("--rows", "no microdata", expected="a problem with `microdata: …`", cure="use --active-only")
    if freeze and (start is None or method is not None or budget is not None or lam is not None):
        raise InputError("--freeze", "keeps the records of --start", cure="give --start, no method, budget or λ")
    if start is not None:
        earlier, _ = read_weights(start, whole, id_column(spec))
        whole = dataclasses.replace(whole, w0=earlier) if not freeze else whole
    params = read_settings(settings or ())
    bounds = read_bounds(read_settings(bound or (), "--bound"), "--bound")
    size = None if budget is None else read_budget(budget)
    for line in problem_warnings(whole):
        print_error(f"warning: {line}")
    training = with_auxiliary(whole).restrict(parts.train)
    if method is None and lam is None and not freeze:  # named before it is begun, and in what is said of it
        method = default_method(training, None if size is None else records_asked_for(size, whole.n_records))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # said above
        warnings.simplefilter("ignore", WeightWarning)  # said below
        warnings.simplefilter("ignore", NotAsAskedWarning)
        if freeze:
            solution = reweigh(training, earlier, refit=refit or "fitted", bounds=bounds, threads=threads)
            solution = rounded_solution(training, solution, seed or 0) if integer else solution
        else:
            solution = calibrate(
                training,
                method=method,
                budget=size,
                lam=lam,
                seed=seed,
                refit=refit,
                exact=exact,
                bounds=bounds,
                integer=integer,
                params=params,
                threads=threads,
            )
    if solution.weights is None:
        print_error(f"FAILED, nothing written: {solution.status}: {solution.message or solution.status.meaning}")
        raise typer.Exit(1)
    if rows:
        kept = small_file(whole, solution.weights)
    else:
        kept = weights_table(whole, solution.weights, name=id_column(spec), active_only=active_only)
    files.write(kept, targets_table(whole, solution.weights, parts))
    lines = [("problem", f"{name}: {whole.n_targets:,} targets × {whole.n_records:,} records")]
    lines += [("method", method_in_words(solution)), *summary(whole, parts, solution)]
    lines += [("weights", str(files.weights)), ("targets", str(files.targets))]
    print_pairs(lines)
    found = (*weight_warnings(training, solution.weights), *category_warnings(whole, solution.weights))
    said = [f"WARNING: {line}" for line in found]
    if not solution.status.ended_well:
        said.insert(0, f"NOT AS ASKED FOR: {solution.status}: {solution.message or solution.status.meaning}")
    for line in said:
        print_error(line)
    if said:
        raise typer.Exit(1)
