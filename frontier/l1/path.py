"""The non-negative LASSO path by working sets: solve a few columns exactly, price all, add what violates, repeat.

At each λ the working set holds the last support and the columns that the sequential strong rule keeps (Tibshirani et
al. 2012, eq. 5, one-sided: `a_iᵀr(λ') ≥ (2λ − λ') c_i`). The compiled active-set kernel solves it to rounding; then the
correlations of all columns are computed, violators join, and the loop ends when the certificate does. As every
subproblem is solved exactly, the final set's KKT conditions hold for all columns: the second-order finish is the method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from frontier.l1.kernel import CONVERGED, active_set
from frontier.objective import Certificate, WeightedDesign, l1_certificate, lam_max
from frontier.problem import FloatArray

VIOLATION = 1e-12  # relative excess of a correlation over its limit that still counts as none
LEAST_ADDED = 50  # violators that may join per round at least; beyond, twice the support's size


@dataclass(frozen=True, slots=True, eq=False)
class PathPoint:
    """The solution at one λ: weights (n), certificate, pivots of the kernel, rounds of pricing, largest working set."""

    weights: FloatArray
    certificate: Certificate
    pivots: int
    rounds: int
    working_set: int


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
        self.lam = self.lam_max

    def solve(self, lam: float, *, max_pivots: int, max_rounds: int = 200) -> PathPoint:
        """The minimiser at `lam`; its certificate says how exact it is, also when a limit was reached."""
        if lam >= self.lam_max:
            self.weights, self.correlation, self.lam = np.zeros(self.n), self.design.at_b, self.lam_max
            return PathPoint(self.weights, self._certificate(lam), 0, 0, 0)
        usable = self.lengths > 0
        member = (self.weights > 0) | (self.correlation >= (2 * lam - self.lam) * self.costs)
        member &= usable
        weights, pivots = self.weights, 0
        for rounds in range(1, max_rounds + 1):
            index = np.flatnonzero(member)
            weights, used, code, residual = self._solve_on(index, weights, lam, max_pivots - pivots)
            pivots += used
            self.correlation = self.columns.T @ residual
            excess = np.where(member | ~usable, 0.0, self.correlation - lam * self.costs * (1 + VIOLATION))
            excess = np.divide(excess, self.lengths, out=np.zeros(self.n), where=usable)
            violators = np.flatnonzero(excess > 1e-14 * np.linalg.norm(self.design.b))
            if not violators.size or code != CONVERGED or pivots >= max_pivots:
                break
            most = max(LEAST_ADDED, 2 * int(np.count_nonzero(weights)))
            if violators.size > most:
                violators = violators[np.argpartition(-excess[violators], most)[:most]]
            member[violators] = True
        self.weights, self.lam = weights, lam
        return PathPoint(weights, self._certificate(lam), pivots, rounds, int(member.sum()))

    def _solve_on(
        self, index: np.ndarray, weights: FloatArray, lam: float, max_pivots: int
    ) -> tuple[FloatArray, int, int, FloatArray]:
        part = self.columns[:, index]
        lengths = self.lengths[index]
        x = weights[index] * lengths
        code, pivots, residual = active_set(
            part.indptr.astype(np.int64),
            part.indices.astype(np.int64),
            part.data / np.repeat(lengths, np.diff(part.indptr)),
            np.ascontiguousarray(self.design.b),
            lam * self.costs[index] / lengths,
            x,
            max(max_pivots, 1),
            VIOLATION,
        )
        found = np.zeros(self.n)
        found[index] = x / lengths
        return found, int(pivots), int(code), residual

    def _certificate(self, lam: float) -> Certificate:
        return l1_certificate(self.design, self.weights, lam, self.costs)
