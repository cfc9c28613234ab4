"""The anchored L1 objective, the sparse generalised regression estimator, and its certificate.

`½ Σ ω_j r_j² + λ Σ w_i + (μ/2) Σ (w_i − w0_i)²/w0_i`, `0 ≤ w ≤ u w0`: chi-square calibration (Deville & Särndal 1992,
case 1, relaxed) with an L1 penalty. Strongly convex in the records with w0 > 0, so its solution and support are
unique; records with w0 = 0 stay at 0. Its dual in θ has no constraints: `w_i(θ) = w0_i clip(1 + (a_iᵀθ − λ)/μ, 0, u)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.certificate import Certificate, least_value
from frontier.objectives.design import weighted_design
from frontier.objectives.links import LinearLink


@dataclass(frozen=True, slots=True)
class AnchoredObjective:
    """The anchored L1 objective with λ, μ > 0 (loss per unit of weight) and `upper` = u, a bound on w/w0."""

    lam: float
    mu: float
    upper: float = np.inf

    def link(self, w0: FloatArray) -> LinearLink:
        """`w(θ)` of the dual, for initial weights w0 (n)."""
        return LinearLink(w0, w0 / self.mu, self.lam, 0.0, self.upper * w0 if np.isfinite(self.upper) else np.inf)

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        design = weighted_design(problem)
        residual = design.b - design.times(weights)
        return float(0.5 * residual @ residual) + self._separable(problem.w0, weights)

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate:
        """The duality gap at `weights`, for the better of the residual and the hint as dual point.

        With `w' = w(θ)` the gap is a sum of non-negative terms, without cancellation:
        `½‖b − Aw − θ‖² + Σ_i (μ/2w0_i)(w_i − w'_i)² + (G_i'(w'_i) − a_iᵀθ)(w_i − w'_i)`. The KKT residual is
        the largest `|w_i − w_i(r)|` relative to the larger of the two and w0_i.
        """
        design = weighted_design(problem)
        w0, link = problem.w0, self.link(problem.w0)
        residual = design.b - design.times(weights)
        gap = np.inf
        for theta in (residual,) if dual is None else (residual, dual):
            correlation = design.transposed_times(theta)
            best = link.weights(correlation)
            step = weights - best
            pull = self.lam - correlation + self.mu * np.divide(best - w0, w0, out=np.zeros_like(w0), where=w0 > 0)
            square = self.mu / 2 * np.divide(step**2, w0, out=np.zeros_like(w0), where=w0 > 0)
            # inside the bounds `pull` is 0 up to rounding, at a bound it has the sign of `step`
            bound = self.upper * w0 if np.isfinite(self.upper) else np.inf  # ∞ · 0 is no number
            inside = (best > 0) & (best < bound)
            slack = np.where(inside, 0.0, np.maximum(pull * step, 0.0))
            difference = residual - theta
            gap = min(gap, float(0.5 * difference @ difference + square.sum() + slack.sum()))
        primal = float(0.5 * residual @ residual) + self._separable(w0, weights)
        step_to = link.weights(design.transposed_times(residual))
        size = np.maximum(np.maximum(weights, step_to), w0)
        reference = max(primal, least_value(0.5 * float(design.b @ design.b)))
        prox = np.divide(np.abs(weights - step_to), size, out=np.zeros_like(size), where=size > 0)
        return Certificate(
            primal=primal,
            gap=gap,
            relative_gap=gap / reference if reference > 0 else 0.0,
            kkt_residual=float(np.max(prox, initial=0.0)),
        )

    def _separable(self, w0: FloatArray, weights: FloatArray) -> float:
        distance = np.divide((weights - w0) ** 2, w0, out=np.zeros_like(w0), where=w0 > 0).sum()
        return float(self.lam * weights.sum() + 0.5 * self.mu * distance)
