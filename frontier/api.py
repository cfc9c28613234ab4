"""The Python entry points: solve a problem, run an experiment. The commands use the same functions underneath."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from frontier.drive import check_points
from frontier.methods.base import Point, Solution
from frontier.problem import CalibrationProblem
from frontier.registry import build_method
from frontier.sweep.measure import solve_measured
from frontier.sweep.session import open_session, run_session
from frontier.sweep.store import Store


def solve(
    problem: CalibrationProblem,
    method: str = "fista",
    points: Sequence[Point] = (Point(),),
    *,
    threads: int = 1,
    **params: Any,
) -> list[Solution]:
    """One solution per point, in order, timed, from the registered `method` configured with `params`.

    A method that has only a λ is driven to a `Point(budget=…)` by a search; what misses its budget says so.

    `problem` is what the method may see: pass `problem.restrict(split.train)` to hold targets out. Wrong names,
    parameters or points raise `InputError`; a numerical failure is a solution whose `status` says so. `threads` is the
    number of threads the call may use.
    """
    solver = build_method(method, params, f"method '{method}'")
    check_points(solver, points)
    return solve_measured(solver, method, problem, points, threads=threads)


def run_experiment(
    path: Path | str, jobs: int = 1, out: Path | str | None = None, *, fresh: bool = False, quiet: bool = True
) -> pd.DataFrame:
    """The cells table of an experiment file, solving only what `out` (default `results/<experiment>`) lacks."""
    session = open_session(path)
    folder = Path(out) if out is not None else Path("results") / session.experiment.name
    return run_session(session, Store(folder), jobs=jobs, fresh=fresh, quiet=quiet)
