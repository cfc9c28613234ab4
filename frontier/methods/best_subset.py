"""The exact best subset: `min Σ ω_j |r_j|` with at most k active records, by mixed-integer linear programming.

    minimise 1ᵀ(p + q)   subject to   A w + p − q = b,   0 ≤ w_i ≤ U_i z_i,   Σ z_i ≤ k,   z binary

with `A = ω∘M/scale`, `b = ω∘y/scale` (least absolute deviations, so that everything is linear), through CVXPY and
HiGHS's branch and bound (Bertsimas, King & Mazumder 2016, eq. 2.4, for least squares). It gives the truth against
which greedy and relaxed methods are measured, for up to `MAX_RECORDS` records.

The bounds U are derived, not guessed: a support of k records that orthogonal matching pursuit finds, refit, has some
value v; so every optimum lies in `{w ≥ 0: Σ ω_j |r_j| ≤ v}`, and `U_i` is the largest w_i there, a linear programme for
each record. `upper` gives one bound for all instead, and then counts as a constraint. Where the least absolute
deviations without a limit already have a vertex of at most k records, that is the answer, with its dual as certificate.

The solver's support is refit by linear programming, so tolerances on z and U do not show in the weights. The status is
optimal only where the refit value is within `GAP` of the bound that HiGHS proved; the bound is a claim in any case.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.limits import limit_to_raise, remaining_seconds
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Positive
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.lp_vertex import LpVertex
from frontier.methods.omp import Omp
from frontier.methods.solution import Solution
from frontier.objectives.absolute import LadObjective
from frontier.objectives.weight_statistics import active_count

MAX_RECORDS = 200  # beyond, branch and bound takes hours
GAP = 1e-6  # between value and bound, relative to the value at w = 0: what counts as proven
INTEGRALITY = 1e-9  # distance of z from 0 or 1; HiGHS takes 1e-10 at least
SLACK = 1e-6  # relative widening of v and U, so that the tolerances of the programmes behind them cut nothing off


@dataclass(frozen=True, kw_only=True)
class BestSubset(Method):
    """The least absolute deviations of any `budget` records, proven.

    upper               a bound on every weight; None: bounds are derived
    time_limit_seconds  for each budget's branch and bound

    Raises `InputError` for parameters that are not positive, and for a problem with more than 200 records.
    """

    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})

    upper: Positive | None = None
    time_limit_seconds: Positive = 60.0

    def warm_up(self) -> None:
        """Import CVXPY and HiGHS, and solve one target with two records."""
        tiny = CalibrationProblem("warm-up", np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2), np.ones(2))
        self.solve(tiny, [Point(budget=1)])

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One independent solve for each point."""
        self.check(points)
        self.check_problem(problem)
        return [self._one(problem, point.budget) for point in points if point.budget is not None]

    def check_problem(self, problem: CalibrationProblem) -> None:
        """Refuse a problem of more records than can be searched."""
        if problem.n_records > MAX_RECORDS:
            raise InputError(
                "best_subset",
                "too many records for an exact search",
                expected=f"at most {MAX_RECORDS}",
                got=problem.n_records,
                cure="use omp, iht or hard_concrete",
            )

    def _one(self, problem: CalibrationProblem, k: int) -> Solution:
        (relaxed,) = LpVertex().solve(problem, [Point(lam=0.0)])
        if relaxed.weights is not None and relaxed.status is Status.OPTIMAL and self.upper is None:
            size = active_count(relaxed.weights, 0.0)
            if size <= k:
                bound = LadObjective(0.0).value(problem, relaxed.weights)
                return dataclasses.replace(relaxed, claims={"bound": bound, "gap": 0.0}, at_most=True)
        factor = problem.importance / problem.scale
        A, b = problem.M.toarray() * factor[:, None], problem.y * factor
        start = _refit(A, b, _greedy_support(problem, k), self.upper)
        if self.upper is None:
            bounds = _bounds(A, b, float(np.abs(b - A @ start).sum()))
        else:
            bounds = np.full(A.shape[1], self.upper)
        if bounds is None:
            message = "records can cancel without limit, so no bound on their weights follows: give upper"
            return Solution.failed(Status.ERROR, message)
        return self._searched(A, b, k, bounds, start)

    def _searched(self, A: FloatArray, b: FloatArray, k: int, bounds: FloatArray, start: FloatArray) -> Solution:
        """Branch and bound over the records that can have weight; `start` is returned where it finds nothing better."""
        import cvxpy as cp

        used = np.flatnonzero((bounds > 0) & A.any(axis=0))
        value_at_zero = float(np.abs(b).sum())
        unit = value_at_zero or 1.0
        x, z = cp.Variable(used.size, nonneg=True), cp.Variable(used.size, boolean=True)
        above, below = (cp.Variable(b.size, nonneg=True) for _ in range(2))
        ones = np.ones(b.size)
        columns = A[:, used] * bounds[used] / unit  # x = w/U, in [0, 1]
        constraints: list[Any] = [columns @ x + above - below == b / unit, x <= z, np.ones(used.size) @ z <= k]
        programme: Any = cp.Problem(cp.Minimize(ones @ above + ones @ below), constraints)
        left = remaining_seconds()
        options = {
            "mip_rel_gap": 0.0,
            "mip_abs_gap": GAP / 10,  # the objective is in units of its value at w = 0
            "mip_feasibility_tolerance": INTEGRALITY,
            "primal_feasibility_tolerance": INTEGRALITY,
            "dual_feasibility_tolerance": INTEGRALITY,
            "small_matrix_value": 1e-12,  # the least HiGHS takes; by default it drops entries below 1e-9
            "time_limit": self.time_limit_seconds if left is None else min(left, self.time_limit_seconds),
            "parallel": "off",
        }
        try:
            with warnings.catch_warnings():
                # CVXPY warns of an inexact solution; here that is the status NOT_CONVERGED.
                warnings.filterwarnings("ignore", message="Solution may be inaccurate", category=UserWarning)
                programme.solve(solver="HIGHS", highs_options=options)
        except cp.error.SolverError:  # its text is advice about CVXPY
            return Solution.failed(Status.ERROR, "HiGHS ended without a solution: give a smaller upper")
        info: Any = programme.solver_stats.extra_stats if programme.solver_stats is not None else None
        bound = max(float(info.mip_dual_bound) * unit, 0.0) if info is not None else 0.0
        weights = start
        if z.value is not None:
            support = used[np.argsort(-z.value, kind="stable")[:k]]
            support = np.sort(support[z.value[np.searchsorted(used, support)] > 0.5])
            found = _refit(A, b, support, self.upper)
            if np.abs(b - A @ found).sum() <= np.abs(b - A @ start).sum():
                weights = found
        value = float(np.abs(b - A @ weights).sum())
        gap = (value - bound) / unit
        proven = gap <= GAP
        by_the_clock = programme.status == cp.USER_LIMIT
        cure = f"raise {limit_to_raise('time_limit_seconds')}"
        message = f"HiGHS stopped with '{programme.status}' at a gap of {gap:.1e}: {cure}"
        return Solution(
            weights=weights,
            status=Status.OPTIMAL if proven else Status.TIMEOUT if by_the_clock else Status.unconverged(),
            n_iter=int(info.mip_node_count) if info is not None else 0,
            message="" if proven else message,
            objective=LadObjective(0.0),
            claims={"bound": min(bound, value), "gap": max(gap, 0.0), "largest_bound": float(bounds.max())},
            at_most=proven,
        )


