"""Least squares over a support that was fixed beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.certificate import Certificate
from frontier.objectives.design import relative_residual


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """`½ Σ ω_j r_j²` over a support fixed beforehand: comparable within a support only, so without a certificate."""

    lam: float = float("nan")

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        r = relative_residual(problem, weights)
        return float(0.5 * (problem.importance * r) @ r)

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        return None
