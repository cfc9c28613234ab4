"""The convex optima from general-purpose solvers through CVXPY: the independent reference for every other method.

* `objective="l1"`: the non-negative LASSO `½ Σ ω_j r_j² + λ Σ w_i`, `w ≥ 0`, by Clarabel (interior point).
* `objective="lad"`: least absolute deviations `Σ ω_j |r_j| + λ Σ w_i`, `w ≥ 0`, a linear programme, by HiGHS (interior
  point, then crossover to a vertex).

Dollar entries near 1e7 beside counts of 1 and weights up to 1e6 defeat absolute solver tolerances, so the solvers see
nondimensional variables only: every column is scaled to length 1 (`x_i = w_i s_i / β`) and the targets to size 1
(division by `β`). The weights come back unpolished: negative ones are set to 0, and Clarabel returns no other exact
zeros, so its active count is a matter of the harness's thresholds. No path, no warm start: one point is one solve.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.limits import limit_to_raise, remaining_seconds
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Share
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.solution import Claim, Solution
from frontier.objectives.absolute import LadObjective, lad_range
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import L1Objective, l1_range, lam_max

# CVXPY's words (cvxpy.settings); whatever is not here is a failure. "user_limit" is its word for any limit.
_STATUS = {
    "optimal": Status.OPTIMAL,
    "optimal_inaccurate": Status.NOT_CONVERGED,
    "user_limit": Status.NOT_CONVERGED,
    "infeasible": Status.INFEASIBLE,
    "infeasible_inaccurate": Status.INFEASIBLE,
}
_MIN_UNIT = 1e-6  # of the objective, in units of ‖b‖²
_MIN_HIGHS_TOLERANCE = 1e-10  # HiGHS refuses smaller feasibility tolerances


@dataclass(frozen=True, kw_only=True)
class CvxpyReference(Method):
    """Minimiser of the L1 or LAD objective to solver tolerance.

    objective  "l1" (Clarabel) or "lad" (HiGHS)
    lam_unit   whether λ is absolute or a multiple of the problem's λ_max (L1 only)
    tol        tolerance on the relative gap and on the residuals of the nondimensional programme; HiGHS takes
               nothing below 1e-10
    max_iter   interior-point iterations

    Raises `InputError` for tol outside (0, 1), max_iter < 1, or LAD with λ in units of λ_max.
    """

    objective: Literal["l1", "lad"] = "l1"
    lam_unit: Literal["absolute", "lam_max"] = "absolute"
    tol: Share = 1e-10
    max_iter: Count = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.objective == "lad" and self.lam_unit == "lam_max":
            raise InputError(
                "lam_unit", "λ_max is defined for the L1 objective only", got="'lam_max' with objective 'lad'",
                cure="use lam_unit: absolute",
            )  # fmt: skip

    def lam_range(self, problem: CalibrationProblem) -> tuple[float, float]:
        return l1_range(problem, self.lam_unit) if self.objective == "l1" else lad_range(problem)

    def warm_up(self) -> None:
        """Import CVXPY and the solver, and solve one target with one record."""
        problem = CalibrationProblem("warm-up", sp.csr_array([[1.0]]), np.ones(1), np.ones(1))
        self.solve(problem, [Point(lam=0.0)])

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One independent solve for each point."""
        self.check(points)
        one = self._solve_l1 if self.objective == "l1" else self._solve_lad
        return [one(problem, point.lam) for point in points if point.lam is not None]

    def _solve_l1(self, problem: CalibrationProblem, lam: float) -> Solution:
        """minimise `½‖r‖² + (λ/(s β))ᵀx` subject to `r + (A/s) x = b/β`, `x ≥ 0`, with `s_i = ‖a_i‖`, `β = ‖b‖`."""
        design = weighted_design(problem)
        top = lam_max(design)
        lam = lam * top if self.lam_unit == "lam_max" else lam
        objective = L1Objective(lam)
        claims: dict[str, Claim] = {"lam_max": top}
        if lam >= top:  # θ = b is dual feasible and its value is the primal's at 0; also when b = 0 or A = 0
            return _zero(problem, objective, design.b, claims | {"solver_value": 0.5 * float(design.b @ design.b)})

        import cvxpy as cp
        from cvxpy.atoms.sum_squares import sum_squares  # the package's own name for it is hidden from type checkers

        beta = float(np.linalg.norm(design.b))
        scaling = _ColumnScaling.of(design.A, np.sqrt(np.asarray(design.A.multiply(design.A).sum(axis=0)).ravel()))
        x, r = cp.Variable(scaling.used.size, nonneg=True), cp.Variable(problem.n_targets)
        balance = r + scaling.matrix @ x == design.b / beta
        cost = lam / (scaling.lengths * beta)
        # Clarabel's gap is relative only for values above 1, so the value is brought there: it is at least the dual's
        # at θ = t b, t = λ/λ_max, which is ‖b‖² (t − t²/2). Far below λ_max it says little: `_MIN_UNIT` ends it.
        t = lam / top
        lower = max(t - 0.5 * t**2, _MIN_UNIT) if lam > 0 else 1.0
        programme = cp.Problem(cp.Minimize((0.5 * sum_squares(r) + cost @ x) / lower), [balance])
        settings = {
            "max_iter": self.max_iter,
            "tol_gap_abs": self.tol,
            "tol_gap_rel": self.tol,
            "tol_feas": self.tol,
            "max_threads": 1,
            "accept_unknown": True,  # keep the weights of a stalled solve; they are NOT_CONVERGED
        } | _time_limit()
        status, message = _run(programme, "CLARABEL", settings)
        if not status.has_weights:
            return Solution.failed(status, message)
        return Solution(
            weights=scaling.weights(x.value, beta),
            status=status,
            n_iter=_iterations(programme),
            message=message,
            objective=objective,
            dual=-beta * lower * balance.dual_value,  # stationarity in r: r + ν = 0, and θ = b − A w
            claims=claims | _claims(programme, lower * beta**2),
        )

    def _solve_lad(self, problem: CalibrationProblem, lam: float) -> Solution:
        """minimise `1ᵀ(p + q) + (λ/s)ᵀx` subject to `(A/s) x + p − q = b/β`, all ≥ 0, with `A = ω∘M/scale`,
        `b = ω∘y/scale`, `s_i = max_j |a_ji|`, `β = max_j |b_j|`."""
        factor = problem.importance / problem.scale
        A, b = sp.csr_array(sp.diags_array(factor) @ problem.M), factor * problem.y
        objective = LadObjective(lam)
        if np.max(A.T @ np.sign(b)) <= lam:  # θ = ω∘sign(b) proves that w = 0 is optimal; also when b = 0 or A = 0
            value = float(np.abs(b).sum())
            return _zero(problem, objective, problem.importance * np.sign(b), {"solver_value": value})

        import cvxpy as cp

        beta = float(np.max(np.abs(b)))
        scaling = _ColumnScaling.of(A, abs(A).max(axis=0).toarray().ravel())
        x = cp.Variable(scaling.used.size, nonneg=True)
        above, below = (cp.Variable(problem.n_targets, nonneg=True) for _ in range(2))
        balance = scaling.matrix @ x + above - below == b / beta
        ones, cost = np.ones(problem.n_targets), lam / scaling.lengths
        programme = cp.Problem(cp.Minimize(ones @ above + ones @ below + cost @ x), [balance])
        tolerance = max(self.tol, _MIN_HIGHS_TOLERANCE)
        options = {
            "solver": "ipm",
            "ipm_iteration_limit": self.max_iter,
            "primal_feasibility_tolerance": tolerance,
            "dual_feasibility_tolerance": tolerance,
            "small_matrix_value": 1e-12,  # the least HiGHS takes; by default it drops entries below 1e-9
            "ipm_optimality_tolerance": max(self.tol, 1e-12),  # HiGHS refuses less
            # Not `threads`: HiGHS fails when its process-wide scheduler was started with another number by somebody.
            "parallel": "off",
        } | _time_limit()
        status, message = _run(programme, "HIGHS", {"highs_options": options})
        if not status.has_weights:
            return Solution.failed(status, message)
        return Solution(
            weights=scaling.weights(x.value, beta),
            status=status,
            n_iter=_iterations(programme),
            message=message,
            objective=objective,
            dual=-problem.importance * balance.dual_value,  # rows carry ω already, so the multiplier is in [−1, 1]
            claims=_claims(programme, beta),
        )