def _greedy_support(problem: CalibrationProblem, k: int) -> NDArray[np.intp]:
    """Up to k records that orthogonal matching pursuit chooses."""
    (found,) = Omp().solve(problem, [Point(budget=k)])
    assert found.weights is not None
    return np.flatnonzero(found.weights)


def _refit(A: FloatArray, b: FloatArray, support: NDArray[np.intp], upper: float | None) -> FloatArray:
    """The least absolute deviations on a support, 0 ≤ w ≤ upper."""
    weights = np.zeros(A.shape[1])
    support = support[A[:, support].any(axis=0)]
    if support.size:
        lengths = np.abs(A[:, support]).max(axis=0)
        beta = float(np.abs(b).max()) or 1.0
        identity = np.eye(b.size)
        limits = np.full(support.size, np.inf) if upper is None else upper * lengths / beta
        found = linprog(
            np.concatenate([np.zeros(support.size), np.ones(2 * b.size)]),
            A_eq=np.hstack([A[:, support] / lengths, identity, -identity]),
            b_eq=b / beta,
            bounds=np.column_stack(
                [np.zeros(support.size + 2 * b.size), np.append(limits, np.full(2 * b.size, np.inf))]
            ),
            method="highs-ds",
        )
        if found.x is not None:
            weights[support] = np.maximum(found.x[: support.size], 0.0) * beta / lengths
    return weights


def _bounds(A: FloatArray, b: FloatArray, value: float) -> FloatArray | None:
    """The largest each weight can be where `Σ |b − A w| ≤ value`, `w ≥ 0`; None where one has no limit."""
    n, m = A.shape[1], b.size
    lengths = np.abs(A).max(axis=0)
    used = np.flatnonzero(lengths > 0)
    beta = float(np.abs(b).max()) or 1.0
    identity, none = np.eye(m), np.zeros((1, used.size))
    matrix = np.hstack([A[:, used] / lengths[used], identity, -identity])
    limit = np.hstack([none, np.ones((1, 2 * m))])
    room = np.array([value / beta * (1 + SLACK) + SLACK])
    bounds = np.zeros(n)
    for position, record in enumerate(used):
        cost = np.zeros(matrix.shape[1])
        cost[position] = -1.0
        found = linprog(cost, A_ub=limit, b_ub=room, A_eq=matrix, b_eq=b / beta, method="highs-ds")
        if found.status != 0:
            return None
        bounds[record] = -found.fun * (1 + SLACK) * beta / lengths[record]
    return bounds
