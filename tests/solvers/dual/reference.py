"""Classical calibration as a general-purpose solver sees it: the primal problem in the ratios x = w/w0, by Clarabel."""

from __future__ import annotations

import contextlib
from typing import Any

import cvxpy as cp
import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import weighted_design
from frontier.objectives.distance import DistanceObjective


def reference_weights(problem: CalibrationProblem, objective: DistanceObjective) -> FloatArray:
    """The minimiser of `objective`, from its primal formula alone (every w0 > 0)."""
    design, share = weighted_design(problem), problem.w0 / problem.w0.sum()
    x = cp.Variable(problem.n_records)
    low, high = objective.lower, objective.upper
    constraints: list[Any] = []
    if objective.kind == "chi_square":
        distance = share @ cp.square(x - 1) / 2
        constraints += [] if low is None else [x >= low]
        constraints += [] if high is None else [x <= high]
    elif objective.kind == "entropy":
        distance = share @ cp.kl_div(x, 1)
    else:
        steepness = (high - low) / ((1 - low) * (high - 1))
        distance = share @ (cp.kl_div(x - low, 1 - low) + cp.kl_div(high - x, high - 1)) / steepness
    residual = design.b - (design.A @ np.diag(problem.w0)) @ x
    if objective.relax is None:
        constraints.append(residual == 0)
        penalty = 0
    else:
        penalty = cp.sum_squares(residual) / (2 * objective.relax)
    programme = cp.Problem(cp.Minimize(distance + penalty), constraints)
    for tol in (1e-13, 1e-12):  # the first is beyond some of the problems
        with contextlib.suppress(cp.error.SolverError):
            names = ("tol_gap_abs", "tol_gap_rel", "tol_feas", "tol_ktratio")
            reduced = ("reduced_tol_gap_abs", "reduced_tol_gap_rel", "reduced_tol_feas")
            programme.solve(solver=cp.CLARABEL, **dict.fromkeys(names, tol), **dict.fromkeys(reduced, 100 * tol))
            break
    return np.asarray(problem.w0 * x.value)
