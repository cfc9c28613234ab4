"""`python -m frontier score PROBLEM.yaml weights.csv [newer.csv]`: are weights any good, ours or another tool's?

Exit codes: 0 nothing to say against the weights; 1 a warning (`sweep/weight_warnings.py`), a mean error above
`--max-error`, or newer weights that are worse than the older ones, and it is said, or the machine failed; 2 bad input,
130 interrupted. With two files the newer one is judged.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from frontier.commands.command_line import command, print_error
from frontier.commands.fit_files import (
    category_warnings,
    id_column,
    negative_in_words,
    print_pairs,
    read_problem,
    read_share,
    rounding_in_words,
    weights_in_words,
    writable,
)
from frontier.commands.options import ProblemArgument
from frontier.commands.score_files import read_weights
from frontier.commands.score_targets import WORSE, comparison, means, scored_targets, worst_targets
from frontier.core.errors import InputError
from frontier.core.files import write_together
from frontier.core.status import Status
from frontier.methods.solution import Solution
from frontier.problems.diagnostics import problem_warnings
from frontier.problems.own_data.export import as_table
from frontier.problems.splits import default_split, every_target
from frontier.sweep.scoring import evaluate
from frontier.sweep.weight_warnings import weight_warnings


@partial(command, kept="nothing was written")
def main(
    problem: ProblemArgument,
    weights: Annotated[Path, typer.Argument(help="column 'weight' and ids (.csv, .parquet), or an array (.npy)")],
    weights2: Annotated[Path | None, typer.Argument(help="the newer release, compared with the other")] = None,
    out: Annotated[Path | None, typer.Option(help="write a row per target: .parquet or .csv")] = None,
    max_error: Annotated[
        str | None, typer.Option(help="exit with 1 when the mean error on the fitted totals is above this, say 5%")
    ] = None,
    split: Annotated[
        Literal["none", "default"], typer.Option(help="default: the problem's held-out families apart")
    ] = "none",
    negative: Annotated[bool, typer.Option("--negative", help="weights below 0 are meant, and judged too")] = False,
) -> None:
    """Judge weights by the totals of a problem, and newer ones by the older: what they keep, miss and lost.

    Exit code 1 means that there is something to say against them, and it is said; bad input is one line and code 2.
    """
    name, spec, whole = read_problem(problem)
    parts = default_split(whole) if split == "default" else every_target(whole)
    limit = None if max_error is None else read_share(max_error, "--max-error")
    if limit is not None and not 0 <= limit < 1:
        raise InputError("--max-error", "not a share", expected="a share below 1, as 0.05 or 5%", got=repr(max_error))
    files = [weights] if weights2 is None else [weights, weights2]
    kind = None if out is None else writable([out], spec, Path(problem).parent)
    if out is not None and out.resolve() in {file.resolve() for file in files}:
        raise InputError(out, "would replace the weights", cure="give --out another name")
    read = [read_weights(file, whole, id_column(spec), negative=negative) for file in files]
    found = [values for values, _ in read]
    for line in problem_warnings(whole):
        print_error(f"warning: {line}")
    table = scored_targets(whole, parts, found)
    lines = [("problem", f"{name}: {whole.n_targets:,} targets × {whole.n_records:,} records")]
    for file, (values, matched) in zip(files, read, strict=True):
        row = evaluate(whole, parts, Solution(values, Status.COMPLETED))
        lines += [("weights", f"{file}, {matched}"), *weights_in_words(whole, parts, row)]
        lines += [*rounding_in_words(whole, parts, values), *negative_in_words(values)]
    lines += worst_targets(table, "" if weights2 is None else "_2")
    lines += [] if weights2 is None else comparison(table, *found)
    if out is not None and kind is not None:
        write_together({out: as_table(table, kind)})
        lines.append(("targets", str(out)))
    print_pairs(lines)
    against = (*weight_warnings(whole.restrict(parts.train), found[-1]), *category_warnings(whole, found[-1]))
    said = [f"WARNING: {line}" for line in against]
    if limit is not None and row["train_mare"] > limit:
        said.append(f"TOO FAR OFF: mean error on the fitted totals {row['train_mare']:.3%}, above {max_error}")
    for side, before, after in () if weights2 is None else means(table):
        if after > before + WORSE:
            said.append(f"WORSE: mean error on the {side} totals {before:.3%} before, {after:.3%} after")
    for line in said:
        print_error(line)
    if said:
        raise typer.Exit(1)
