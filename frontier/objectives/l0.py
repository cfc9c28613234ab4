"""The L0 objective."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.certificate import Certificate
from frontier.objectives.design import relative_residual


@dataclass(frozen=True, slots=True)
class L0Objective:
    """`loss + λ ‖w‖₀ + λ₂ Σ w_i² + λ_ratio mean((w/w0)²)`: what Hard Concrete relaxes; non-convex, so uncertified.

    `loss` is `Σ ω_j r_j²`, or with a cap c `Σ ω_j min(|r_j|, c) / Σ ω_j`.
    """

    lam: float
    lam_l2: float = 0.0
    lam_ratio: float = 0.0
    cap: float | None = None

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        r, omega = relative_residual(problem, weights), problem.importance
        loss = (omega * r) @ r if self.cap is None else omega @ np.minimum(np.abs(r), self.cap) / omega.sum()
        ratio = float(np.mean((weights / problem.w0) ** 2)) if self.lam_ratio else 0.0
        penalty = self.lam * np.count_nonzero(weights) + self.lam_l2 * weights @ weights
        return float(loss + penalty + self.lam_ratio * ratio)

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        return None
