"""The refit objective."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.certificate import Certificate
from frontier.objectives.distance import Box, DistanceObjective


@dataclass(frozen=True, slots=True)
class RefitObjective:
    """`½ Σ ω_j r_j² + ρ D(w)/N` at the anchor weights v (n, 0 off the support), declared for the harness to certify.

    `box`: lower and upper ends of the weights, (n,) each; 0 and anything off the support.
    """

    anchor: FloatArray = field(compare=False)  # arrays have no truth value to compare by
    rho: float
    box: Box | None = field(default=None, compare=False)

    @property
    def lam(self) -> float:
        return float("nan")

    def value(self, problem: CalibrationProblem, weights: FloatArray) -> float:
        return self.rho * self._distance.value(self._anchored(problem), weights)

    def certificate(
        self, problem: CalibrationProblem, weights: FloatArray, dual: FloatArray | None = None
    ) -> Certificate | None:
        """The duality gap of relaxed raking, ρ times that of `DistanceObjective`."""
        found = self._distance.certificate(self._anchored(problem), weights, dual)
        if found is None:
            return None
        return dataclasses.replace(found, primal=self.rho * found.primal, gap=self.rho * found.gap)

    @property
    def _distance(self) -> DistanceObjective:
        return DistanceObjective("entropy", relax=self.rho, box=self.box)

    def _anchored(self, problem: CalibrationProblem) -> CalibrationProblem:
        return dataclasses.replace(problem, w0=self.anchor, floor=None)
