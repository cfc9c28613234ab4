"""Sampling proportional to dense calibrated weights: `π_i = min(1, c w_i)`, `Σ π_i = k`, sampled weights `w_i/π_i`.

Randomised systematic sampling of fixed size (`solvers/sampling`). The Horvitz–Thompson estimates of a sample are
unbiased for those of the dense weights, whatever they estimate; the sampled weights are equal to 1/c but for the
records taken for certain, which is what makes the effective sample size large. Nothing is fitted after sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frontier.core.point import Coordinate, Point
from frontier.core.problem import CalibrationProblem, FloatArray
from frontier.methods._dense import DenseMethod, dense_method, sampler, thin_dense, warm_up_dense
from frontier.methods.base import Method
from frontier.methods.solution import Claim, Solution
from frontier.solvers.sampling.inclusion import inclusion_probabilities
from frontier.solvers.sampling.systematic import systematic_sample


@dataclass(frozen=True, kw_only=True)
class PpsSample(Method):
    """Exactly `budget` records, drawn in proportion to dense weights.

    dense    where those come from (`frontier.methods._dense`)
    penalty  μ or ρ of the dense method; None: its default

    Raises `InputError` for a penalty that is not a finite number > 0, or given to dense weights without one.
    """

    batch_over: ClassVar[frozenset[str]] = frozenset({"budget", "seed"})
    stochastic: ClassVar[bool] = True
    axes: ClassVar[frozenset[Coordinate]] = frozenset({"budget"})

    dense: DenseMethod = "anchored_l1"
    penalty: float | None = None

    def __post_init__(self) -> None:
        dense_method(self.dense, self.penalty)

    def warm_up(self) -> None:
        warm_up_dense(self.dense, self.penalty)

    def solve(self, problem: CalibrationProblem, points: Sequence[Point]) -> list[Solution]:
        """One sample per point."""
        self.check(points)
        return thin_dense(problem, points, self.dense, self.penalty, _draw)


def _draw(dense: FloatArray, point: Point) -> tuple[FloatArray, dict[str, Claim]]:
    assert point.budget is not None
    probabilities = inclusion_probabilities(dense, point.budget)
    drawn = systematic_sample(probabilities, sampler(point))
    weights = np.zeros(dense.size)
    weights[drawn] = dense[drawn] / probabilities[drawn]
    return weights, {"certain": int(np.count_nonzero(probabilities == 1))}
