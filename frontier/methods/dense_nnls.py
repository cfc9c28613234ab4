"""Non-negative least squares, `min ½ Σ ω_j r_j²`, `w ≥ 0`: the least training loss that any weights reach.

"Dense" as in "no budget": it bounds every method's training loss from below at every number of records. Solved exactly
by the active-set method (`solvers/lasso/active_set.py`); the weights it returns are a vertex, with at most rank(A)
records, and not the only minimiser where there are more records than targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Share
from frontier.core.status import Status
from frontier.methods.base import Arm, Method
from frontier.methods.solution import Solution
from frontier.objectives.design import weighted_design
from frontier.objectives.l1 import L1Objective, l1_certificate
from frontier.solvers.lasso.active_set import settle
from frontier.solvers.lasso.columns import ActiveSet, Columns


@dataclass(frozen=True, kw_only=True)
class DenseNnls(Method):
    """Non-negative least squares; a point carries neither λ nor budget.

    tol       KKT residual at which the minimum counts as reached, in units of the gradient at w = 0
    max_iter  records that may enter or leave the active set
    """

    axes: ClassVar[frozenset[Coordinate]] = frozenset()
    refit_from: ClassVar[Arm] = "none"

    tol: Share = 1e-9
    max_iter: Count = 100_000

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """The minimiser, the same for every point."""
        self.check(points)
        design = weighted_design(problem)
        active = ActiveSet(Columns.of(design))
        settled = settle(active, 0.0, self.max_iter)
        weights = active.columns.weights(active.members, settled.x)
        certificate = l1_certificate(design, weights, 0.0)
        solved = settled.reached and certificate.kkt_residual <= self.tol
        message = ""
        if not solved:
            message = f"KKT residual {certificate.kkt_residual:.1e} after {settled.n_changes} changes of the active set"
        solution = Solution(
            weights=weights,
            status=Status.OPTIMAL if solved else Status.unconverged(),
            n_iter=settled.n_changes,
            message=message,
            objective=L1Objective(0.0),
            claims={"kkt_residual": certificate.kkt_residual, "value": certificate.primal},
        )
        return [solution for _ in points]
