"""Reweighted L1: a sequence of non-negative LASSOs whose costs fall where the last weights are large.

    w⁽ᵗ⁺¹⁾ = argmin ½ Σ ω_j r_j² + λ Σ c_i w_i,   c_i = ε/(w_i⁽ᵗ⁾ + ε),   c⁽⁰⁾ = 1

(Candès, Wakin & Boyd 2008, section 2.2, eq. 2.4). There `c_i = 1/(w_i + ε)`; the factor ε, which only rescales λ,
gives a record without weight cost 1, so λ means what it means for the LASSO, and λ_max is the same. Each step
minimises a majoriser of the log-sum penalty, `½ Σ ω_j r_j² + λ ε Σ log(1 + w_i/ε)` (eq. 2.7), which therefore falls:
large weights are shrunk less than by the LASSO, small ones are driven to 0. The limit is a stationary point, not a
proven minimum.

ε is `eps` times the mean active weight of the first step, the LASSO at the same λ: free of units and of the size of the
weights. Every step is solved exactly by working sets (`solvers.lasso.working_set`), from the last one's weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.limits import out_of_time
from frontier.core.point import Coordinate
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Positive, Share
from frontier.core.search_space import Between, Space
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.path import DOWNHILL, Path
from frontier.methods.solution import Solution
from frontier.objectives.certificate import Certificate
from frontier.objectives.design import relative_residual, weighted_design
from frontier.objectives.l1 import lam_max
from frontier.objectives.weight_statistics import active_count
from frontier.solvers.lasso.working_set import WorkingSetPath, warm

SMALLEST_RATIO = 1e-7  # the end of the path that budgets search, in units of λ_max
SETTLED = 1e-9  # relative change of the weights at which further steps change nothing


@dataclass(frozen=True, slots=True)
class LogSumObjective:
    """`½ Σ ω_j r_j² + λ ε Σ log(1 + w_i/ε)`: non-convex, so without a certificate."""

    lam: float
    eps: float

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        r = relative_residual(problem, weights)
        penalty = self.lam * self.eps * float(np.log1p(weights / self.eps).sum())
        return 0.5 * float((problem.importance * r) @ r) + penalty

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        return None


@dataclass(frozen=True, kw_only=True)
class ReweightedL1(Method):
    """Reweighted L1 at each λ or budget.

    eps         ε, in units of the mean active weight of the LASSO at the same λ
    iterations  LASSOs to solve, the first one included (1: the plain LASSO); fewer where the weights stand still
    lam_unit    whether λ is absolute or a share of λ_max
    tol         relative duality gap at which each LASSO counts as solved
    max_iter    pivots of the working-set kernel, for each LASSO
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam", "budget"})
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"lam", "budget"})

    search_space: ClassVar[Space] = {
        "eps": Between(1e-3, 1.0, log=True),
        "iterations": Between(2, 16, log=True),
    }

    eps: Positive = 0.1
    iterations: Count = 8
    lam_unit: Literal["absolute", "lam_max"] = "absolute"
    tol: Share = 1e-8
    max_iter: Count = 100_000

    def warm_up(self) -> None:
        warm()

    def path(self, problem: CalibrationProblem, seed: int | None) -> Path:
        """Every λ starts from the LASSO solved last."""
        state = _Path(problem, self)
        return Path(
            state.solve,
            lowest=SMALLEST_RATIO * state.lam_max,
            highest=state.lam_max,
            unit=state.lam_max if self.lam_unit == "lam_max" else 1.0,
            rule=DOWNHILL,
        )


class _Path:
    """One problem's path; its state is the LASSO (n weights) solved last."""

    def __init__(self, problem: CalibrationProblem, method: ReweightedL1) -> None:
        self.method = method
        design = weighted_design(problem)
        self.path = WorkingSetPath(design)
        self.lam_max = lam_max(design)
        self.lasso: FloatArray = np.zeros(problem.n_records)

    def solve(self, lam: float) -> Solution:
        path = self.path
        path.reweight(1.0)
        path.start_from(self.lasso)
        pivots, steps, change, gap, mean, weights = 0, 0, np.inf, 0.0, 1.0, self.lasso
        while steps < self.method.iterations and change > SETTLED and not out_of_time():
            last = weights
            point = path.solve(lam, max_pivots=self.method.max_iter, tol=self.method.tol)
            weights, steps, pivots = point.weights, steps + 1, pivots + point.n_iter
            gap = max(gap, min(point.certificate.relative_gap, point.certificate.kkt_residual if lam == 0 else np.inf))
            if steps == 1:
                self.lasso = weights
                mean = float(weights[weights > 0].mean()) if weights.any() else 1.0
            else:
                change = float(np.max(np.abs(weights - last)) / mean)
            if not weights.any():
                break  # at λ ≥ λ_max: all costs stay 1
            path.reweight(self.method.eps * mean / (weights + self.method.eps * mean))
        status, message = Status.COMPLETED, ""
        if gap > self.method.tol:
            status = Status.unconverged()
            message = f"a relative gap of {gap:.1e} > {self.method.tol:.0e} was left by one of the LASSOs"
        elif not steps or (weights.any() and steps < self.method.iterations and change > SETTLED):
            status, message = Status.TIMEOUT, f"{steps} of {self.method.iterations} LASSOs"
        return Solution(
            weights=weights,
            status=status,
            n_iter=pivots,
            message=message,
            objective=LogSumObjective(lam, self.method.eps * mean),
            claims={
                "lassos": steps,
                "lasso_active": active_count(self.lasso),
                "settled": change <= SETTLED,
                "lam_max": self.lam_max,
            },
        )
