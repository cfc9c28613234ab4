"""The non-negative LASSO path by working sets: solve a few columns exactly, price all, add what violates, repeat.

At each λ the working set starts as the last support. The columns that violate the KKT conditions `a_iᵀr ≤ λ c_i` most
join, the compiled active-set kernel solves the set to rounding, the correlations of all columns are computed anew, and
so on until none violates. As every subproblem is solved exactly (second order, no step sizes), the certificate at the
end is at rounding level (after an interior point at 1e-9). A working set is judged by its worst violators, not by
screening rules: on survey columns, which are nearly parallel, the sequential strong rule keeps 85% of them. Large
supports are found first: from nothing by coordinate descent, which takes the kernel's place as long as many columns
join (`descent`), and by an interior point method where hundreds of pivots were not enough. Where its solutions are a
face, its θ is the certificate and the kernel stops after a few pivots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import out_of_time, time_flag
from frontier.objectives.certificate import Certificate
from frontier.objectives.design import WeightedDesign
from frontier.objectives.l1 import l1_certificate, lam_max
from frontier.solvers.lasso.descent import descend, factor
from frontier.solvers.lasso.interior import InteriorPoint
from frontier.solvers.lasso.kernel import CONVERGED, active_set
from frontier.solvers.lasso.solved import Solved

VIOLATION = 1e-12  # relative excess of a correlation over its limit that still counts as none
FACE_VIOLATION = 1e-9  # … after an interior point: on a face all reduced costs are rounding, on which pivots never end
# In one round at most this share of the working set may join it, and LEAST_ADDED columns in any case.
GROWTH, LEAST_ADDED = 1.0, 50
INTERIOR_FROM, PATIENCE = 1_000, 400  # active records, beyond which so many pivots cost as much as an interior point
# After an interior point so many pivots clean up; a face of optima could take thousands, all of them rounding.
FINISHING = 100
LARGE, PASSES = 500, 100  # columns in a set that descent may take on; passes over their entries that it may need
TOL = 1e-8  # relative gap that is enough after an interior point


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A working set: its columns (positions) at length 1, what their lengths were, and the limits of correlations."""

    index: NDArray[np.intp]
    columns: sp.csc_array
    lengths: FloatArray
    limit: FloatArray

    def is_for_descent(self, active: int, joined: int) -> bool:
        """Whether pivots, k² operations for each that joins, would cost more than passes over all entries."""
        return len(self.index) >= LARGE and joined * (active + joined) ** 2 > PASSES * self.columns.nnz

    def spread(self, x: FloatArray, n: int) -> FloatArray:
        """The weights of all n records."""
        found = np.zeros(n)
        found[self.index] = x / self.lengths
        return found


