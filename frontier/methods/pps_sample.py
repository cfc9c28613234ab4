"""Sampling proportional to dense calibrated weights: `π_i = min(1, c w_i)`, `Σ π_i = k`, sampled weights `w_i/π_i`.

A design of fixed size, or k draws with replacement (`solvers/sampling/designs.py`). The Horvitz–Thompson estimates of a
sample are unbiased for those of the dense weights, whatever they estimate; the sampled weights are equal to 1/c but for
the records taken for certain, which is what makes the effective sample size large. With replacement they are multiples
of Σw/k, one for each time that a record was drawn (Hansen & Hurwitz 1943), and there are fewer records than draws.
Nothing is fitted after sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.point import Point
from frontier.core.problem import CalibrationProblem
from frontier.core.search_space import OneOf, Space
from frontier.methods._dense import DenseThinning, Thin, certain, sampler
from frontier.methods.solution import Claim
from frontier.solvers.sampling.designs import Design, draws, expected_draws


@dataclass(frozen=True, kw_only=True)
class PpsSample(DenseThinning):
    """Exactly `budget` records, drawn in proportion to dense weights; with replacement, that many draws.

    dense    where those come from (`frontier.methods._dense`)
    penalty  μ or ρ of the dense method; None: its default
    design   systematic, sampford, pivotal or with_replacement

    Raises `InputError` for a penalty that is not a finite number > 0, or given to dense weights without one.
    """

    stochastic: ClassVar[bool] = True

    search_space: ClassVar[Space] = dict(DenseThinning.search_space) | {
        "design": OneOf(("systematic", "sampford", "pivotal")),  # a Poisson sample has no size that hits a budget
    }

    design: Design = "systematic"

    @property
    def at_most(self) -> bool:
        return self.design == "with_replacement"

    def warm_up(self) -> None:
        """Compile the dense method, and the duels."""
        super().warm_up()
        draws(np.full(4, 0.5), self.design, np.random.default_rng(0))

    def thinning(self, problem: CalibrationProblem, dense: FloatArray) -> Thin:
        def draw(point: Point) -> tuple[FloatArray, dict[str, Claim]]:
            assert point.budget is not None
            expected = expected_draws(dense, point.budget, self.design)
            drawn = draws(expected, self.design, sampler(point))
            weights = np.divide(drawn * dense, expected, out=np.zeros(dense.size), where=drawn > 0)
            return weights, {"certain": 0 if self.at_most else certain(expected)}

        return draw