@dataclass(frozen=True, slots=True)
class _ColumnScaling:
    """The columns with entries, at unit length. A record without entries costs λ and helps nothing: weight 0."""

    used: np.ndarray[Any, np.dtype[np.intp]]
    lengths: FloatArray
    matrix: sp.csc_array
    n_records: int

    @classmethod
    def of(cls, A: sp.csr_array, lengths: FloatArray) -> _ColumnScaling:
        used = np.flatnonzero(lengths > 0)
        matrix = sp.csc_array(sp.csc_array(A)[:, used] @ sp.diags_array(1.0 / lengths[used]))
        return cls(used, lengths[used], matrix, A.shape[1])

    def weights(self, x: Any, beta: float) -> FloatArray:
        w = np.zeros(self.n_records)
        w[self.used] = np.maximum(x, 0.0) * beta / self.lengths
        return w


def _zero(
    problem: CalibrationProblem, objective: L1Objective | LadObjective, dual: FloatArray, claims: dict[str, Claim]
) -> Solution:
    weights = np.zeros(problem.n_records)
    claims = {"solver": "none", "solver_status": "optimal", **claims}
    return Solution(weights, Status.OPTIMAL, objective=objective, dual=dual, claims=claims)


def _run(programme: Any, solver: str, settings: dict[str, Any]) -> tuple[Status, str]:
    """Solve in place; the status, and a message where it is not `OPTIMAL`."""
    import cvxpy as cp

    try:
        with warnings.catch_warnings():
            # CVXPY warns of an inexact solution; here that is the status NOT_CONVERGED.
            warnings.filterwarnings("ignore", message="Solution may be inaccurate", category=UserWarning)
            programme.solve(solver=solver, **settings)
    except cp.error.SolverError:  # its text is advice about CVXPY
        return Status.ERROR, f"{solver} ended without a solution: loosen tol, or use nn_lasso or lp_vertex"
    status = _STATUS.get(programme.status, Status.ERROR)
    if status is Status.OPTIMAL:
        return status, ""
    cure = f": raise {limit_to_raise('max_iter')} or loosen tol" if status is Status.NOT_CONVERGED else ""
    if programme.status == "user_limit":
        status = Status.unconverged()
    return status, f"{solver} stopped with '{programme.status}'{cure}"


def _time_limit() -> dict[str, float]:
    """The solvers' own option, both of which call it by the same name."""
    seconds = remaining_seconds()
    return {} if seconds is None else {"time_limit": seconds}


def _iterations(programme: Any) -> int:
    """Interior-point iterations: CVXPY adds HiGHS's crossover pushes to them, which `max_iter` does not limit."""
    stats = programme.solver_stats
    return int(stats.num_iters if stats.extra_stats is None else stats.extra_stats.ipm_iteration_count)


def _claims(programme: Any, unit: float) -> dict[str, Claim]:
    return {
        "solver": str(programme.solver_stats.solver_name),
        "solver_status": str(programme.status),
        "solver_value": float(programme.value) * unit,
    }
