"""Targets that no weights ≥ 0 meet together: whether there are any, and a smallest set of them, by certificate.

Non-negative least squares leaves residuals r with `Mᵀu ≤ 0` for `u = ω r/scale`, and `uᵀy > 0` unless all are 0. By
Farkas' lemma no w ≥ 0 gives `M w = y` then, since `uᵀM w ≤ 0`. The certificate is checked here from M and y alone.

A set of targets is searched among those that a dense fit misses most: 4 of them, 16, 64, then all. It is smallest when
each target that is left out of it makes it possible: by bisection over the targets in that order, then by leaving out
one after the other. Targets with tolerances are intervals, which a linear programme decides (HiGHS, by its own word).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import at_most, time_limit
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods._dense import dense_solution
from frontier.methods.dense_nnls import DenseNnls
from frontier.objectives.design import relative_residual

MET = 1e-6  # relative error below which a target counts as met
ROUNDING = 1e-7  # of the largest sum of absolute values: what an inequality may be off
FIRST = (4, 16, 64)  # targets to look among, before all


def conflict(problem: CalibrationProblem, seconds: float) -> tuple[int, ...] | None:
    """A smallest set of targets (rows) that no weights ≥ 0 meet together; () where all can be met, None if undecided.

    seconds  for each least-squares problem
    """
    order = np.arange(problem.n_targets)
    with time_limit(at_most(seconds)):
        dense = dense_solution(problem, "anchored_l1", None)
    if dense.weights is not None:
        order = np.argsort(-np.abs(relative_residual(problem, dense.weights)), kind="stable")
    for size in [*(size for size in FIRST if size < len(order)), len(order)]:
        met = _can_be_met(problem, order[:size], seconds)
        if met is not True:
            return None if met is None else _smallest(problem, order[:size], seconds)
    return ()


def certified(problem: CalibrationProblem, residual: FloatArray) -> bool:
    """Whether relative residuals (m,) prove that no weights ≥ 0 meet all targets: Mᵀu ≤ 0 and uᵀy > 0."""
    u = problem.importance * residual / problem.scale
    most = ROUNDING * float((abs(problem.M).T @ np.abs(u)).max(initial=0.0))
    return bool((problem.M.T @ u <= most).all() and u @ problem.y > ROUNDING * np.abs(u) @ np.abs(problem.y))


def _smallest(
    problem: CalibrationProblem, rows: Sequence[int] | NDArray[np.intp], seconds: float
) -> tuple[int, ...] | None:
    """A smallest part of some targets that cannot be met together, which can be told in time."""
    low, high = 0, len(rows)  # the first `high` cannot be met, the first `low` can
    while high - low > 1:
        middle = (low + high) // 2
        met = _can_be_met(problem, rows[:middle], seconds)
        if met is None:
            return None
        low, high = (middle, high) if met else (low, middle)
    left = [int(row) for row in rows[:high]]
    for row in list(left):
        fewer = [other for other in left if other != row]
        if fewer and _can_be_met(problem, fewer, seconds) is False:
            left = fewer
    return tuple(left)


def _can_be_met(problem: CalibrationProblem, rows: Sequence[int] | NDArray[np.intp], seconds: float) -> bool | None:
    """Whether some weights ≥ 0 meet these targets; None when time did not suffice, or neither could be proved."""
    part = problem.restrict(np.sort(np.asarray(rows, dtype=np.intp)))
    if part.tolerance is not None:
        return _in_intervals(part, part.tolerance, seconds)
    with time_limit(at_most(seconds)):
        [solution] = DenseNnls().solve(part, [Point()])
    if solution.weights is None or solution.status is not Status.OPTIMAL:
        return None
    residual = -relative_residual(part, solution.weights)
    if (np.abs(residual) <= MET).all():
        return True
    return False if certified(part, residual) else None


def _in_intervals(problem: CalibrationProblem, tolerance: FloatArray, seconds: float) -> bool | None:
    """Whether some weights ≥ 0 meet all targets within their tolerances; None when time did not suffice."""
    import scipy.optimize

    rows = sp.csr_array(sp.diags_array(1 / problem.scale) @ problem.M)
    upper, lower = (problem.y + tolerance) / problem.scale, (problem.y - tolerance) / problem.scale
    solved = scipy.optimize.linprog(
        np.zeros(problem.n_records),
        A_ub=sp.csr_array(sp.vstack([rows, -rows])),
        b_ub=np.append(upper, -lower),
        bounds=(0, None),
        method="highs",
        options={"time_limit": at_most(seconds)},
    )
    return {0: True, 2: False}.get(solved.status)
