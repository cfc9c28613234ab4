"""Least absolute deviations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.certificate import Certificate
from frontier.objectives.design import relative_residual
from frontier.objectives.l1 import _ends


@dataclass(frozen=True, slots=True)
class LadObjective:
    """Least absolute deviations with an L1 penalty: `Σ ω_j |r_j| + λ Σ w_i`, `w ≥ 0`, a linear programme."""

    lam: float

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        r = relative_residual(problem, weights)
        return float(problem.importance @ np.abs(r) + self.lam * weights.sum())

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        """Gap to the LP dual `max bᵀθ`, `|θ_j| ≤ ω_j`, `Aᵀθ ≤ λ` (here `A = M/scale`, `b = y/scale`) near the hint θ.

        θ is clipped to the box and then moved towards an anchor in the box until `Aᵀθ ≤ λ`: 0 (which scales θ), −ω, or
        −ω∘sign(b). At λ = 0 the first gives up all of θ, while the other two lie strictly inside the constraints of
        every record that adds to the targets. The gap is summed from two non-negative terms, without cancellation:
        `Σ_j (ω_j|r_j| + θ_j r_j) + Σ_i w_i (λ − a_iᵀθ)`. `relative_gap` divides by the primal value, at λ = 0 by the
        value at w = 0 (the minimum may be 0). The KKT conditions of a linear programme are feasibility and
        complementarity: `kkt_residual` is the larger of the share of θ given up and the relative gap. None without θ.
        """
        if dual is None:
            return None
        omega, b = problem.importance, problem.y / problem.scale
        r = relative_residual(problem, weights)
        theta = np.clip(dual, -omega, omega)
        correlation = problem.M.T @ (theta / problem.scale)
        # What float64 cannot tell from feasible: the rounding of a product whose terms are at most ω_j |a_ji|.
        rounding = 4 * np.finfo(np.float64).eps * (abs(problem.M).T @ (omega / problem.scale))
        violated = correlation > self.lam + rounding
        gaps = []
        for anchor in (np.zeros_like(omega), -omega, -omega * np.sign(b)):
            toward = problem.M.T @ (anchor / problem.scale) - correlation
            if (toward[violated] >= 0).any():
                continue
            share = float(np.max((self.lam - correlation[violated]) / toward[violated], initial=0.0))
            moved = correlation + share * toward
            if share <= 1 and (moved <= self.lam + rounding).all():
                point = theta + share * (anchor - theta)
                slack = np.maximum(self.lam - moved, 0.0)
                gaps.append((float((omega * np.abs(r) + point * r).sum() + weights @ slack), share))
        gap, share = min(gaps)  # the anchor 0 never fails
        gap = max(gap, 0.0)
        primal = float(omega @ np.abs(r) + self.lam * weights.sum())
        reference = primal if self.lam > 0 else float(omega @ np.abs(b))
        relative_gap = gap / reference if reference > 0 else 0.0
        return Certificate(primal, gap, relative_gap, kkt_residual=max(share, relative_gap))


def lad_range(problem: CalibrationProblem) -> tuple[float, float]:
    """The same for least absolute deviations, where w = 0 is optimal from `max_i Σ_j ω_j sign(y_j) a_ji` on."""
    direction = problem.importance / problem.scale * np.sign(problem.y)
    return _ends(float(np.max(problem.M.T @ direction, initial=0.0)))
