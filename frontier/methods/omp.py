"""Non-negative orthogonal matching pursuit: `min ½ Σ ω_j r_j²` with at most k records, greedily.

Starting from nothing, the record whose column makes the largest positive angle cosine with the residual,
`a_iᵀr/‖a_i‖`, joins, and all weights on the support are fitted anew by non-negative least squares (Bruckstein, Elad &
Zibulevsky 2008, section II.C). Each fit starts from the last, so that it drops the few records whose weights reach 0
and keeps a QR factor up to date: this is Lawson & Hanson's method (`solvers/lasso/active_set.py`), read at every step
instead of at its end. One path therefore serves all budgets. It never takes a choice back for a better one: greedy, not
optimal.

The path ends where no record would improve the fit, at the non-negative least squares optimum with at most rank(A)
records. A budget above that gets those weights and a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from frontier.core.arrays import FloatArray
from frontier.core.limits import limit_to_raise
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.least_squares import LeastSquares
from frontier.solvers.lasso.active_set import settle
from frontier.solvers.lasso.columns import ActiveSet, Columns


@dataclass(frozen=True, kw_only=True)
class Omp(Method):
    """The greedy path where it first reaches `budget` records.

    max_iter  records that may enter or leave
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"budget"})
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})

    max_iter: Count = 100_000

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One path up to the largest budget; each solution is its first point of that size."""
        self.check(points)
        active = ActiveSet(Columns.of(weighted_design(problem)))
        budgets = {point.budget for point in points if point.budget is not None}
        reached: dict[int, FloatArray] = {}

        def visit(x: FloatArray) -> bool:
            if x.size in budgets and x.size not in reached:
                reached[x.size] = active.columns.weights(active.members, x)
            return x.size >= max(budgets)

        settled = settle(active, 0.0, self.max_iter, visit)
        end = active.columns.weights(active.members, settled.x)
        solutions = []
        for point in points:
            assert point.budget is not None
            weights = reached.get(point.budget, end)
            status, message = Status.COMPLETED, ""
            if point.budget not in reached:
                size, asked = len(active), f"asked for {point.budget}"
                message = f"the path ends with {size} records, as no other one improves the fit; {asked}"
                if not settled.reached:
                    status = Status.unconverged()
                    cure = f"raise {limit_to_raise('max_iter')}"
                    message = f"{size} records after {settled.n_changes} changes, {asked}: {cure}"
            solutions.append(Solution(weights, status, settled.n_changes, message, LeastSquares()))
        return solutions
