"""`python -m frontier new-method my_method.py`: write a first method of your own, which works as it is.

Exit codes: 0 done, 1 the machine failed (disk full), 2 bad input; a file that is there already is left as it is.
"""

from __future__ import annotations

import re
import shlex
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from frontier.commands.command_line import command, print_lines
from frontier.core.errors import InputError

TEMPLATE = '''"""A method of my own: keeps the records with the largest initial weights, scaled to the same total.

Check it:    python -m frontier contract {shown}
Use it:      python -m frontier fit PROBLEM.yaml --method {shown} --budget 500 --out weights.csv
Compare it:  in an experiment file in the folder of this file
             methods: [{{name: {name}, budget: [100, 500]}}, {{name: top_k, budget: [100, 500]}}]
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from frontier import CalibrationProblem, Method, Point, Solution, Status


@dataclass(frozen=True, kw_only=True)
class MyMethod(Method):  # CHANGE the name: figures call this class my_method
    """Exactly `budget` records, those with the largest initial weights.

    keep_total  scale the weights of the records that are kept to the total of all initial weights
    """

    # CHANGE what a point of the grid may carry: {{"budget"}} (records to keep), {{"lam"}} (a penalty: budgets are then
    # found by a search over it), both, or nothing: frozenset()
    axes = frozenset({{"budget"}})
    # which of "lam", "budget" and "seed" one call of `solve` takes several of; one call at a time is as good
    batch_over = frozenset({{"budget"}})
    # True: every point has a seed; draw from np.random.default_rng(point.seed) and from nothing else
    stochastic = False

    # CHANGE the parameters: numbers, texts or truth values, each with a type; they are keys in an experiment file
    keep_total: bool = True

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One solution per point, in order."""
        self.check(points)  # refuses points that `axes` does not allow
        return [self._solve(problem, point) for point in points]

    def _solve(self, problem: CalibrationProblem, point: Point) -> Solution:
        # CHANGE this: problem.M (targets × records, sparse), problem.y (targets), problem.w0 (initial weights) and
        # problem.scale (what a miss is measured in) may be read, not changed; weights are ≥ 0, one per record
        kept = np.argsort(-problem.w0, kind="stable")[: point.budget]
        weights = np.zeros(problem.n_records)
        weights[kept] = problem.w0[kept]
        if self.keep_total:
            weights *= problem.w0.sum() / weights.sum()
        # Status.OPTIMAL: a proven minimum; COMPLETED: done as described; NOT_CONVERGED: stopped too early;
        # no weights: Solution.failed(Status.INFEASIBLE, "why")
        return Solution(weights, Status.COMPLETED)
'''


@partial(command, kept="nothing was written")
def main(path: Annotated[Path, typer.Argument(help="the new Python file")]) -> None:
    """Write a complete small method with comments that say what to change; an existing file is never replaced."""
    if path.suffix != ".py":
        raise InputError(path, "not a Python file", expected="a name that ends in .py")
    if path.exists():
        raise InputError(path, "is there already", cure="give a new name")
    shown = shlex.quote(f"{path.as_posix()}:MyMethod")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(shown=shown, name=_in_yaml(f"{path.name}:MyMethod")))
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(path, f"cannot be written: {error.strerror}") from None
    print_lines([f"written: {path}", f"check it: python -m frontier contract {shown}"])


def _in_yaml(text: str) -> str:
    return text if re.fullmatch(r"[\w./:-]+", text) else "'{}'".format(text.replace("'", "''"))
