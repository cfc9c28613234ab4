"""Anchored L1 calibration: `½ Σ ω_j r_j² + λ Σ w_i + (μ/2) Σ (w_i − w0_i)²/w0_i`, `0 ≤ w ≤ u w0`, certified.

Semismooth Newton on the m-dimensional dual, `w_i(θ) = w0_i clip(1 + (a_iᵀθ − λ)/μ, 0, u)` with the normal matrix
`I + A_S diag(w0_S/μ) A_Sᵀ`, warm-started along λ. Deterministic, and its support is unique. λ trades records for
weight; μ trades training error for closeness to the initial weights.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from frontier.core.errors import InputError
from frontier.core.limits import out_of_time
from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem, FloatArray
from frontier.core.status import Status
from frontier.methods.base import Method
from frontier.methods.solution import Solution
from frontier.objectives.anchored import AnchoredObjective
from frontier.objectives.design import weighted_design
from frontier.objectives.weight_statistics import active_count
from frontier.solvers.budget_search import BudgetSearch
from frontier.solvers.dual.newton import DualNewton, DualPoint, warm_up_gram

# Budget searches look for λ between these multiples of μ: with no pull from the targets a record closes at λ = μ, and
# targets that no other record can serve hold one open far beyond it.
SMALLEST_RATIO, LARGEST_RATIO = 1e-9, 1e9
TINY = 1e-300  # λ = 0 has a logarithm too
TIGHTENINGS = 3  # of the tolerance on the gradient, as the primal value that the gap is relative to comes down


@dataclass(frozen=True, kw_only=True)
class AnchoredL1(Method):
    """Certified anchored L1 at each λ or budget.

    mu        strength of the anchor; relative: `μ = mu ‖b‖²/Σw0`, so that dropping every record costs `mu` times the
              loss that it causes (scale-free); absolute: loss per unit of weight
    lam_unit  whether λ is a multiple of μ (a record with no pull from the targets closes at 1) or absolute
    upper     bound on w/w0, None for none
    tol       relative duality gap at which a point counts as solved
    max_iter  Newton steps per λ
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"lam", "budget"})
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"lam", "budget"})

    mu: float = 1e-3
    mu_unit: Literal["relative", "absolute"] = "relative"
    lam_unit: Literal["mu", "absolute"] = "mu"
    upper: float | None = None
    tol: float = 1e-10
    max_iter: int = 500

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mu) and self.mu > 0):
            raise InputError("mu", "not an anchor strength", expected="a finite number > 0", got=self.mu)
        if self.upper is not None and not self.upper > 0:
            raise InputError("upper", "not a bound on w/w0", expected="a number > 0", got=self.upper)
        if not 0 < self.tol < 1:
            raise InputError("tol", "not a relative gap", expected="0 < tol < 1", got=self.tol)
        if self.max_iter < 1:
            raise InputError("max_iter", "not an iteration limit", expected="an integer ≥ 1", got=self.max_iter)

    def warm_up(self) -> None:
        warm_up_gram()

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """The certified solution of each point; λ are taken from the largest down, budgets by a search over λ."""
        self.check(points)
        run = _Run(problem, self)
        unit = run.mu if self.lam_unit == "mu" else 1.0
        wanted: dict[Point, float] = {p: unit * p.lam for p in points if p.lam is not None}
        for lam in sorted(set(wanted.values()), reverse=True):
            if not out_of_time():
                run.at(lam)
        search = BudgetSearch(run.count, SMALLEST_RATIO * run.mu, LARGEST_RATIO * run.mu)
        for point in sorted((p for p in points if p.budget is not None), key=lambda p: p.budget or 0):
            assert point.budget is not None
            if search.seen or not out_of_time():
                wanted[point] = search.find(point.budget)
        return [run.solution(wanted[point]) if point in wanted else Solution.not_begun() for point in points]


class _Run:
    """One problem's solves, remembered by λ, each started from the nearest λ solved before."""

    def __init__(self, problem: CalibrationProblem, method: AnchoredL1) -> None:
        self.problem, self.method = problem, method
        design = weighted_design(problem)
        self.newton = DualNewton(design.A, design.b)
        self.loss_at_zero = 0.5 * float(design.b @ design.b)
        total = float(problem.w0.sum())
        relative = method.mu_unit == "relative" and self.loss_at_zero > 0 and total > 0
        self.mu = method.mu * 2 * self.loss_at_zero / total if relative else method.mu
        self.solved: dict[float, tuple[DualPoint, AnchoredObjective]] = {}

    def at(self, lam: float) -> tuple[DualPoint, AnchoredObjective]:
        if lam not in self.solved:
            objective = AnchoredObjective(lam, self.mu, self.method.upper or np.inf)
            start = np.zeros(self.problem.n_targets)
            if self.solved:
                nearest = min(self.solved, key=lambda other: abs(np.log((other + TINY) / (lam + TINY))))
                start = self.solved[nearest][0].theta
            self.solved[lam] = self._newton(objective, start), objective
        return self.solved[lam]

    def _newton(self, objective: AnchoredObjective, start: FloatArray) -> DualPoint:
        """At `w = w(θ)` the duality gap is exactly `½‖g‖²`, so the gradient's norm is the stopping rule."""
        link = objective.link(self.problem.w0)
        # the optimum is below the loss at zero; a factored step overshoots for nothing, an iterative one pays for it
        share = 1e-3 if self.newton.dense else 1.0
        tolerance = share * np.sqrt(2 * self.method.tol * self.loss_at_zero)
        point = self.newton.solve(link, start, tol=tolerance, max_iter=self.method.max_iter)
        for _ in range(TIGHTENINGS):
            tolerance = 0.9 * np.sqrt(2 * self.method.tol * objective.value(self.problem, point.weights))
            steps = point.n_iter
            if point.gradient_norm <= tolerance or steps >= self.method.max_iter:
                break
            point = self.newton.solve(link, point.theta, tol=tolerance, max_iter=self.method.max_iter - steps)
            point = dataclasses.replace(point, n_iter=steps + point.n_iter)
        return point

    def count(self, lam: float) -> int:
        return active_count(self.at(lam)[0].weights)

    def solution(self, lam: float) -> Solution:
        if lam not in self.solved:
            return Solution.not_begun()
        point, objective = self.at(lam)
        primal = objective.value(self.problem, point.weights)
        relative_gap = 0.5 * point.gradient_norm**2 / primal if primal > 0 else 0.0
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
