"""`python -m frontier suggest PROBLEM.yaml`: which small file to take, and what it loses.

Exit codes: 0 done, 1 the machine failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from frontier.advice.suggest import suggest
from frontier.commands.command_line import command, print_error, print_lines
from frontier.commands.fit_files import check_folder_of, read_budget, read_problem, read_share
from frontier.commands.options import ProblemArgument
from frontier.core.files import stem_of, write_together
from frontier.problems.diagnostics import DataWarning, problem_warnings


@partial(command, kept="nothing was written")
def main(
    problem: ProblemArgument,
    budget: Annotated[
        list[str] | None, typer.Option(help="records to keep, or a share of them (repeatable); default 2, 8 and 30%")
    ] = None,
    training_error: Annotated[
        str | None, typer.Option(help="instead: the smallest file that misses the totals by at most this (1%)")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="try only this method (repeatable)")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="of methods that draw or start at random")] = 2,
    exact: Annotated[bool, typer.Option("--exact", help="files of exactly the sizes asked for")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="processes; default one per core")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of table and figure; default reports/suggest/<name>")] = None,
) -> None:
    """Try the methods that make sense on a problem, say what each small file loses, and choose.

    Prints one table, the choice at every budget, and the command that writes its weights.
    """
    name, _, whole = read_problem(problem)
    folder = out or Path("reports") / "suggest" / stem_of(name)
    check_folder_of(folder / "suggestion.txt")  # before minutes are spent
    sizes = [read_budget(text) for text in budget or ()]
    error = None if training_error is None else read_share(training_error, "--training-error")
    for line in problem_warnings(whole):
        print_error(f"warning: {line}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # said above
        found = suggest(
            whole,
            budgets=sizes,
            training_error=error,
            methods=method or (),
            seeds=seeds,
            exact=exact,
            jobs=jobs,
            quiet=False,
        )
    from frontier.reporting.charts.suggestion_figure import suggestion_picture  # matplotlib: only after solving

    picture = suggestion_picture(found.table, name, found.whole["train_mare"], found.initial["train_mare"])
    lines = found.lines(problem, name)
    files = {
        folder / "suggestion.txt": "\n".join([*lines, ""]).encode(),
        folder / "suggestion.csv": found.table.to_csv(index=False).encode(),
        folder / "trials.csv": found.trials.to_csv(index=False).encode(),
        folder / "suggestion.png": picture,
    }
    write_together(files)
    print_lines([*lines, "", f"written: {', '.join(map(str, files))}"])
