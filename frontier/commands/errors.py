"""`python -m frontier errors PROBLEM.yaml --stat "mean agi" …`: how sure is an estimate from calibrated weights?

Exit codes: 0 done; 1 some replicates could not be calibrated, and it is said, or the machine failed; 2 bad input, 130
interrupted.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from frontier.commands.command_line import command, print_error, print_lines
from frontier.commands.errors_files import in_r, read_record_variables, read_replicate_weights, replicate_table
from frontier.commands.fit_files import id_column, read_budget, read_problem, read_settings, writable
from frontier.commands.options import BudgetOption, LamOption, ProblemArgument, SettingsOption
from frontier.commands.score_files import read_weights
from frontier.core.bounds import read_bounds
from frontier.core.errors import InputError
from frontier.core.files import write_together
from frontier.problems.diagnostics import problem_warnings
from frontier.problems.own_data.export import as_table, record_ids
from frontier.problems.splits import default_split
from frontier.sweep.solve import said_elsewhere
from frontier.sweep.standard_errors import LINEARISED, standard_errors

KINDS = Literal["linearised", "bootstrap", "jk1", "jkn", "brr", "fay", "sdr"]


@partial(command, kept="nothing was written")
def main(
    problem: ProblemArgument,
    stat: Annotated[
        list[str],
        typer.Option(
            help="count, 'total X', 'mean X', 'ratio X / Y', 'median X', 'quantile X 0.9', 'share C' (repeatable)"
        ),
    ],
    by: Annotated[list[str] | None, typer.Option(help="a column of categories to estimate in too (repeatable)")] = None,
    weights: Annotated[Path | None, typer.Option(help="weights of a fit: .npy, .csv or .parquet")] = None,
    method: Annotated[str | None, typer.Option(help="the method that makes them, in every replicate too")] = None,
    budget: BudgetOption = None,
    lam: LamOption = None,
    seed: Annotated[int | None, typer.Option(help="of the replicates and of a stochastic method; default 0")] = None,
    settings: SettingsOption = None,
    refit: Annotated[Literal["none", "fitted", "initial"] | None, typer.Option(help="as `fit` takes it")] = None,
    bound: Annotated[list[str] | None, typer.Option(help="as `fit` takes it (repeatable)")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="as `fit` takes it")] = False,
    split: Annotated[
        Literal["none", "default"], typer.Option(help="default: fit without the problem's held-out families")
    ] = "none",
    kind: Annotated[
        KINDS | None, typer.Option(help="default: bootstrap, or linearised where weights are all that is given")
    ] = None,
    number: Annotated[int | None, typer.Option(help="of replicates; default 200")] = None,
    fay: Annotated[float | None, typer.Option(help="k of Fay's method; default 0.5")] = None,
    around: Annotated[
        Literal["mean", "estimate"], typer.Option(help="of the replicates, or the estimate itself")
    ] = "mean",
    given: Annotated[
        Path | None, typer.Option(help="replicate weights that came with the file: ids, and a column for each")
    ] = None,
    records: Annotated[
        Path | None, typer.Option(help="the records' variables, .csv or .parquet, where the problem knows none")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="table of the statistics: .csv or .parquet")] = None,
    replicates: Annotated[
        Path | None, typer.Option(help="write the calibrated replicate weights: .csv or .parquet, for R's svrepdesign")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="processes; default one per core")] = None,
) -> None:
    """Statistics of the records under calibrated weights, with standard errors and 95% intervals.

    With a method, calibration and selection are repeated in every replicate; with weights alone errors are linearised.
    """
    _, spec, whole = read_problem(problem)
    folder, id = Path(problem).parent, id_column(spec)
    kinds = {path: writable([path], spec, folder) for path in (out, replicates) if path is not None}
    if out is not None and len({path.resolve() for path in kinds}) < len([p for p in (out, replicates) if p]):
        raise InputError("--replicates", "the file of --out too", cure="give it another name")
    params = read_settings(settings or ())
    if params and method is None:
        raise InputError("--set", "without a method", cure="give --method")
    fits = not (method is None and budget is None and lam is None)
    if replicates is not None and (kind == LINEARISED or not (fits or given)):
        raise InputError("--replicates", "linearised errors have none", cure="give a method, and --kind bootstrap")
    bounds = read_bounds(read_settings(bound or (), "--bound"), "--bound")
    size = None if budget is None else read_budget(budget)
    chosen = None if weights is None else read_weights(weights, whole, id)[0]
    columns = None if given is None else read_replicate_weights(given, whole, id)
    for line in problem_warnings(whole):
        print_error(f"warning: {line}")
    with said_elsewhere():  # by `data` and `fit`
        found = standard_errors(
            whole,
            stat,
            by=by or (),
            weights=chosen,
            method=method,
            budget=size,
            lam=lam,
            seed=seed,
            refit=refit,
            exact=exact,
            bounds=bounds,
            params=params,
            split=default_split(whole) if split == "default" else None,
            records=None if records is None else read_record_variables(records, whole, id),
            kind=kind,
            number=number,
            fay=fay,
            replicate_weights=columns,
            around=around,
            keep_weights=replicates is not None,
            jobs=jobs,
            quiet=False,
        )
    files = {}
    lines = found.lines()
    if out is not None:
        files[out] = as_table(found.table, kinds[out])
    if replicates is not None:
        files[replicates] = as_table(replicate_table(found, record_ids(whole), id), kinds[replicates])
        lines += ["", *in_r(found, replicates)]
    if files:
        write_together(files)
        lines += ["", f"written: {', '.join(map(str, files))}"]
    print_lines(lines)
    if found.failures:
        raise typer.Exit(1)
