"""`python -m frontier fit PROBLEM.yaml --budget 2000 --out weights.parquet`: calibrate one problem, write the weights.

Exit codes: 0 done; 1 the weights are written, but they are not what was asked for (not converged, or of another size
than the budget) or no good (`sweep/weight_warnings.py`), and it is said, or there are none or the disk is full
(nothing is written); 2 bad input, 130 interrupted (nothing is written).
"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import numpy as np
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
from frontier.commands.options import BudgetOption, LamOption, ProblemArgument, SettingsOption
from frontier.commands.score_files import read_weights
from frontier.core.bounds import read_bounds
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.methods.solution import Solution
from frontier.problems.diagnostics import problem_warnings
from frontier.problems.splits import default_split, every_target
from frontier.sweep.default_method import default_method
from frontier.sweep.integer_weights import rounded_solution
from frontier.sweep.partition import PartedSolution, calibrate_by, labels_of
from frontier.sweep.solve import calibrate, records_asked_for, reweigh, said_elsewhere, with_categories
from frontier.sweep.tables import small_file, targets_table, weights_table
from frontier.sweep.weight_warnings import weight_warnings

MOST_PARTS = 60  # that have a line each; of more, only those that have a fault


@partial(command, kept="nothing was written")
def main(
    problem: ProblemArgument,
    out: Annotated[Path, typer.Option(help="weights: .parquet or .csv; targets go beside it, as <name>_targets")],
    method: Annotated[
        str | None,
        typer.Option(
            help="a registered method, or path/to/file.py:MyMethod; default by a rule, see `frontier suggest`"
        ),
    ] = None,
    budget: BudgetOption = None,
    lam: LamOption = None,
    seed: Annotated[int | None, typer.Option(help="of a stochastic method; default 0")] = None,
    settings: SettingsOption = None,
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
    partition: Annotated[
        str | None,
        typer.Option(help="a category: fit its values apart, each by its own targets; a budget is then each part's"),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="processes, with --partition")] = 1,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="threads; default: all cores where no result depends on it, else one"),
    ] = None,
) -> None:
    """Calibrate one problem by one method and write the weights and a table of its targets.

    Weights that did not converge, are of another size than asked for, or are worse than the initial ones are written
    all the same, with a line that says so and exit code 1. Without any, or with bad input (exit code 2), nothing is.
    """
    name, spec, whole = read_problem(problem)
    partition = spec.partition if partition is None else partition
    files = output(out, spec, Path(problem).parent)
    parts = default_split(whole) if split == "default" else every_target(whole)
    if rows and "rows" not in whole.meta:
        raise InputError("--rows", "no microdata", expected="a problem with `microdata: …`", cure="use --active-only")
    if freeze and (start is None or method is not None or budget is not None or lam is not None):
        raise InputError("--freeze", "keeps the records of --start", cure="give --start, no method, budget or λ")
    if freeze and partition is not None:
        raise InputError("--partition", "not with --freeze", cure="freeze the whole file, or fit parts anew")
    if start is not None:
        earlier, _ = read_weights(start, whole, id_column(spec))
        whole = dataclasses.replace(whole, w0=earlier) if not freeze else whole
    params = read_settings(settings or ())
    bounds = read_bounds(read_settings(bound or (), "--bound"), "--bound")
    size = None if budget is None else read_budget(budget)
    for line in problem_warnings(whole):
        print_error(f"warning: {line}")
    training = with_categories(whole, method).restrict(parts.train)
    if method is None and lam is None and not freeze and partition is None:  # named in what is said of it
        method = default_method(training, None if size is None else records_asked_for(size, whole.n_records))
    lines = [("problem", f"{name}: {whole.n_targets:,} targets × {whole.n_records:,} records")]
    options: dict[str, Any] = {
        "method": method,
        "budget": size,
        "lam": lam,
        "seed": seed,
        "refit": refit,
        "exact": exact,
    }
    options |= {"bounds": bounds, "integer": integer, "params": params, "threads": threads}
    with said_elsewhere():  # above, of the data, and below
        if partition is not None:
            own = whole.groups if partition == spec.params.get("group") else None
            result = calibrate_by(training, labels_of(whole, partition) if own is None else own, jobs=jobs, **options)
        elif freeze:
            solution = reweigh(training, earlier, refit=refit or "fitted", bounds=bounds, threads=threads)
            solution = rounded_solution(training, solution, seed or 0) if integer else solution
        else:
            solution = calibrate(training, **options)
    if partition is not None:
        weights, said = result.weights, complaints_of_parts(result)
        shown = [one for one in result.parts if len(result.parts) <= MOST_PARTS or not one.is_good]
        lines += [(f"{partition} {one.part.label}", one.in_words()) for one in shown[:MOST_PARTS]]
        lines.append(("parts", result.in_words()))
        if np.isnan(weights).all():
            nothing_written(said)
    else:
        if solution.weights is None:
            nothing_written([f"{solution.status}: {solution.message or solution.status.meaning}"])
        weights, said = solution.weights, complaints(training, solution)
        lines += [("method", method_in_words(solution)), *summary(whole, parts, solution)]
    if rows:
        kept = small_file(whole, weights)
    else:
        kept = weights_table(whole, weights, name=id_column(spec), active_only=active_only)
    files.write(kept, targets_table(whole, weights, parts))
    print_pairs([*lines, ("weights", str(files.weights)), ("targets", str(files.targets))])
    said += [f"WARNING: {line}" for line in category_warnings(whole, np.nan_to_num(weights))]
    for line in said:
        print_error(line)
    if said:
        raise typer.Exit(1)


def nothing_written(why: list[str]) -> NoReturn:
    """Say that there are no weights, and end."""
    for line in why:
        print_error(f"FAILED, nothing written: {line}")
    raise typer.Exit(1)


def complaints(training: CalibrationProblem, solution: Solution) -> list[str]:
    """What there is to say against a solution with weights."""
    said = []
    if not solution.status.ended_well:
        said.append(f"NOT AS ASKED FOR: {solution.status}: {solution.message or solution.status.meaning}")
    assert solution.weights is not None
    return said + [f"WARNING: {line}" for line in weight_warnings(training, solution.weights)]


def complaints_of_parts(result: PartedSolution) -> list[str]:
    """The same of each part; one without weights too."""
    said = []
    for one in result.parts:
        if not one.solution.status.ended_well:
            said.append(f"NOT AS ASKED FOR: part {one.part.label!r}: {one.in_words()}")
        said += [f"WARNING: part {one.part.label!r}: {line}" for line in one.warnings]
    return said
