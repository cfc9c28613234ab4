"""Non-negative iterative hard thresholding: `min ½ Σ ω_j r_j²` with at most k records, by projected gradient steps.

    x ← H_k(max(x + τ Âᵀ(b − Â x), 0)),   H_k keeps the k largest

(Blumensath & Davies 2009, eq. 1.7) in the variables `x_i = ‖a_i‖ w_i`, for which all columns of Â have length 1:
without that, which records are "largest" would depend on their units. Steps τ are the normalised ones of Blumensath &
Davies (2010, section III): exact line search on the support, shortened while the support would change and the step
exceeds `(1 − c)‖d‖²/‖Â d‖²`, which makes the loss fall. The start is stated, so the result is deterministic: nothing
(the first support is then the k records best correlated with the targets) or the initial weights' k largest.

At the end the weights on the support are fitted exactly by non-negative least squares (`refit`), which frees the
result from slow convergence; it may bring some to 0. Where the budget exceeds the number of targets that fit is not
unique, and would keep at most rank(A) records: there the weights are left as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import scipy.sparse as sp

from frontier.core.arrays import FloatArray
from frontier.core.limits import limit_to_raise, out_of_time
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Share
from frontier.core.search_space import OneOf, Space
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.solution import Solution
from frontier.objectives.design import WeightedDesign, weighted_design
from frontier.objectives.least_squares import LeastSquares
from frontier.solvers.lasso.active_set import settle
from frontier.solvers.lasso.columns import ActiveSet, Columns

SAFETY = 0.01  # c of the step rule, a small positive number (Blumensath & Davies 2010, algorithm 1)
SHRINK = 2.0  # κ(1 − c) there: the factor by which a step is shortened
FITTED = 1e-12  # of the loss at w = 0: less is an exact fit but for rounding


@dataclass(frozen=True, kw_only=True)
class Iht(Method):
    """At most `budget` records by iterative hard thresholding.

    start     zero, or the initial weights (their k largest, in scaled variables)
    refit     fit the weights on the final support by non-negative least squares (budgets up to the number of targets)
    tol       relative fall of the loss in one step, with an unchanged support, that ends the iteration
    max_iter  steps
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"budget"})
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})

    search_space: ClassVar[Space] = {
        "start": OneOf(("zero", "initial")),
        "refit": OneOf((True, False)),
    }

    start: Literal["zero", "initial"] = "zero"
    refit: bool = True
    tol: Share = 1e-6
    max_iter: Count = 5_000

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One independent run for each point."""
        self.check(points)
        design = weighted_design(problem)
        columns = Columns.of(design)
        start = np.zeros(columns.used.size)
        if self.start == "initial":
            start = problem.w0[columns.used] * columns.lengths
        return [
            Solution.not_begun() if out_of_time() else self._one(design, columns, start, point.budget or 0)
            for point in points
        ]

    def _one(self, design: WeightedDesign, columns: Columns, start: FloatArray, k: int) -> Solution:
        run = _thresholded(columns, _largest(start, k), k, tol=self.tol, max_iter=self.max_iter)
        support = np.flatnonzero(run.x)
        weights = columns.weights(support.tolist(), run.x[support])
        refit = self.refit and k <= design.b.size
        cut = False
        if refit and support.size:
            kept = columns.used[support]
            part = ActiveSet(Columns.of(WeightedDesign(sp.csr_array(design.A[:, kept]), design.b)))
            settled = settle(part, 0.0)
            cut = not settled.reached  # it starts from nothing: cut short it is worse than what was there
            if not cut:
                weights = np.zeros(columns.n_records)
                weights[kept] = part.columns.weights(part.members, settled.x)
        status, message = Status.COMPLETED, ""
        if not run.converged:
            status = Status.unconverged()
            message = f"the loss still falls after {run.n_iter} steps: raise {limit_to_raise('max_iter')} or tol"
        elif cut:
            status, message = Status.unconverged(), "without the last fit of the weights"
        return Solution(
            weights=weights,
            status=status,
            n_iter=run.n_iter,
            message=message,
            objective=LeastSquares(),
            trace={"loss": np.array(run.losses)},
            claims={"thresholded_active": support.size, "refit": refit and not cut},
        )


class _Run(NamedTuple):
    """The scaled weights x, whether the loss had come to rest, the steps taken, and the loss before each and after."""

    x: FloatArray
    converged: bool
    n_iter: int
    losses: list[float]


def _thresholded(columns: Columns, x: FloatArray, k: int, *, tol: float, max_iter: int) -> _Run:
    """Normalised iterative hard thresholding from x, which has at most k positive entries."""
    rows = columns.rows  # Âᵀ
    A = rows.T
    residual = columns.b - A @ x
    losses = [0.5 * float(residual @ residual)]
    exact = FITTED * 0.5 * float(columns.b @ columns.b)
    for n_iter in range(max_iter):
        if losses[-1] <= exact:
            return _Run(x, True, n_iter, losses)
        if out_of_time():
            return _Run(x, False, n_iter, losses)
        gradient = rows @ residual
        support = x > 0
        on_support = np.where(support, gradient, 0.0) if support.any() else _largest(gradient, k)
        change = A @ on_support
        bent = float(change @ change)
        if bent == 0:  # also where squares vanish
            return _Run(x, True, n_iter, losses)  # nothing improves the fit
        step = float(on_support @ on_support) / bent
        while True:
            moved = _largest(x + step * gradient, k)
            difference = moved - x
            fit = A @ difference
            bend = float(fit @ fit)
            same = bool(np.array_equal(moved > 0, support))
            if same or bend == 0 or step * bend <= (1 - SAFETY) * float(difference @ difference):
                break
            step /= SHRINK
        x = moved
        residual = columns.b - A @ x
        losses.append(0.5 * float(residual @ residual))
        if same and losses[-2] - losses[-1] <= tol * losses[-2]:
            return _Run(x, True, n_iter + 1, losses)
    return _Run(x, False, max_iter, losses)


def _largest(x: FloatArray, k: int) -> FloatArray:
    """The k largest positive entries of x, the first ones among equals; the others 0."""
    found = np.maximum(x, 0.0)
    if np.count_nonzero(found) > k:
        least = np.partition(found, -k)[-k]
        equal = np.flatnonzero(found == least)
        found[found < least] = 0.0
        found[equal[k - np.count_nonzero(found > least) :]] = 0.0
    return found