class WorkingSetPath:
    """Solutions of one design at decreasing λ, each started from the last."""

    def __init__(self, design: WeightedDesign, costs: FloatArray | float = 1.0) -> None:
        self.design = design
        self.n = int(design.A.shape[1])
        self.costs = np.broadcast_to(np.asarray(costs, dtype=np.float64), (self.n,))
        self.lengths = np.sqrt(design.curvature)
        self.columns = sp.csc_array(design.A)
        self.lam_max = lam_max(design, costs)
        self.weights = np.zeros(self.n)
        self.correlation = design.at_b
        self.tolerance = VIOLATION
        self.interior: InteriorPoint | None = None

    def reweight(self, costs: FloatArray | float) -> None:
        """Change the costs; the last solution stays the start of the next one."""
        self.costs = np.broadcast_to(np.asarray(costs, dtype=np.float64), (self.n,))
        self.lam_max = lam_max(self.design, costs)

    def start_from(self, weights: FloatArray) -> None:
        """Let the next solution start from `weights` (n)."""
        self.weights = weights
        self.correlation = self.columns.T @ (self.design.b - self.design.A @ weights)

    def solve(self, lam: float, *, max_pivots: int, max_rounds: int = 200, tol: float = TOL) -> Solved:
        """The minimiser at `lam`; its certificate says how exact it is, also when a limit was reached or time is up.

        It tells the pivots of the kernel, rounds of pricing and the last working set.
        A relative gap of `tol` is enough after an interior point, where rounding may be thousands of pivots away.
        """
        if lam >= self.lam_max:
            self.weights, self.correlation = np.zeros(self.n), self.design.at_b
            told = {"pricing_rounds": 0, "working_set": 0}
            return Solved(self.weights, self._certificate(self.weights, lam), 0, told)
        self.tolerance, dual, most, patience = VIOLATION, None, max_pivots, PATIENCE
        weights, code, pivots, rounds = self.weights, -1, 0, 0
        member = weights > 0
        while rounds < max_rounds and not out_of_time():
            violators = self._violators(lam, member)
            if code == CONVERGED and not violators.size:
                break
            rounds += 1
            member[violators] = True
            part = self._part(np.flatnonzero(member), lam)
            if part.is_for_descent(int(np.count_nonzero(weights)), violators.size):
                weights, residual = self._descend(part, weights)
                self.correlation, code = self.columns.T @ residual, -1
                continue
            is_large = dual is None and int(np.count_nonzero(weights)) > INTERIOR_FROM
            allowed = min(most, max_pivots - pivots, patience if is_large else max_pivots)
            weights, used, code, residual = self._solve_on(part, weights, allowed)
            self.correlation = self.columns.T @ residual
            pivots, patience = pivots + used, patience - used * is_large
            if pivots >= max_pivots:
                break
            if code == CONVERGED:
                continue
            if is_large:
                dual = self._approach(lam)
                self.tolerance, most, weights, member = FACE_VIOLATION, FINISHING, self.weights, self.weights > 0
            elif self._certificate(weights, lam, dual).relative_gap <= tol:
                break
            else:
                most = max_pivots
        self.weights = weights
        told = {"pricing_rounds": rounds, "working_set": int(member.sum())}
        return Solved(weights, self._certificate(weights, lam, dual), pivots, told, dual=dual)

    def _approach(self, lam: float) -> FloatArray:
        """Move to near a vertex of the solutions: the kernel, one record at a time, then only finishes. Returns θ."""
        used = np.flatnonzero(self.lengths > 0)
        if self.interior is None:
            self.interior = InteriorPoint(self._part(used, lam).columns, self.design.b)
        found = self.interior.solve(lam * self.costs[used] / self.lengths[used])
        weights = np.zeros(self.n)
        weights[used] = found.x / self.lengths[used]
        self.start_from(weights)
        return found.theta

    def _violators(self, lam: float, member: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Columns outside the working set whose correlation exceeds its limit; only the worst ones of very many."""
        outside = ~member & (self.lengths > 0)
        excess = self.correlation - lam * self.costs * (1 + self.tolerance)
        excess = np.divide(excess, self.lengths, out=np.zeros(self.n), where=outside)
        violators = np.flatnonzero(excess > 1e-14 * np.linalg.norm(self.design.b))
        most = max(LEAST_ADDED, int(GROWTH * np.count_nonzero(member)))
        if violators.size > most:
            violators = np.sort(violators[np.argpartition(-excess[violators], most)[:most]])
        return violators

    def _part(self, index: NDArray[np.intp], lam: float) -> _Part:
        columns, lengths = self.columns[:, index], self.lengths[index]
        columns.data /= np.repeat(lengths, np.diff(columns.indptr))
        return _Part(index, columns, lengths, lam * self.costs[index] / lengths)

    def _descend(self, part: _Part, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Weights near the minimum on a part, and their residual."""
        x, residual = descend(part.columns, self.design.b, part.limit, weights[part.index] * part.lengths)
        return part.spread(x, self.n), residual

    def _solve_on(self, part: _Part, weights: FloatArray, max_pivots: int) -> tuple[FloatArray, int, int, FloatArray]:
        x = weights[part.index] * part.lengths
        order = np.argsort(-x, kind="stable")
        known = factor(part.columns, order[: np.count_nonzero(x)])
        with time_flag() as stop:
            code, pivots, residual = active_set(
                part.columns.indptr.astype(np.int64),
                part.columns.indices.astype(np.int64),
                part.columns.data,
                np.ascontiguousarray(self.design.b),
                part.limit,
                x,
                order,
                np.empty((0, 0)) if known is None else known,
                max(max_pivots, 1),
                self.tolerance,
                stop,
            )
        return part.spread(x, self.n), int(pivots), int(code), residual

    def _certificate(self, weights: FloatArray, lam: float, dual: FloatArray | None = None) -> Certificate:
        return l1_certificate(self.design, weights, lam, self.costs, dual)


def warm() -> None:
    """Compile the kernel, and the descent of large sets."""
    WorkingSetPath(WeightedDesign(sp.csr_array([[1.0, 2.0], [1.0, 1.0]]), np.ones(2))).solve(0.1, max_pivots=10)
    descend(sp.csc_array(np.ones((1, 1))), np.ones(1), np.full(1, 0.1), np.zeros(1))
