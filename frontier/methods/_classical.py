"""What the three classical calibration methods share: the check of their parameters and the way to a `Solution`.

Not a method itself (the registry skips names with a leading underscore).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from frontier.core.errors import InputError
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.solution import Solution
from frontier.objectives.design import relative_residual
from frontier.objectives.distance import DistanceObjective
from frontier.solvers.dual.calibrate import calibrate


def check_parameters(relax: float | None, tol: float, max_iter: int) -> None:
    """Raise `InputError` for a relaxation that is not positive, tol outside (0, 1) or max_iter < 1."""
    if relax is not None and not (math.isfinite(relax) and relax > 0):
        raise InputError(
            "relax", "not a relaxation", expected="a finite number > 0", got=relax, cure="null calibrates exactly"
        )
    if not 0 < tol < 1:
        raise InputError("tol", "not a relative tolerance", expected="0 < tol < 1", got=tol)
    if max_iter < 1:
        raise InputError("max_iter", "not a number of Newton steps", expected="an integer ≥ 1", got=max_iter)


def compile_kernels(method: Method) -> None:
    """Solve one target with one record, which compiles the normal matrix."""
    method.solve(CalibrationProblem("warm-up", sp.csr_array([[1.0]]), np.array([1.5]), np.ones(1)), [Point()])


def solve_classical(
    problem: CalibrationProblem, points: Sequence[Point], objective: DistanceObjective, *, tol: float, max_iter: int
) -> list[Solution]:
    """One deterministic solve, returned for every point. Negative weights (unbounded GREG) end in `error`."""
    found = calibrate(problem, objective, tol=tol, max_iter=max_iter)
    negative = int(np.count_nonzero(found.weights < 0))
    if found.ended == "infeasible":
        return [Solution(None, Status.INFEASIBLE, found.n_iter, found.message)] * len(points)
    if negative:
        smallest = float(np.min(found.weights))
        message = f"{negative} weights are negative (smallest {smallest:.3g}): set lower: 0, or use raking or logit"
        return [Solution(None, Status.ERROR, found.n_iter, message)] * len(points)
    solution = Solution(
        weights=found.weights,
        status=Status.OPTIMAL if found.ended == "converged" else Status.unconverged(),
        n_iter=found.n_iter,
        message=found.message,
        objective=objective,
        dual=found.theta,
        claims={"max_relative_residual": float(np.max(np.abs(relative_residual(problem, found.weights))))},
    )
    return [solution] * len(points)
