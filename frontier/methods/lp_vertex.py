"""Least absolute deviations at a vertex: `min Σ ω_j |r_j| + λ Σ w_i`, `w ≥ 0`, by HiGHS's dual simplex.

As a linear programme, with `A = ω∘M/scale`, `b = ω∘y/scale` and the residual split into parts above and below:

    minimise  1ᵀ(p + q) + λ 1ᵀw   subject to  A w + p − q = b,  w, p, q ≥ 0

A vertex has m basic variables, so at most m records are active, all others exactly 0, and the fit of the rest of the
targets is exact: one basic p or q takes the place of one active record. Columns are scaled to largest entry 1 and the
targets to largest 1, as solver tolerances are absolute. Simplex without parallelism, so deterministic; no path is kept
from one λ to the next. `cvxpy_reference` solves the same programme by interior points and crossover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.limits import remaining_seconds
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.solution import Solution
from frontier.objectives.absolute import LadObjective, lad_range

FEASIBILITY = 1e-10  # the least HiGHS takes, on primal and dual
SMALL_ENTRY = 1e-12  # the least HiGHS takes; by default it drops entries below 1e-9
_STATUS = {
    "Optimal": Status.OPTIMAL,
    "Iteration limit reached": Status.NOT_CONVERGED,
    "Time limit reached": Status.TIMEOUT,
}


@dataclass(frozen=True, kw_only=True)
class LpVertex(Method):
    """The least absolute relative error at a vertex of its linear programme.

    max_iter  simplex iterations
    """

    max_iter: Count = 1_000_000

    def lam_range(self, problem: CalibrationProblem) -> tuple[float, float]:
        return lad_range(problem)

    def warm_up(self) -> None:
        """Import HiGHS."""
        import highspy  # noqa: F401

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One independent solve for each point."""
        self.check(points)
        return [self._solve(problem, point.lam) for point in points if point.lam is not None]

    def _solve(self, problem: CalibrationProblem, lam: float) -> Solution:
        import highspy

        factor = problem.importance / problem.scale
        A, b = sp.csc_array(sp.diags_array(factor) @ problem.M), factor * problem.y
        lengths = abs(A).max(axis=0).toarray().ravel()
        used = np.flatnonzero(lengths > 0)  # a record without entries costs λ and helps nothing: weight 0
        beta = float(np.max(np.abs(b))) or 1.0
        columns = A[:, used] @ sp.diags_array(1.0 / lengths[used])

        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        options: dict[str, bool | int | float | str] = {
            "output_flag": False,
            "solver": "simplex",
            "parallel": "off",
            "simplex_iteration_limit": self.max_iter,
            "primal_feasibility_tolerance": FEASIBILITY,
            "dual_feasibility_tolerance": FEASIBILITY,
            "small_matrix_value": SMALL_ENTRY,
        }
        if (seconds := remaining_seconds()) is not None:
            options["time_limit"] = seconds
        for name, value in options.items():
            solver.setOptionValue(name, value)
        solver.passModel(_programme(columns, b / beta, lam / lengths[used]))
        solver.run()
        word = solver.modelStatusToString(solver.getModelStatus())
        iterations = int(solver.getInfo().simplex_iteration_count)
        status = _STATUS.get(word)
        if status is None:
            return Solution.failed(Status.ERROR, f"HiGHS stopped with '{word}'")
        cure = "limits.seconds" if status is Status.TIMEOUT else "max_iter"
        found = solver.getSolution()
        weights = np.zeros(problem.n_records)
        x = np.array(found.col_value[: used.size])
        weights[used] = np.maximum(x, 0.0) * beta / lengths[used]
        return Solution(
            weights=weights,
            status=status,
            n_iter=iterations,
            message="" if status is Status.OPTIMAL else f"HiGHS stopped after {iterations} iterations: raise {cure}",
            objective=LadObjective(lam),
            dual=problem.importance * np.array(found.row_dual),  # rows carry ω already: the multipliers are in [−1, 1]
            claims={"solver_value": float(solver.getInfo().objective_function_value) * beta},
        )


def _programme(columns: sp.csc_array, b: FloatArray, cost: FloatArray) -> Any:
    """The linear programme in HiGHS's form: variables x, p, q ≥ 0."""
    import highspy

    m, n = columns.shape
    identity = sp.eye_array(m)
    matrix = sp.csc_array(sp.hstack([columns, identity, -identity]))
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = n + 2 * m, m
    programme.col_cost_ = np.concatenate([cost, np.ones(2 * m)])
    programme.col_lower_ = np.zeros(n + 2 * m)
    programme.col_upper_ = np.full(n + 2 * m, highspy.kHighsInf)
    programme.row_lower_ = programme.row_upper_ = b
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_, programme.a_matrix_.index_ = matrix.indptr, matrix.indices
    programme.a_matrix_.value_ = matrix.data
    return programme
