"""Sampling proportional to dense calibrated weights: `π_i = min(1, c w_i)`, `Σ π_i = k`, sampled weights `w_i/π_i`.

Randomised systematic sampling of fixed size (`solvers/sampling`). The Horvitz–Thompson estimates of a sample are
unbiased for those of the dense weights, whatever they estimate; the sampled weights are equal to 1/c but for the
records taken for certain, which is what makes the effective sample size large. Nothing is fitted after sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem, FloatArray
from frontier.methods._dense import DenseThinning, Thin, certain, sampled, sampler
from frontier.methods.solution import Claim
from frontier.solvers.sampling.inclusion import inclusion_probabilities
from frontier.solvers.sampling.systematic import systematic_sample


@dataclass(frozen=True, kw_only=True)
class PpsSample(DenseThinning):
    """Exactly `budget` records, drawn in proportion to dense weights.

    dense    where those come from (`frontier.methods._dense`)
    penalty  μ or ρ of the dense method; None: its default

    Raises `InputError` for a penalty that is not a finite number > 0, or given to dense weights without one.
    """

    stochastic: ClassVar[bool] = True

    def thinning(self, problem: CalibrationProblem, dense: FloatArray) -> Thin:
        def draw(point: Point) -> tuple[FloatArray, dict[str, Claim]]:
            assert point.budget is not None
            probabilities = inclusion_probabilities(dense, point.budget)
            drawn = systematic_sample(probabilities, sampler(point))
            return sampled(dense, probabilities, drawn), {"certain": certain(probabilities)}

        return draw
