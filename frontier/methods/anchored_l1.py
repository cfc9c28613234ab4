"""Anchored L1 calibration: `½ Σ ω_j r_j² + λ Σ w_i + (μ/2) Σ (w_i − w0_i)²/w0_i`, `0 ≤ w ≤ u w0`, certified.

Semismooth Newton on the m-dimensional dual, `w_i(θ) = w0_i clip(1 + (a_iᵀθ − λ)/μ, 0, u)` with the normal matrix
`I + A_S diag(w0_S/μ) A_Sᵀ`, warm-started along λ. Deterministic, and its support is unique. λ trades records for
weight; μ trades training error for closeness to the initial weights.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.point import Coordinate
from frontier.core.problem import CalibrationProblem
from frontier.core.ranges import Count, Positive, Share
from frontier.core.search_space import Between, OneOf, Space
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.path import Path
from frontier.methods.solution import Solution
from frontier.objectives.anchored import AnchoredObjective
from frontier.objectives.certificate import least_value
from frontier.objectives.design import weighted_design
from frontier.solvers.dual.newton import DualNewton, DualPoint, warm_up_gram

# Budget searches look for λ between these multiples of μ: with no pull from the targets a record closes at λ = μ, and
# targets that no other record can serve hold one open far beyond it.
SMALLEST_RATIO, LARGEST_RATIO = 1e-9, 1e9
TINY = 1e-300  # λ = 0 has a logarithm too
TIGHTENINGS = 3  # of the tolerance on the gradient, as the primal value that the gap is relative to comes down


@dataclass(frozen=True, kw_only=True)
class AnchoredL1(Method):
    """Certified anchored L1 at each λ or budget.

    mu        strength of the anchor, in the unit of `mu_unit`
    mu_unit   relative: `μ = mu ‖b‖²/Σw0`, so that dropping every record costs `mu` times the loss that it causes, on
              every problem; absolute: μ is `mu`, loss per unit of weight
    lam_unit  mu: λ is a multiple of μ (a record that no target pulls up is dropped at 1); absolute: loss per unit of
              weight
    upper     bound on w/w0, None for none
    tol       relative duality gap at which a point counts as solved
    max_iter  Newton steps per λ
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam", "budget"})
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"lam", "budget"})
    by_dual: ClassVar[bool] = True

    search_space: ClassVar[Space] = {
        "mu": Between(1e-5, 1.0, log=True),
        "upper": OneOf((None, 5.0, 20.0)),
    }

    mu: Positive = 1e-3
    mu_unit: Literal["relative", "absolute"] = "relative"
    lam_unit: Literal["mu", "absolute"] = "mu"
    upper: Positive | None = None
    tol: Share = 1e-10
    max_iter: Count = 500

    def warm_up(self) -> None:
        warm_up_gram()

    def path(self, problem: CalibrationProblem, seed: int | None) -> Path:
        """Certified solutions, each started from the nearest λ solved before."""
        state = _Path(problem, self)
        return Path(
            state.solve,
            lowest=SMALLEST_RATIO * state.mu,
            highest=LARGEST_RATIO * state.mu,
            unit=state.mu if self.lam_unit == "mu" else 1.0,
        )


class _Path:
    """One problem's path: μ in force, and the dual point θ of every λ solved so far."""

    def __init__(self, problem: CalibrationProblem, method: AnchoredL1) -> None:
        self.problem, self.method = problem, method
        design = weighted_design(problem)
        self.newton = DualNewton(design.columns(), design.b)
        self.loss_at_zero = 0.5 * float(design.b @ design.b)
        total = float(problem.w0.sum())
        relative = method.mu_unit == "relative" and self.loss_at_zero > 0 and total > 0
        self.mu = method.mu * 2 * self.loss_at_zero / total if relative else method.mu
        self.thetas: dict[float, FloatArray] = {}

    def solve(self, lam: float) -> Solution:
        objective = AnchoredObjective(lam, self.mu, self.method.upper or np.inf)
        start = np.zeros(self.problem.n_targets)
        if self.thetas:
            start = self.thetas[min(self.thetas, key=lambda other: abs(np.log((other + TINY) / (lam + TINY))))]
        point, reference = self._newton(objective, start)
        self.thetas[lam] = point.theta
        relative_gap = 0.5 * point.gradient_norm**2 / reference if reference > 0 else 0.0
        solved = relative_gap <= self.method.tol
        gap = f"relative gap {relative_gap:.1e} > {self.method.tol:.0e} after {point.n_iter} Newton steps"
        return Solution(
            weights=point.weights,
            status=Status.OPTIMAL if solved else Status.unconverged(),
            n_iter=point.n_iter,
            message="" if solved else gap,
            objective=objective,
            dual=point.theta,
            claims={"relative_gap": relative_gap, "mu": self.mu, "lam_over_mu": lam / self.mu},
        )

    def _newton(self, objective: AnchoredObjective, start: FloatArray) -> tuple[DualPoint, float]:
        """The minimiser, and what its gap is relative to: its value, or `least_value` where w0 fits already.

        At `w = w(θ)` the gap is exactly `½‖g‖²`, so the gradient is held.
        """
        link, max_iter = objective.link(self.problem.w0), self.method.max_iter
        # the optimum is below the loss at zero; a factored step overshoots for nothing, an iterative one pays for it
        share = 1e-3 if self.newton.dense else 1.0
        tolerance = share * np.sqrt(2 * self.method.tol * self.loss_at_zero)
        point = self.newton.solve(link, start, tol=tolerance, max_iter=max_iter)
        for tightening in range(TIGHTENINGS + 1):
            reference = max(objective.value(self.problem, point.weights), least_value(self.loss_at_zero))
            steps, tolerance = point.n_iter, 0.9 * np.sqrt(2 * self.method.tol * reference)
            if point.gradient_norm <= tolerance or steps >= max_iter or tightening == TIGHTENINGS:
                break
            point = self.newton.solve(link, point.theta, tol=tolerance, max_iter=max_iter - steps)
            point = dataclasses.replace(point, n_iter=steps + point.n_iter)
        return point, reference
